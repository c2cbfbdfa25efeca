"""A closed world: every backend emits, initialises and stores every operation, or says why not.

Neither operations nor backends are named here. What an operation needs follows from its class; that
a backend does it is seen twice, by the entries of its tables and by what it makes of a network with
that operation. The reference, which says who is right, has a meaning and a gradient for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import chain
from typing import Any

import numpy as np
import pytest

from rescompile.emit.contract import Backend
from rescompile.ir.initial import CONSTANT, drawn
from rescompile.ir.structure import Form
from rescompile.ir.trace import Elaborated
from rescompile.ops import OPS, Op, Parameter
from rescompile.reference import run, step
from rescompile.reference.forward import MEANINGS
from rescompile.reference.vjps import VJPS
from rescompile.reference.weights import parameters, random_weights
from rescompile.registry import backend_names, get_backend

from .single import elaborated, emitted, example, network

REFERENCE = {"meaning": MEANINGS, "gradient": VJPS}


def owned(kind: type[Op]) -> tuple[Parameter, ...]:
    return example(kind).parameters((8, 9, 9))


def is_drawn(kind: type[Op]) -> bool:
    op = example(kind)
    return any(drawn(network(op), tensor).kind != CONSTANT for tensor in owned(kind))


NEEDED: dict[str, Callable[[type[Op]], bool]] = {
    "emission": lambda kind: True,
    "initialisation": is_drawn,
    "storage": lambda kind: bool(owned(kind)),
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
    if any(tensor.leaf == "" for tensor in owned(kind)):  # the language refuses a bare tensor there
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
    files = backend.files()
    assert files is not None
    kept = {slot.path for slot in files.slots(analysis, source)}
    return [".".join(path) for path, _, _ in parameters(made) if path not in kept]


def meaningless(kind: type[Op]) -> Iterator[str]:
    """What the reference cannot say of an operation."""
    for table, entries in REFERENCE.items():
        if kind not in entries:
            yield f"the reference has no {table} of {kind.__name__}"


@pytest.mark.parametrize("kind", OPS)
@pytest.mark.parametrize("name", backend_names())
def test_every_operation_is_there(name: str, kind: type[Op]) -> None:
    backend = get_backend(name)
    assert [*lacking(backend, kind), *failing(backend, kind)] == []
    assert backend.UNSUPPORTED.get(kind, "a reason")


@pytest.mark.parametrize("kind", OPS)
def test_every_operation_has_a_meaning_and_a_gradient(kind: type[Op]) -> None:
    assert list(meaningless(kind)) == []
    for made in elaborated(example(kind)):
        x = np.random.default_rng(0).standard_normal((2, *made.network.input))
        outputs = run(made, random_weights(made, 0), x).outputs
        assert np.isfinite(step(made, random_weights(made, 0), x, outputs).loss)


@pytest.mark.parametrize("name", backend_names())
def test_tables_have_no_other_entries(name: str) -> None:
    backend = get_backend(name)
    assert "emission" in backend.tables
    for entries in (*backend.tables.values(), backend.UNSUPPORTED):
        assert set(entries) <= set(OPS)


@pytest.mark.parametrize(
    ("name", "table", "kind"),
    [
        (name, table, kind)
        for name in backend_names()
        for table, entries in get_backend(name).tables.items()
        for kind in entries
    ],
)
def test_an_entry_that_is_removed_is_missed(
    name: str, table: str, kind: type[Op], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By both checks, which name the operation and the backend: it is the entry that does it."""
    backend = get_backend(name)
    assert NEEDED[table](kind)
    monkeypatch.delitem(backend.tables[table], kind)
    assert list(lacking(backend, kind)) == [f"the {name} backend has no {table} of {kind.__name__}"]
    found = list(failing(backend, kind))
    assert found
    for said in found:
        assert said.startswith(f"the {name} backend does not ")
        assert f" {kind.__name__}" in said


@pytest.mark.parametrize("table", REFERENCE)
@pytest.mark.parametrize("kind", OPS)
def test_a_meaning_that_is_removed_is_missed(
    table: str, kind: type[Op], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(REFERENCE[table], kind)
    assert list(meaningless(kind)) == [f"the reference has no {table} of {kind.__name__}"]


@pytest.mark.parametrize("name", backend_names())
def test_what_is_unsupported_has_its_reason(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backend, kind = get_backend(name), OPS[0]
    monkeypatch.setattr(type(backend), "UNSUPPORTED", {kind: "no such thing there"})
    for made in elaborated(example(kind)):
        reasons = emitted(backend, made)
        assert isinstance(reasons, list)
        assert any("no such thing there" in reason for reason in reasons)
    assert [*lacking(backend, kind), *failing(backend, kind)] == []


def test_operations_differ_in_what_they_need() -> None:
    found = {name: sum(map(needs, OPS)) for name, needs in NEEDED.items()}
    assert len(OPS) == found["emission"] > found["storage"] > found["initialisation"] > 0
