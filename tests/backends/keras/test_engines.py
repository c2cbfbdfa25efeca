"""One emitted Keras file runs on each of Keras' engines, and computes the same."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.language.load import zoo
from rescompile.reference import run
from rescompile.reference.deviation import relative_error
from rescompile.reference.weights import random_weights
from rescompile.worker.client import Worker

SPEC = "resnet20_cifar"


@pytest.mark.parametrize(
    "engine",
    ["jax", *(pytest.param(e, marks=pytest.mark.slow) for e in ("tensorflow", "torch"))],
)
def test_an_engine_computes_what_the_reference_does(engine: str) -> None:
    missing = [m for m in ("keras", engine) if importlib.util.find_spec(m) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    analysis = open_spec(SPEC).analysis
    images = np.random.default_rng(7).standard_normal((2, *analysis.network.input)).astype("f4")
    (wanted,) = run(analysis.elaborated, random_weights(analysis.elaborated, 3), images).outputs
    with Worker(f"keras:{engine}") as worker:
        (got,) = worker.run(zoo()[SPEC], images, weights=3)
    assert relative_error(got, wanted) < 1e-5
