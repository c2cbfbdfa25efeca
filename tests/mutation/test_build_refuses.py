"""A broken emitter cannot build: its file is executed and compared, without any framework."""

from __future__ import annotations

import sys

import pytest

from rescompile.api import open_spec
from rescompile.emit.validation import validate
from rescompile.errors import InternalError
from rescompile.registry import get_backend

from .mutants import Mutant
from .places import IDS, KNOWN, PAIRS, PLACED, SPECS, broken, emitted

PLACES = 45  # faults, for which each target has a place that trains


@pytest.mark.parametrize(("backend", "mutant"), PAIRS, ids=IDS)
def test_a_broken_emitter_is_refused(
    backend: str, mutant: Mutant, monkeypatch: pytest.MonkeyPatch
) -> None:
    for framework in get_backend(backend).requires:
        monkeypatch.setitem(sys.modules, framework, None)  # importing it is an error
    target, net = get_backend(backend), open_spec(SPECS / f"{mutant.spec}.yaml")
    validate(target, net.lowered, emitted(backend, mutant.spec))
    with pytest.raises(InternalError, match="is not what the spec says"):
        validate(target, net.lowered, broken(backend, mutant))


def test_every_mutant_has_a_place() -> None:
    """None is for a text that no emitter writes any more."""
    used = {mutant for mutants in PLACED.values() for mutant in mutants}
    known = {mutant for mutants in KNOWN.values() for mutant in mutants}
    assert sorted(mutant.what for mutant in known - used) == []


@pytest.mark.parametrize("backend", PLACED)
def test_most_faults_have_a_place(backend: str, record_property: pytest.RecordProperty) -> None:
    """The others are told by their names; those of training stand for a target that has it."""
    places = {(mutant.what, mutant.spec) for mutant in PLACED[backend]}
    without = sorted(what for what, spec in KNOWN.keys() - places)
    record_property("faults without a place", ", ".join(without))
    assert len(places) + len(without) == len(KNOWN)
    assert len(places) >= (0 if get_backend(backend).no_training else PLACES), without
