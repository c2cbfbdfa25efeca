"""Every spec of the zoo, in every backend that is found: emits, builds, runs, and agrees.

No backend is named here: what one needs stands in its `requires`, what it cannot do in its own
tables. The facts about torchvision's models are in tests/facts/torchvision.json: their state dicts,
and their logits under the weights that `seeded_weights` draws (torchvision 0.29.1, float32, CPU;
GoogLeNet and Inception v3 without their auxiliary heads). Those in torchvision_sizes.json are of
images of other sizes.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.language.load import zoo
from rescompile.reference import run
from rescompile.reference.deviation import relative_error
from rescompile.reference.weights import parameters, random_weights
from rescompile.registry import backend_names
from rescompile.starters import FOLDER, kinds
from rescompile.verify.case import full_size, reduced
from rescompile.worker.client import Worker
from rescompile.worker.job import Subject, listed

ROOT = Path(__file__).parents[2]
SPECS = sorted(zoo())
TORCHVISION = json.loads((ROOT / "tests/facts/torchvision.json").read_text("utf-8"))
SIZES = json.loads((ROOT / "tests/facts/torchvision_sizes.json").read_text("utf-8"))
FORWARD_FLOAT32 = 1e-5
TORCHVISION_FLOAT32 = 1e-4
LIKE_VGG16 = ("vgg16_bn", "vgg19")  # and as large: run where there is time
COUNTER = "num_batches_tracked"


def images(spec: str, seed: int, size: int | None = None) -> Any:
    shape = open_spec(spec, size).analysis.network.input
    return np.random.default_rng(seed).standard_normal((2, *shape)).astype(np.float32)


def golden(path: Path, text: str, request: pytest.FixtureRequest) -> None:
    """The file at `path` holds `text`; with --rewrite it is made to."""
    if request.config.getoption("rewrite"):
        path.write_text(text, "utf-8")
    assert path.read_text("utf-8") == text


@cache
def reference(spec: str, size: int | None = None) -> Any:
    elaborated = open_spec(spec, size).analysis.elaborated
    x = images(spec, 7, size).astype(np.float64)
    return run(elaborated, random_weights(elaborated, 3), x).outputs


@cache
def smallest(spec: str) -> int | None:
    """The smallest size of images that a network is verified on, if that is not its own."""
    return reduced(full_size(spec)).size


def compare(worker: Worker, spec: str, size: int | None) -> None:
    subject = Subject(spec, size, weights=3)
    given = {"images": images(spec, 7, size)}
    made = listed("output", worker.about(subject, "run", given, training=False))
    for got, wanted in zip(made, reference(spec, size), strict=True):
        assert relative_error(got, wanted) < FORWARD_FLOAT32


def test_a_backend_computes_what_the_reference_does(worker: Worker, to_run: str) -> None:
    compare(worker, to_run, smallest(to_run))


@pytest.mark.slow
def test_a_backend_does_so_for_images_of_the_specs_size(worker: Worker, to_run: str) -> None:
    compare(worker, to_run, None)


@pytest.mark.parametrize("kind", kinds())
def test_a_starter_is_the_same_everywhere(worker: Worker, kind: str) -> None:
    spec = str(FOLDER / f"{kind}.yaml")
    (got,) = worker.run(Path(spec), images(spec, 7), weights=3)
    assert relative_error(got, reference(spec)[0]) < FORWARD_FLOAT32


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(s, marks=pytest.mark.slow if s in LIKE_VGG16 else ())
        for s in sorted(TORCHVISION)
    ],
)
def test_a_backend_gives_torchvisions_logits(worker: Worker, spec: str) -> None:
    fact = TORCHVISION[spec]
    (got,) = worker.run(zoo()[spec], images(spec, 0), weights="seeded")
    norms = np.array(fact["logits_norm"])
    deviation = np.abs(got[:, :8] - np.array(fact["logits_first8"])).max(axis=1)
    assert (deviation < TORCHVISION_FLOAT32 * norms).all()
    assert np.allclose(np.linalg.norm(got, axis=1), norms, rtol=TORCHVISION_FLOAT32)
    assert got.argmax(axis=1).tolist() == fact["argmax"]


@pytest.mark.parametrize(("spec", "size"), [(s, n) for s, sizes in SIZES.items() for n in sizes])
def test_a_backend_gives_torchvisions_logits_for_other_sizes(
    worker: Worker, spec: str, size: str
) -> None:
    """Maps smaller than the classifier's grid, and such as it does not divide."""
    fact, subject = SIZES[spec][size], Subject(spec, int(size), "seeded")
    x = np.random.default_rng(0).standard_normal((2, 3, int(size), int(size))).astype(np.float32)
    (got,) = listed("output", worker.about(subject, "run", {"images": x}, training=False))
    norms = np.array(fact["logits_norm"])
    deviation = np.abs(got[:, :8] - np.array(fact["logits_first8"])).max(axis=1)
    assert (deviation < TORCHVISION_FLOAT32 * norms).all()
    assert np.allclose(np.linalg.norm(got, axis=1), norms, rtol=TORCHVISION_FLOAT32)


