"""Verification is worth what it finds: every broken emitter is caught, and located."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.verify.certificate import to_json
from rescompile.verify.checks import Level
from rescompile.verify.verification import Options, verify
from rescompile.worker.client import MissingFramework, Worker

from .dropped import DROPS
from .faults import BROKEN, FAULTS, UNSEEN
from .mutants import EVALUATION, MUTANTS, Mutant

SPECS = Path(__file__).parent / "specs"
BLOCKS = {"layer1", "layer2", "layer3", "gate", "first", "second"}  # stages made of blocks
ALL = (*MUTANTS, *FAULTS, *DROPS)
# Of each way to go wrong one: at a block, without a weight, without an output, in no shape, unseen.
BESIDE = [
    *(mutant for mutant in MUTANTS if mutant.what == "activation before the addition"),
    *(mutant for mutant in FAULTS if mutant.what == "no shortcut where the shape changes"),
    *(mutant for mutant in (*BROKEN, *UNSEEN) if mutant.spec != "drops"),
]
BACKENDS = sorted({mutant.backend for mutant in ALL})


@pytest.fixture(scope="module")
def workers() -> Iterator[dict[str, Worker]]:
    """A process for each framework that is installed."""
    found: dict[str, Worker] = {}
    for name in BACKENDS:
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


def source(mutant: Mutant) -> str:
    emitted = open_spec(SPECS / f"{mutant.spec}.yaml").source(mutant.backend)
    assert mutant.old in emitted, "the emitter writes something else now: mutate that"
    return emitted.replace(mutant.old, mutant.new)


@pytest.mark.parametrize("mutant", ALL, ids=str)
def test_a_broken_emitter_is_caught_and_located(mutant: Mutant, workers: dict[str, Worker]) -> None:
    if mutant.backend not in workers:
        pytest.skip(f"{mutant.backend} is not installed")
    level = Level.FORWARD if mutant.check == EVALUATION else Level.TRAIN
    options = Options(level, sources={mutant.backend: source(mutant)})
    spec = str(SPECS / f"{mutant.spec}.yaml")
    certificate = verify(spec, [workers[mutant.backend]], options)
    assert not certificate.good
    (finding,) = certificate.findings
    assert finding.check == mutant.check, finding.text()
    assert finding.place is not None, finding.text()
    assert finding.place.layer == mutant.layer, finding.text()
    assert mutant.says in finding.place.deviation.problem
    assert bool(finding.place.block) == (mutant.layer.split(".")[0] in BLOCKS), finding.text()


@pytest.mark.parametrize("mutant", BESIDE, ids=str)
def test_of_two_frameworks_the_broken_one_is_named(
    mutant: Mutant, workers: dict[str, Worker]
) -> None:
    """Whatever it does, and though the other has no layer where the first shows the difference."""
    if len(workers) < len(BACKENDS):
        pytest.skip("needs all frameworks")
    options = Options(Level.FORWARD, sources={mutant.backend: source(mutant)})
    certificate = verify(str(SPECS / f"{mutant.spec}.yaml"), list(workers.values()), options)
    (finding,) = certificate.findings
    assert finding.label == mutant.backend
    assert "is wrong: " in finding.verdict
    assert finding.place is not None
    assert finding.place.layer == mutant.layer
    assert json.loads(to_json([certificate]))["agrees"] is False


@pytest.mark.parametrize("spec", sorted({mutant.spec for mutant in ALL}))
def test_what_is_not_broken_agrees(spec: str, workers: dict[str, Worker]) -> None:
    certificate = verify(str(SPECS / f"{spec}.yaml"), list(workers.values()), Options())
    assert certificate.good, certificate.text()
    assert len({mutant.what for mutant in MUTANTS}) >= 20
