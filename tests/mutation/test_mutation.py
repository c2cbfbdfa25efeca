"""Verification is worth what it finds: every broken emitter is caught, and located."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from rescompile.registry import get_backend
from rescompile.verify.certificate import to_json
from rescompile.verify.checks import Level
from rescompile.verify.verification import Options, verify
from rescompile.worker.client import MissingFramework, Worker

from .faults import BROKEN, UNSEEN
from .mutants import EVALUATION, GRADIENTS, Mutant
from .places import IDS, KNOWN, PAIRS, PLACED, SPECS, broken

BLOCKS = {"layer1", "layer2", "layer3", "gate", "first", "second"}  # stages made of blocks
USUAL = [backend for backend in PLACED if get_backend(backend).by_default]
# Of each way to go wrong one: at a block, without a weight, without an output, in no shape, unseen.
WAYS = {
    *("activation before the addition", "no shortcut where the shape changes"),
    *(mutant.what for mutant in (*BROKEN, *UNSEEN) if mutant.spec != "drops"),
}
BESIDE = [(backend, m) for backend, m in PAIRS if backend in USUAL and m.what in WAYS]


def sampled(backend: str, mutant: Mutant) -> bool:
    """Whether it is run by default: each fault in one of the usual targets, by turns.

    Of a target that commands do not take, one is in evaluation and one of gradients.
    """
    if backend not in USUAL:
        first = next(m for m in PLACED[backend] if m.check == mutant.check)
        return mutant is first and mutant.check in (EVALUATION, GRADIENTS)
    fault = (mutant.what, mutant.spec)
    have = [name for name in USUAL if fault in {(m.what, m.spec) for m in PLACED[name]}]
    return backend == have[list(KNOWN).index(fault) % len(have)]


ALL = [
    pytest.param(*pair, id=name, marks=[] if sampled(*pair) else [pytest.mark.slow])
    for pair, name in zip(PAIRS, IDS, strict=True)
]


@pytest.fixture(scope="module")
def workers() -> Iterator[dict[str, Worker]]:
    """A process for each framework that is installed."""
    found: dict[str, Worker] = {}
    for name in PLACED:
        worker = Worker(name)
        try:
            worker.versions()
        except MissingFramework:
            worker.close(now=True)
        else:
            found[name] = worker
    yield found
    for worker in found.values():
        worker.close()


@pytest.mark.parametrize(("backend", "mutant"), ALL)
def test_a_broken_emitter_is_caught_and_located(
    backend: str, mutant: Mutant, workers: dict[str, Worker]
) -> None:
    if backend not in workers:
        pytest.skip(f"{backend} is not installed")
    level = Level.FORWARD if mutant.check == EVALUATION else Level.TRAIN
    options = Options(level, sources={backend: broken(backend, mutant)})
    spec = str(SPECS / f"{mutant.spec}.yaml")
    certificate = verify(spec, [workers[backend]], options)
    assert not certificate.good
    (finding,) = certificate.findings
    assert finding.check == mutant.check, finding.text()
    assert finding.place is not None, finding.text()
    assert finding.place.layer == mutant.layer, finding.text()
    assert mutant.says in finding.place.deviation.problem
    assert bool(finding.place.block) == (mutant.layer.split(".")[0] in BLOCKS), finding.text()


@pytest.mark.parametrize(("backend", "mutant"), BESIDE)
def test_of_two_frameworks_the_broken_one_is_named(
    backend: str, mutant: Mutant, workers: dict[str, Worker]
) -> None:
    """Whatever it does, and though the other has no layer where the first shows the difference."""
    if not workers.keys() >= {*USUAL}:
        pytest.skip(f"needs {' and '.join(USUAL)}")
    options = Options(Level.FORWARD, sources={backend: broken(backend, mutant)})
    asked = [workers[name] for name in USUAL]
    certificate = verify(str(SPECS / f"{mutant.spec}.yaml"), asked, options)
    (finding,) = certificate.findings
    assert finding.label == backend
    assert "is wrong: " in finding.verdict
    assert finding.place is not None
    assert finding.place.layer == mutant.layer
    assert json.loads(to_json([certificate]))["agrees"] is False


@pytest.mark.parametrize("spec", sorted({spec for _, spec in KNOWN}))
def test_what_is_not_broken_agrees(spec: str, workers: dict[str, Worker]) -> None:
    usual = [workers[name] for name in USUAL]
    for asked, level in ((usual, Level.TRAIN), (list(workers.values()), Level.FORWARD)):
        certificate = verify(str(SPECS / f"{spec}.yaml"), asked, Options(level))
        assert certificate.good, certificate.text()
