"""Every backend has an entry for every operation in each of its tables that needs one.

Neither operations nor backends are named here: what an operation needs follows from its class.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from rescompile.ir.initial import CONSTANT, drawn
from rescompile.ir.structure import Network
from rescompile.ops import OPS, Op, Parameter
from rescompile.registry import backend_names, get_backend

NETWORK = Network("any", (4, 4, 4), (), {})
# For what an operation has no default.
VALUES = {"Dim": 1, "Pair": (1, 1), "float": 0.5, "bool": True}


def tensors(kind: type[Op]) -> tuple[Op, tuple[Parameter, ...]]:
    """An operation of a class, and what it owns."""
    fields: tuple[Any, ...] = dataclasses.fields(kind)
    given = {f.name: VALUES[f.type] for f in fields if f.default is dataclasses.MISSING}
    op = kind(**given)
    return op, op.parameters(NETWORK.input)


def is_drawn(kind: type[Op]) -> bool:
    return any(drawn(NETWORK, one).kind != CONSTANT for one in tensors(kind)[1])


NEEDED: dict[str, Callable[[type[Op]], bool]] = {
    "emission": lambda kind: True,
    "initialisation": is_drawn,
    "storage": lambda kind: bool(tensors(kind)[1]),
}


def lacking(backend: Any) -> Iterator[str]:
    """A sentence for each entry that is missing."""
    for table, entries in backend.tables.items():
        for kind in OPS:
            if NEEDED[table](kind) and kind not in entries and kind not in backend.UNSUPPORTED:
                yield f"the {backend.name} backend has no {table} of {kind.__name__}"


@pytest.mark.parametrize("name", backend_names())
def test_every_operation_has_its_entries(name: str) -> None:
    backend = get_backend(name)
    assert list(lacking(backend)) == []
    assert "emission" in backend.tables
    for entries in (*backend.tables.values(), backend.UNSUPPORTED):
        assert set(entries) <= set(OPS)


@pytest.mark.parametrize("name", backend_names())
def test_a_missing_entry_is_told_with_its_operation_and_backend(name: str) -> None:
    backend = get_backend(name)
    for table, entries in backend.tables.items():
        for kind in filter(NEEDED[table], entries):
            left = {**backend.tables, table: set(entries) - {kind}}
            without = SimpleNamespace(name=name, tables=left, UNSUPPORTED=backend.UNSUPPORTED)
            wanted = f"the {name} backend has no {table} of {kind.__name__}"
            assert list(lacking(without)) == [wanted]


def test_operations_differ_in_what_they_need() -> None:
    found = {name: sum(map(needs, OPS)) for name, needs in NEEDED.items()}
    assert len(OPS) == found["emission"] > found["storage"] > found["initialisation"] > 0
