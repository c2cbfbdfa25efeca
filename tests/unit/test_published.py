"""Published weights: what entries are, whose they are, and how they are listed."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import rescompile
from rescompile.cli import main
from rescompile.convert.owner import owner_of
from rescompile.errors import SpecError
from rescompile.language.load import zoo
from rescompile.published import Published, entry, reference
from rescompile.published.listing import COLUMNS, listing
from rescompile.registry import backend_names

from ..conftest import Write

ANY = backend_names()[0]
TINY = "stem:\n  - conv: {channels: 4, kernel: 3}\n"
PREPROCESSING = "    preprocessing: {resize: 40, crop: 32, mean: 0.5, std: [0.2, 0.3, 0.4]}\n"
ENTRY = "  - name: V1\n    url: https://example.org/a%20b/mine-0123abcd.pth\n"
FULL = f"""\
{ENTRY}{PREPROCESSING}    sha256: {"0123abcd" * 8}
    mib: 1.5
    format: .th
    rename: {{module.: "", linear: fc}}
    skip: [aux]
    metrics: {{error@1: 8.27, other: 3}}
    where: README
    about: trained by hand
"""


def mine(write: Write, *entries: str) -> rescompile.Architecture:
    return rescompile.load(write(f"{TINY}weights:\n{''.join(entries)}"))


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["weights", *words])


def test_an_entry_says_everything(write: Write) -> None:
    (one,) = mine(write, FULL).weights
    assert one.preprocessing is not None
    assert one.preprocessing.record() == {
        "resize": 40,
        "crop": 32,
        "mean": [0.5],
        "std": [0.2, 0.3, 0.4],
        "interpolation": "bilinear",
        "antialias": True,
    }
    assert (one.sha256, one.filename, one.format) == ("0123abcd" * 8, "mine-0123abcd.pth", ".th")
    assert one.rename == (("module.", ""), ("linear", "fc"))
    assert (one.skip, one.mib, one.top1) == (("aux",), 1.5, 91.73)
    assert len({one, one}) == 1


def test_the_hash_is_that_in_the_name_of_the_file(write: Write) -> None:
    (one,) = mine(write, ENTRY).weights
    assert one == Published("V1", one.url, "0123abcd", "mine-0123abcd.pth")
    assert one.top1 is None


def test_weights_are_not_inherited_and_change_no_source(write: Write, tmp_path: Path) -> None:
    net = mine(write, FULL)
    (tmp_path / "other.yaml").write_text(
        f"rescompile: 1\nextends: {net.document.path.stem}\nname: other\n", "utf-8"
    )
    assert rescompile.load(tmp_path / "other.yaml").weights == ()
    assert net.source() == rescompile.load(write(TINY)).source()


def test_they_survive_a_spec_written_out(write: Write, tmp_path: Path) -> None:
    net = mine(write, FULL)
    (tmp_path / "whole.yaml").write_text(net.resolved(), "utf-8")
    assert rescompile.load(tmp_path / "whole.yaml").weights == net.weights


def test_an_entry_is_found_by_its_name_in_any_case(write: Write) -> None:
    spec = mine(write, ENTRY, ENTRY.replace("V1", "V2")).document.spec
    assert entry(spec, "v2").name == "V2"
    with pytest.raises(SpecError, match=r"mine has no weights named 'V3'\n = help: .*V1.*V2"):
        entry(spec, "V3")
    with pytest.raises(SpecError, match="plain34 lists no weights"):
        entry(rescompile.load("plain34").document.spec, "V1")


def test_a_spec_and_its_weights_in_one_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reference("resnet34") == ("resnet34", None)
    assert reference("resnet34:V1") == ("resnet34", "V1")
    assert reference("a/mine.yaml:V1") == ("a/mine.yaml", "V1")
    assert reference(r"C:\mine.yaml") == (r"C:\mine.yaml", None)
    assert reference(r"C:\mine.yaml:V1") == (r"C:\mine.yaml", "V1")
    assert reference(":V1") == (":V1", None)
    monkeypatch.chdir(tmp_path)
    Path("odd:name").write_text("", "utf-8")
    assert reference("odd:name") == ("odd:name", None)


@pytest.mark.parametrize("spec", sorted(zoo()))
def test_shipped_entries_are_good(spec: str) -> None:
    """Their files can be read, are known by a hash, and have been measured on prepared images.

    How clips are prepared a spec cannot say.
    """
    net = rescompile.load(spec)
    for one in net.weights:
        assert owner_of(Path(one.format or one.filename)) is not None
        assert f"-{one.sha256[:8]}" in one.filename
        assert (one.preprocessing is None) == (net.document.spec.input.frames is not None)
        assert one.recipe
        assert one.top1 is not None or one.about
        assert one.top1 is None or 50 < one.top1 < 100


def test_every_classifier_of_torchvision_has_weights() -> None:
    facts = json.loads(
        (Path(__file__).parents[1] / "facts/torchvision_parameters.json").read_text("utf-8")
    )
    theirs = {f"resnet{depth}": f"resnet{depth}_v1_5" for depth in (50, 101, 152)}
    for name in facts["parameters"]:
        assert rescompile.load(theirs.get(name, name)).weights, name
    assert not any(rescompile.load(name).weights for name in theirs)


def test_a_table_of_them() -> None:
    rows = list(
        csv.DictReader(io.StringIO(run("resnet34", "resnet20_cifar", "--format", "csv").output))
    )
    assert [row["spec"] for row in rows] == ["resnet34", "resnet20_cifar"]
    assert rows[0]["top1"] == "73.314"
    assert rows[0]["mean"] == "0.485 0.456 0.406"
    assert rows[1]["top1"] == "91.73"
    assert rows[1]["top5"] == rows[1]["resize"] == ""
    assert list(rows[0]) == [column.key for column in COLUMNS]
    text = run("resnet34").output
    assert "resnet34-b627a593.pth" in text
    assert "| 73.314 |" in run("resnet34", "--format", "markdown").output


def test_json_has_all_that_a_spec_says(write: Write) -> None:
    net = mine(write, FULL)
    (made,) = json.loads(listing([(net.name, net.weights)]).json())
    assert made["spec"] == "mine"
    assert made["rename"] == {"module.": "", "linear": "fc"}
    assert made["skip"] == ["aux"]
    assert made["metrics"] == {"error@1": 8.27, "other": 3}
    assert set(made) == {"spec", *Published.__dataclass_fields__} - {"filename"}  # type: ignore[attr-defined]


def test_without_a_spec_it_lists_those_that_have_some() -> None:
    done = run("--format", "json")
    specs = {row["spec"] for row in json.loads(done.output)}
    # torchvision's, two with auxiliary heads, CIFAR's, those of segmentation, of clips, SSDLite
    assert len(specs) == 68 + 2 + 6 + 6 + 3 + 1
    assert "resnet50" not in specs


def test_a_network_without_weights_tells_whose_may_be_meant() -> None:
    done = run("resnet50")
    assert done.exit_code == 0
    assert done.output.startswith("resnet50 lists no weights. The stride of a bottleneck is on its")
    assert "torchvision's weights are for resnet50_v1_5" in " ".join(done.output.split())
    assert run("plain34").output == "plain34 lists no weights.\n"
    assert run("vgg16:IMAGENET1K_FEATURES").output.count("\n  NaN\n") == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("resnet34:V2",), 1, "resnet34 has no weights named 'V2'"),
        (("resnet34", "--columns", "acc"), 1, "there is no column 'acc'"),
        (("resnet34", "--format", "python"), 2, "a list is no code"),
        (("resnet34", "-o", "x.py"), 2, "a list is no code"),
        (("--preprocessing", ANY), 2, "is for one SPEC"),
        (("resnet34", "resnet18", "--preprocessing", ANY), 2, "is for one SPEC"),
        (("resnet34", "--preprocessing", ANY, "--format", "csv"), 2, "no format"),
        (("resnet34", "--preprocessing", ANY, "--wide"), 2, "no format or columns"),
        (("resnet34", "--preprocessing", ANY, "-o", "x.json"), 2, "no format or columns"),
        (("resnet34", "--preprocessing", "pytorch"), 1, "no backend named 'pytorch'"),
        (("resnet50", "--preprocessing", ANY), 1, "resnet50 lists no weights"),
        (("vgg16", "--preprocessing", ANY), 1, "`vgg16:IMAGENET1K_FEATURES`"),
        (("resnet34:V2", "--preprocessing", ANY), 1, "known: IMAGENET1K_V1"),
    ],
)
def test_what_is_not_understood_is_told(words: tuple[str, ...], code: int, said: str) -> None:
    done = run(*words)
    assert done.exit_code == code
    assert said in done.output


def test_preprocessing_is_written_as_code_is(tmp_path: Path) -> None:
    file = tmp_path / "prepare.py"
    words = ("resnet34", "--preprocessing", ANY, "-o", str(file))
    assert run(*words).output == f"wrote {file.as_posix()}\n"
    assert file.read_text("utf-8") == run(*words[:3]).output
    assert run(*words).output.startswith("up to date")
    file.write_text("mine = 1\n", "utf-8")
    refused = run(*words)
    assert refused.exit_code == 1
    assert "rescompile did not generate it" in refused.output
    assert file.read_text("utf-8") == "mine = 1\n"
    assert run(*words, "--force").exit_code == 0


def test_one_preprocessing_of_several_weights_needs_no_name() -> None:
    assert "IMAGENET1K_V1 or IMAGENET1K_V2" in _alike()
    net = rescompile.load("resnet50_v1_5")
    with pytest.raises(SpecError, match="preprocessed in 2 ways"):
        net.preprocessing(ANY)
    assert "232 * height" in net.preprocessing(ANY, "IMAGENET1K_V2")


def _alike() -> str:
    text = json.loads(json.dumps({"rescompile": 1, "extends": "resnet18", "name": "alike"}))
    same = {"url": "https://example.org/a-01234567.pth", "preprocessing": {"mean": 0, "std": 1}}
    text["weights"] = [{"name": f"IMAGENET1K_V{i}", **same} for i in (1, 2)]
    return rescompile.load(text).preprocessing(ANY)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "do not say how images are preprocessed"),
        ("    preprocessing: {mean: [0.5, 0.5], std: 1}\n", "of 2 channels, but images of mine"),
    ],
)
def test_what_cannot_be_emitted_is_told_with_its_place(write: Write, given: str, said: str) -> None:
    net = mine(write, ENTRY, given)
    with pytest.raises(SpecError, match=said) as caught:
        net.preprocessing(ANY)
    assert caught.value.diagnostics[0].location is not None


def test_shells_complete_the_names_of_weights() -> None:
    context = click.Context(main.get_command(click.Context(main), "weights") or main)
    (specs, *_) = context.command.params

    def completed(text: str) -> list[str]:
        return [item.value for item in specs.shell_complete(context, text)]

    assert completed("resnet50_v") == ["resnet50_v1_5"]
    assert completed("resnet50_v1_5:") == [f"resnet50_v1_5:IMAGENET1K_V{i}" for i in (1, 2)]
    assert completed("resnet50_v1_5:X") == completed("nothing:") == []
