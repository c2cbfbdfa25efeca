"""One emitted Keras file runs on each of Keras' engines, and computes the same."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from rescompile.compiler import open_spec
from rescompile.parity.compare import relative_error
from rescompile.parity.process import Worker
from rescompile.parity.reference import run
from rescompile.parity.weights import random_weights
from rescompile.spec.load import zoo

SPEC = "resnet34"


@pytest.mark.parametrize("engine", ["tensorflow", "jax", "torch"])
def test_an_engine_computes_what_the_reference_does(engine: str) -> None:
    missing = [m for m in ("keras", engine) if importlib.util.find_spec(m) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    facts = open_spec(SPEC).facts
    images = np.random.default_rng(7).standard_normal((2, *facts.network.input)).astype("f4")
    (wanted,) = run(facts.elaborated, random_weights(facts.elaborated, 3), images).outputs
    with Worker(f"keras:{engine}") as worker:
        (got,) = worker.run(zoo()[SPEC], images, weights=3)
    assert relative_error(got, wanted) < 1e-5
