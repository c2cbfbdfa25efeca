"""A closed world: every backend emits, initialises and stores every operation, or says why not.

Neither operations nor backends are named here. What an operation needs follows from its class; that
a backend does it is seen twice, by the entries of its tables and by what it makes of a network with
that operation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import chain
from typing import Any

import pytest

from ..emit.contract import Backend
from ..ir.initial import CONSTANT, drawn
from ..ir.structure import Form
from ..ir.trace import Elaborated
from ..ops import OPS, Op, Parameter
from ..registry import get_backend
from .single import elaborated, emitted, example, network


def owned(kind: type[Op]) -> tuple[Parameter, ...]:
    return example(kind).parameters((8, 9, 9))


def is_drawn(kind: type[Op]) -> bool:
    op = example(kind)
    return any(drawn(network(op), tensor).kind != CONSTANT for tensor in owned(kind))


NEEDED: dict[str, Callable[[type[Op]], bool]] = {
    "emission": lambda kind: True,
    "initialisation": is_drawn,
}


def lacking(backend: Backend, kind: type[Op]) -> Iterator[str]:
    """What tables do not have of an operation."""
    for table, entries in backend.tables.items():
        if NEEDED[table](kind) and kind not in entries and kind not in backend.UNSUPPORTED:
            yield f"the {backend.name} backend has no {table} of {kind.__name__}"


def failing(backend: Backend, kind: type[Op]) -> Iterator[str]:
    """What a backend does not do with an operation, in a module or a sequence."""
    who, reason = f"the {backend.name} backend", backend.UNSUPPORTED.get(kind)
    forms = [Form.MODULE, Form.SEQUENCE]
    # The language refuses a bare tensor there, and what asks for a step by its name.
    if any(tensor.leaf == "" for tensor in owned(kind)) or example(kind).like:
        forms.remove(Form.SEQUENCE)
    for made in chain.from_iterable(elaborated(example(kind), form) for form in forms):
        try:
            found = emitted(backend, made)
        except Exception as error:
            yield f"{who} does not emit {kind.__name__}: {type(error).__name__}: {error}"
            continue
        if isinstance(found, list):
            if reason is None or not any(reason in said for said in found):
                yield f"{who} refuses {kind.__name__}: {found}"
        elif lost := unstored(backend, made, *found):
            yield f"{who} does not store {lost} of {kind.__name__}"


def unstored(backend: Backend, made: Elaborated, analysis: Any, source: str) -> list[str]:
    """The tensors that have no place in files which need no framework."""
    needs = {name for names in backend.bare_files.values() for name in names}
    if not needs or any(find_spec(name) is None for name in needs):
        return []
    from ..reference.weights import parameters  # by NumPy, which these files need as well

    files = backend.files()
    assert files is not None
    kept = {slot.path for slot in files.slots(analysis, source)}
    return [".".join(path) for path, _, _ in parameters(made) if path not in kept]


@pytest.mark.parametrize("kind", OPS)
def test_every_operation_is_there(backend: str, kind: type[Op]) -> None:
    target = get_backend(backend)
    assert [*lacking(target, kind), *failing(target, kind)] == []
    assert target.UNSUPPORTED.get(kind, "a reason")


def test_tables_have_no_other_entries(backend: str) -> None:
    target = get_backend(backend)
    assert "emission" in target.tables or not target.tables
    for entries in (*target.tables.values(), target.UNSUPPORTED):
        assert set(entries) <= set(OPS)


def test_an_entry_that_is_removed_is_missed(
    backend: str, table: str, kind: type[Op], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By both checks, which name the operation and the backend: it is the entry that does it."""
    target, who = get_backend(backend), f"the {backend} backend"
    assert NEEDED[table](kind)
    monkeypatch.delitem(target.tables[table], kind)
    assert list(lacking(target, kind)) == [f"{who} has no {table} of {kind.__name__}"]
    found = list(failing(target, kind))
    assert found
    for said in found:
        assert said.startswith(f"{who} does not ")
        assert f" {kind.__name__}" in said


def test_what_is_unsupported_has_its_reason(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target, kind = get_backend(backend), OPS[0]
    monkeypatch.setattr(type(target), "UNSUPPORTED", {kind: "no such thing there"})
    for made in elaborated(example(kind)):
        reasons = emitted(target, made)
        assert isinstance(reasons, list)
        assert any("no such thing there" in reason for reason in reasons)
    assert [*lacking(target, kind), *failing(target, kind)] == []


def test_operations_differ_in_what_they_need() -> None:
    found = {name: sum(map(needs, OPS)) for name, needs in NEEDED.items()}
    assert len(OPS) == found["emission"] > found["initialisation"] > 0
