"""Some of the random networks, and all that once failed, on the engine that Keras takes by itself.

The others run Keras on PyTorch, in one process with PyTorch itself. RESCOMPILE_BACKENDS names what
to run instead: `keras:jax`, say.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.reference import run
from rescompile.reference.deviation import relative_error
from rescompile.reference.weights import random_weights
from rescompile.registry import get_backend
from rescompile.verify.case import Case
from rescompile.verify.checks import NOISE
from rescompile.verify.executors import Reference
from rescompile.worker.client import Worker

from .bench import ROOT
from .networks import network
from .repair import refusal, repaired, write

REGRESSIONS = sorted((ROOT / "tests/regressions").glob("*.yaml"))
ENGINES = os.environ.get("RESCOMPILE_BACKENDS", "keras").split()
BOUND = 1e-10
MOST_MACS, HUGE = 20_000_000, 1e30
SEEDS = range(30)

pytest.importorskip("keras")


@pytest.fixture(scope="module")
def workers() -> Iterator[list[Worker]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Worker(name)) for name in ENGINES]


def check(path: Path, workers: list[Worker]) -> None:
    """Every engine gives the reference's outputs, in float64."""
    analysis = open_spec(path).analysis
    rng = np.random.default_rng(7)
    drawn = [rng.standard_normal((2, *shape)) for shape in analysis.network.inputs.values()]
    images = tuple(drawn) if len(drawn) > 1 else drawn[0]
    weights = random_weights(analysis.elaborated, 3)
    wanted = run(analysis.elaborated, weights, images).outputs
    if any(np.abs(output).max() > HUGE for output in wanted):
        return
    noise = Reference(Case(str(path), open_spec(path), None, {})).noise(Reference.evaluation)
    bound = max(BOUND, NOISE * noise)  # as `verify` judges
    for worker in workers:
        if get_backend(worker.backend).unsupported(analysis):
            continue
        got = worker.run(path, images, weights=3, dtype="float64")
        assert len(got) == len(wanted)
        for ours, theirs in zip(got, wanted, strict=True):
            assert relative_error(ours, theirs) < bound, worker.label


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_what_once_failed_holds(workers: list[Worker], path: Path) -> None:
    check(path, workers)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_network_is_the_same(workers: list[Worker], tmp_path: Path, seed: int) -> None:
    files, _ = repaired(network(seed), tmp_path)
    path = write(files, tmp_path)
    if refusal(path) is None and open_spec(path).report("network").total.macs <= MOST_MACS:
        check(path, workers)
