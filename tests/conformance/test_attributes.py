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

from rescompile import ops
from rescompile.emit.contract import Backend, Request
from rescompile.emit.summary import Summary
from rescompile.emit.validation import validate
from rescompile.errors import SpecError
from rescompile.ir.analysis import Analysis
from rescompile.ir.elaborate import elaborate
from rescompile.ir.fold import fold
from rescompile.ir.structure import Block, Call, Form, Layer, Network, Stage
from rescompile.ops import OPS, Op
from rescompile.registry import backend_names, get_backend

VALUES: dict[str, list[Any]] = {
    "Dim": [4, 8, 2, 1, 0.5, 0.25],
    "Pair": [(2, 2), (3, 3), (1, 1), (0, 0)],
    "Quad": [(1, 1, 1, 1), (0, 0, 0, 0)],
    "Quad | Same": [(1, 1, 1, 1), (0, 0, 0, 0)],
    "float": [0.25, 0.5],
    "bool": [True, False],
    "Resampling": list(ops.Resampling),
}
# Where the channels of an input lie, which is another thing than what is computed from it.
LIES = ("last", "positions")
ATTRIBUTES = [
    pytest.param(kind, field.name, id=f"{kind.word}-{field.name}")
    for kind in OPS
    for field in dataclasses.fields(kind)
    if field.name not in LIES
]


def values(field: Any) -> list[Any]:
    """What to give for an attribute, its default last."""
    found = [value for value in VALUES[field.type] if value != field.default]
    return found if field.default is dataclasses.MISSING else [*found, field.default]


def network(op: Op, before: tuple[Op, ...]) -> Network:
    """An operation in a block by itself, behind what it needs."""
    layers = (*(Layer(op, "before") for op in before), Layer(op, "layer"))
    block = Block("block", Form.MODULE, layers)
    stages = (Stage("stage", (Call("block", name="stage"),)),)
    return Network("net", (8, 9, 9), stages, {"block": block})


def code(backend: Backend, op: Op) -> str | None:
    """What is emitted for an operation, without comments; None where it is not possible."""
    for before in ((), (ops.GlobalAvgPool(),)):  # on a map, or on a vector
        try:
            made = elaborate(network(op, before))
        except (SpecError, ops.ShapeError):
            continue
        analysis = Analysis(fold(made))
        if not backend.unsupported(analysis):
            head = Summary("net", "", "net.yaml", "1", made.network.input, 0, 0, ())
            source = backend.emit(Request(analysis, head))
            validate(backend, made, source)
            return ast.dump(ast.parse(source))
    return None


def others(kind: type[Op], name: str) -> Iterator[dict[str, Any]]:
    """Values for all attributes but one: all others first than their defaults."""
    fields: tuple[Any, ...] = dataclasses.fields(kind)
    rest = [field for field in fields if field.name not in (name, *LIES)]
    for given in product(*(values(field) for field in rest)):
        yield dict(zip((field.name for field in rest), given, strict=True))


@pytest.mark.parametrize("backend", backend_names())
@pytest.mark.parametrize(("kind", "name"), ATTRIBUTES)
def test_every_attribute_shows_in_the_code(backend: str, kind: type[Op], name: str) -> None:
    target = get_backend(backend)
    (field,) = (f for f in dataclasses.fields(kind) if f.name == name)
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
