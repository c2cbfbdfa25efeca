"""Every job of docs/recipes.md is done as it stands there; what it yields is looked at."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import rescompile

from .page import CODE, PUBLISHED, check_commands, prepared, run, sections, shell

JOBS = sections("recipes.md")
del JOBS["0"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return prepared(tmp_path)


def do(number: str, place: Path, *more: str) -> str:
    """Do a job; `more` are lines of Python after each of its blocks. What was printed."""
    printed = ""
    for language, code in CODE.findall(JOBS[number]):
        if "CIFAR10" in code and not PUBLISHED.is_file():
            pytest.skip("the published weights are not on this machine (shared/reference)")
        if language == "python":
            framework = "torch" if '"torch"' in code else "keras" if '"keras"' in code else "numpy"
            pytest.importorskip(framework)
            printed += run(["-c", "\n".join([code, *more])], place)
        else:
            printed += shell(code, place)
    return printed


def emitted(place: Path, name: str) -> str:
    """The head of the emitted file, with its table."""
    return (place / "generated/torch" / f"{name}.py").read_text("utf-8")


def test_there_are_ten() -> None:
    assert [*JOBS] == [str(number) for number in range(1, 11)]
    assert all(CODE.findall(job) for job in JOBS.values())


def test_a_smaller_image_and_fewer_classes(place: Path) -> None:
    do("1", place)
    total = rescompile.load("resnet50", size=64, classes=10).report("network").total
    head = emitted(place, "small_resnet50")
    assert f"Input 3 x 64 x 64, {total.parameters:,} parameters" in head


def test_a_larger_image(place: Path) -> None:
    do("2", place)
    assert "Input 3 x 256 x 256, 138,357,544 parameters" in emitted(place, "vgg16")


def test_a_sweep_over_widths(place: Path) -> None:
    """Parameters as torchvision's mobilenet_v2(width_mult=...) has them."""
    said = do("3", place)
    for count in ("1,677,128", "1,968,680", "2,636,424", "3,504,872", "6,108,776"):
        assert count in said


def test_many_in_a_table(place: Path) -> None:
    do("4", place)
    rows = list(csv.DictReader((place / "costs.csv").open()))
    assert len(rows) >= 20
    costs = [int(row["macs"]) for row in rows]
    assert costs == sorted(costs)
    assert max(int(row["parameters"]) for row in rows) < 30e6


def test_features_at_five_strides(place: Path) -> None:
    do("5", place)
    source = emitted(place, "efficientnet_b0_features")
    assert source.count("tuple[Tensor, Tensor, Tensor, Tensor, Tensor]") == 1


def test_fine_tuning(place: Path) -> None:
    learns = 'print("learns", [tuple(v.shape) for v in LIST if v.SIGN])'
    torch = learns.replace("LIST", "model.parameters()").replace("SIGN", "requires_grad")
    keras = learns.replace("LIST", "model.variables").replace("SIGN", "trainable")
    last = f"{torch} if hasattr(model, 'parameters') else {keras}"
    said = [line for line in do("6", place, last).splitlines() if line.startswith("learns")]
    assert said == ["learns [(4, 64), (4,)]", "learns [(64, 4), (4,)]"]


def test_grey_images(place: Path) -> None:
    do("7", place)
    assert "Input 1 x 224 x 224" in emitted(place, "grey_resnet18")


def test_a_stage_dropped(place: Path) -> None:
    do("8", place)
    source = emitted(place, "resnet14")
    assert "layer3" in source
    assert "layer4" not in source.partition('"""\n\nfrom')[2]


def test_published_weights_into_keras(place: Path) -> None:
    do("9", place)
    assert (place / "resnet20.weights.h5").stat().st_size > 1_000_000


def test_a_spec_from_a_mapping(place: Path) -> None:
    assert "def tiny(" in do("10", place)


def test_what_else_the_page_says_is_there() -> None:
    assert check_commands(JOBS) >= 6
