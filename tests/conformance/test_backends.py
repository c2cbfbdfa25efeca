"""Every spec of the zoo, in every backend that is found: emits, builds, runs, and agrees."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from rescompile.compiler import open_spec
from rescompile.parity.process import Worker, relative_error
from rescompile.parity.reference import run as reference
from rescompile.parity.weights import random_weights
from rescompile.registry import backend_names
from rescompile.spec.load import zoo

np = pytest.importorskip("numpy")

SPECS = sorted(zoo())
FORWARD_FLOAT32 = 1e-5
NEEDS = {name: name for name in backend_names()}


def installed(backend: str) -> bool:
    needs = {"torch": "torch", "keras": "tensorflow"}
    return importlib.util.find_spec(needs.get(backend, backend)) is not None


@pytest.fixture(scope="module")
def workers() -> Iterator[dict[str, Worker]]:
    found = {name: Worker(name) for name in backend_names() if installed(name)}
    if not found:
        pytest.skip("no framework is installed")
    yield found
    for worker in found.values():
        worker.close()


def images(spec: str) -> object:
    shape = open_spec(spec).facts.network.input
    return np.random.default_rng(7).standard_normal((2, *shape)).astype(np.float32)


@pytest.mark.parametrize("spec", SPECS)
def test_backends_compute_what_the_reference_does(workers: dict[str, Worker], spec: str) -> None:
    net = open_spec(spec)
    x = images(spec)
    weights = random_weights(net.facts.elaborated, 3)
    (wanted,) = reference(net.facts.elaborated, weights, np.asarray(x, np.float64)).outputs
    for name, worker in workers.items():
        (got,) = worker.run(zoo()[spec], x, weights=3)
        assert relative_error(got, wanted) < FORWARD_FLOAT32, name


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("backend", backend_names())
def test_generated_is_current(spec: str, backend: str) -> None:
    path = Path(__file__).parents[2] / "generated" / backend / f"{spec}.py"
    assert path.read_text("utf-8") == open_spec(spec).source(backend)
