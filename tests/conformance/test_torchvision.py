"""Every backend that is found gives torchvision's logits.

No backend is named here. The facts about torchvision's models are in tests/facts/torchvision.json:
their state dicts, and their logits under the weights that `seeded_weights` draws (torchvision
0.29.1, float32, CPU; GoogLeNet and Inception v3 without their auxiliary heads). Those in
torchvision_sizes.json are of images of other sizes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.language.load import zoo
from rescompile.reference.weights import parameters
from rescompile.worker.client import Worker
from rescompile.worker.job import Subject, listed

ROOT = Path(__file__).parents[2]
SPECS = sorted(zoo())
TORCHVISION = json.loads((ROOT / "tests/facts/torchvision.json").read_text("utf-8"))
SIZES = json.loads((ROOT / "tests/facts/torchvision_sizes.json").read_text("utf-8"))
FORWARD_FLOAT32 = 1e-5
TORCHVISION_FLOAT32 = 1e-4
LARGE = ("vgg16", "vgg16_bn", "vgg19")  # run where there is time
COUNTER = "num_batches_tracked"


def images(spec: str, seed: int) -> Any:
    shape = open_spec(spec).analysis.network.input
    return np.random.default_rng(seed).standard_normal((2, *shape)).astype(np.float32)


@pytest.mark.parametrize(
    "spec",
    [pytest.param(s, marks=pytest.mark.slow if s in LARGE else ()) for s in sorted(TORCHVISION)],
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


@pytest.mark.parametrize("spec", sorted(TORCHVISION))
def test_weights_have_torchvisions_names_and_shapes(spec: str) -> None:
    elaborated = open_spec(spec).analysis.elaborated
    found = {".".join(path): [*p.shape] for path, p, _ in parameters(elaborated)}
    fact = TORCHVISION[spec]["state_dict"]
    assert found == {key: shape for key, shape in fact.items() if not key.endswith(COUNTER)}