@pytest.mark.parametrize("spec", ["mobilenet_v2", "squeezenet1_1"])
def test_a_backbone_gives_the_references_maps(worker: Worker, spec: str) -> None:
    """From inside of one sequence, where activations work in place."""
    changes = ("features=true", "size=64")
    elaborated = open_spec(spec, set=changes).analysis.elaborated
    x = np.random.default_rng(7).standard_normal((2, 3, 64, 64)).astype(np.float32)
    wanted = run(elaborated, random_weights(elaborated, 3), x.astype(np.float64)).outputs
    subject = Subject(spec, weights=3, changes=changes)
    made = listed("output", worker.about(subject, "run", {"images": x}, training=False))
    assert len(made) == len(wanted) >= 4
    for got, value in zip(made, wanted, strict=True):
        assert relative_error(got, value) < FORWARD_FLOAT32


@pytest.mark.parametrize("spec", sorted(TORCHVISION))
def test_weights_have_torchvisions_names_and_shapes(spec: str) -> None:
    elaborated = open_spec(spec).analysis.elaborated
    found = {".".join(path): [*p.shape] for path, p, _ in parameters(elaborated)}
    fact = TORCHVISION[spec]["state_dict"]
    assert found == {key: shape for key, shape in fact.items() if not key.endswith(COUNTER)}


@pytest.mark.parametrize("spec", ["resnet20_cifar", "mobilenet_v3_small", "googlenet", "unet"])
def test_weights_come_back_as_they_went_in(worker: Worker, spec: str) -> None:
    found = worker.weights(zoo()[spec], weights=3)
    given = random_weights(open_spec(spec).analysis.elaborated, 3)
    assert found.keys() == {".".join(path) for path in given}
    for path, wanted in given.items():
        assert np.array_equal(found[".".join(path)], wanted.astype(np.float32)), path


@pytest.mark.slow
def test_weights_of_every_network_come_back(worker: Worker, to_run: str) -> None:
    test_weights_come_back_as_they_went_in(worker, to_run)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("backend", backend_names())
def test_generated_is_current(spec: str, backend: str, request: pytest.FixtureRequest) -> None:
    path = ROOT / "generated" / backend / f"{spec}.py"
    golden(path, open_spec(spec).source(backend), request)


@pytest.mark.parametrize(
    ("short", "deep"),
    [
        ("resnet20_cifar", "resnet1202_cifar"),
        ("densenet121", "densenet201"),
        ("efficientnet_b0", "efficientnet_b7"),
        ("regnet_y_800mf", "regnet_y_1_6gf"),
        ("convnext_tiny", "convnext_large"),
    ],
)
@pytest.mark.parametrize("backend", backend_names())
def test_depth_costs_no_lines(backend: str, short: str, deep: str) -> None:
    lines = {name: len(open_spec(name).source(backend).splitlines()) for name in (short, deep)}
    assert lines[deep] <= lines[short] + 10


@pytest.mark.parametrize("spec", SPECS)
def test_reports_are_current(spec: str, request: pytest.FixtureRequest) -> None:
    path = ROOT / "generated" / "reports" / f"{spec}.md"
    golden(path, open_spec(spec).report().markdown(), request)
