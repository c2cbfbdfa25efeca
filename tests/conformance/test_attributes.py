"""No attribute of an operation is dropped: each one shows in what a backend emits.

Operations, attributes and backends are not named here. Of each attribute two values are tried that
a backend takes, the others being the same and, where it takes that, not their defaults: the code
must differ. That it is right for each of them is proved as it is for every file.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from rescompile.emit.contract import Backend
from rescompile.ops import OPS, Op
from rescompile.registry import backend_names, get_backend

from .single import LIES, VALUES, elaborated, emitted, fields

ATTRIBUTES = [
    pytest.param(kind, field.name, id=f"{kind.word}-{field.name}")
    for kind in OPS
    for field in fields(kind)
    if field.name not in LIES
]


def values(field: Any) -> list[Any]:
    """What to give for an attribute, its default last."""
    found = [value for value in VALUES[field.type] if value != field.default]
    return found if field.default is dataclasses.MISSING else [*found, field.default]


def code(backend: Backend, op: Op) -> str | None:
    """What is emitted for an operation, without comments; None where it is not possible."""
    for made in elaborated(op):
        found = emitted(backend, made)
        if not isinstance(found, list):
            return ast.dump(ast.parse(found[1]))
    return None


def others(kind: type[Op], name: str) -> Iterator[dict[str, Any]]:
    """Values for all attributes but one: all others first than their defaults."""
    rest = [field for field in fields(kind) if field.name not in (name, *LIES)]
    for given in product(*(values(field) for field in rest)):
        yield dict(zip((field.name for field in rest), given, strict=True))


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize(("kind", "name"), ATTRIBUTES)
def test_every_attribute_shows_in_the_code(backend: str, kind: type[Op], name: str) -> None:
    target = get_backend(backend)
    (field,) = (f for f in fields(kind) if f.name == name)
    taken = set()
    for rest in others(kind, name):
        texts = {v: code(target, kind(**rest, **{name: v})) for v in values(field)}
        found = {value: text for value, text in texts.items() if text is not None}
        if len(found) > 1:
            told = target.biased_variance or name != "unbiased"  # else it is so in any case
            assert len(set(found.values())) == (len(found) if told else 1)
            return
        taken |= set(found)
    assert taken == {field.default}, "a backend takes the default alone, and refuses what is not"
