"""A broken emitter cannot build: its file is executed and compared, without any framework."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.emit.validation import validate
from rescompile.errors import InternalError
from rescompile.registry import get_backend

from .dropped import DROPS
from .faults import FAULTS
from .mutants import MUTANTS, Mutant

SPECS = Path(__file__).parent / "specs"


@pytest.mark.parametrize("mutant", [*MUTANTS, *FAULTS, *DROPS], ids=str)
def test_a_broken_emitter_is_refused(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    for framework in ("torch", "keras", "tensorflow", "jax"):
        monkeypatch.setitem(sys.modules, framework, None)  # importing it is an error
    net, backend = open_spec(SPECS / f"{mutant.spec}.yaml"), get_backend(mutant.backend)
    source = backend.emit(net.request)
    validate(backend, net.lowered, source)
    assert mutant.old in source, "the emitter writes something else now: mutate that"
    with pytest.raises(InternalError, match="is not what the spec says"):
        validate(backend, net.lowered, source.replace(mutant.old, mutant.new))
