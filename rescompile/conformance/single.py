"""Networks of one operation, as any backend gets them: emitted and proved, without a framework."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from itertools import product
from typing import Any

from .. import ops
from ..emit.contract import Backend, Request
from ..emit.summary import Summary
from ..emit.validation import validate
from ..errors import SpecError
from ..ir.analysis import Analysis
from ..ir.elaborate import elaborate
from ..ir.fold import fold
from ..ir.nodes import Call, Layer
from ..ir.structure import INPUT, Block, Form, Network, Stage
from ..ir.trace import Elaborated
from ..ops import Op

# Values to give for attributes of each type.
VALUES: dict[str, list[Any]] = {
    "Dim": [4, 8, 2, 3, 1, 0.5, 0.25],
    "Extents": [(2, 2), (3, 3), (1, 1), (0, 0)],
    "Sides": [(1, 1, 1, 1), (0, 0, 0, 0)],
    "Sides | Same": [(1, 1, 1, 1), (0, 0, 0, 0)],
    "float": [0.25, 0.5],
    "bool": [True, False],
    "Resampling": list(ops.Resampling),
    "PadMode": list(ops.PadMode),
}
# Where the channels of an input lie, and of which step the size is taken: other things than what is
# computed from the input.
LIES = ("last", "positions", "to", "extents")


def fields(kind: type[Op]) -> tuple[Any, ...]:
    return dataclasses.fields(kind)


def example(kind: type[Op]) -> Op:
    """An operation of a class: what has no default gets the first values that make sense."""
    required = [field for field in fields(kind) if field.default is dataclasses.MISSING]
    for given in product(*(VALUES[field.type] for field in required)):
        op = kind(**dict(zip((field.name for field in required), given, strict=True)))
        if any(True for _ in elaborated(op)):
            return op
    raise AssertionError(f"no values make sense of {kind.__name__}")


def network(op: Op, before: tuple[Op, ...] = (), form: Form = Form.MODULE) -> Network:
    """An operation in a block by itself, behind what it needs."""
    steps = [*before, op]
    if getattr(op, "last", False):  # channels that are moved to the end are moved back
        steps.append(dataclasses.replace(op, last=False))  # type: ignore[call-arg]
    layers = tuple(Layer(step, f"layer{i}") for i, step in enumerate(steps))
    stages = (Stage("stage", (Call("block", name="stage"),)),)
    return Network("net", {INPUT: (8, 9, 9)}, stages, {"block": Block("block", form, layers)})


def elaborated(op: Op, form: Form = Form.MODULE) -> Iterator[Elaborated]:
    """The operation on a map, and on a vector, where it can be there."""
    for before in ((), (ops.GlobalAvgPool(),)):
        try:
            yield elaborate(network(op, before, form))
        except (SpecError, ops.ShapeError):
            continue


def emitted(backend: Backend, made: Elaborated) -> tuple[Analysis, str] | list[str]:
    """The source of a network, proved if it can be; or why the backend does not take it."""
    analysis = Analysis(fold(made))
    if reasons := backend.unsupported(analysis):
        return reasons
    head = Summary("net", "", "net.yaml", "1", made.network.inputs, 0, 0, ())
    source = backend.emit(Request(analysis, head))
    if backend.trace:
        validate(backend, made, source)
    return analysis, source
