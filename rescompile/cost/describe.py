"""Operations and runs of operations in a few words, for a reader of a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Any

from ..expr.dims import Number
from ..ir.structure import Path
from ..ir.trace import (
    CallTrace,
    FromTrace,
    GroupTrace,
    Instance,
    JoinTrace,
    OpTrace,
    ResidualTrace,
    Trace,
)
from ..ops import EACH, Conv, Convolution, Op, Shape, attributes, said
from ..ops.window import ends

MAX_WORDS = 6
OF_CONV = ("stride", "dilation", "groups", "padding", "bias")  # in the order in which it is told


def describe_op(op: Op, x: Shape) -> str:
    """One operation on input shape `x`: "conv 3x3, 64, stride 2"."""
    told = said(op)
    if isinstance(op, Conv):
        usual = op.padding == _half(op)
        told = {**told, "padding": op.padding}
        told = {k: told[k] for k in OF_CONV if k in told and not (usual and k == "padding")}
    kernel: Any = getattr(op, "kernel", ())
    words = [" ".join([op.word, *(["x".join(map(str, kernel))] if kernel else [])])]
    words += [str(op.channels)] if isinstance(op, Convolution) else []
    for name, value in told.items():
        if name not in ("kernel", "channels"):
            depthwise = isinstance(op, Conv) and name == "groups" and value == x[0]
            words.append("depthwise" if depthwise else _option(op, name, value))
    return ", ".join(words)


def _half(op: Conv) -> tuple[int, ...]:
    """The padding that goes without saying."""
    return tuple(side for k, _, d in op.slides for side in [(k - 1) // 2 * d] * 2)


def _option(op: Op, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"no {name}"
    if not isinstance(value, tuple):
        return f"{name} {value.value if isinstance(value, Enum) else value}"
    declared = attributes(type(op)).get(name)  # the compiler's own have no declaration
    if declared and EACH.get(declared.kind) == 2:
        sides = list(ends(value))
        if any(before != after for before, after in sides):
            return f"{name} " + ", ".join(f"{before}+{after}" for before, after in sides)
        value = value[::2]
    return f"{name} {value[0]}" if len(set(value)) == 1 else f"{name} {'x'.join(map(str, value))}"


def describe_call(instance: Instance) -> str:
    """A block with its arguments: "basic(channels=128, stride=2)"."""
    env = instance.env
    given = ", ".join(f"{p.name}={_plain(env[p.name])}" for p in instance.block.parameters)
    return f"{instance.block.name}({given})" if given else instance.block.name


def _plain(value: Number) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def describe_join(item: JoinTrace | ResidualTrace) -> str:
    """What brings the branches together: "concat", "add projection shortcut"."""
    if isinstance(item, JoinTrace):
        return item.node.kind.value
    kind = item.node.kind if item.shortcut else "identity"
    return f"add {kind} shortcut"


def describe_owner(item: OpTrace, owner: Path) -> str:
    """Whose weights an operation has, as more words for it; none where it has no weights."""
    return f", weights of {'.'.join(owner)}" if item.op.parameters(item.x) else ""


def describe_run(items: Iterable[Trace]) -> str:
    """What a run of traces is made of: "conv, batch_norm, relu, max_pool" or "basic x 3"."""
    counts = Counter(_words(items))
    words = [word if n == 1 else f"{word} x {n}" for word, n in counts.items()]
    return ", ".join(words[:MAX_WORDS] + ["..."] * (len(words) > MAX_WORDS))


def _words(items: Iterable[Trace]) -> Iterator[str]:
    for item in items:
        if item.again is not None:
            yield f"{item.again.of} again"
        elif isinstance(item, OpTrace):
            yield item.op.word
        elif isinstance(item, CallTrace):
            yield item.instance.block.name
        elif isinstance(item, GroupTrace):
            yield from _words(item.items)
        elif isinstance(item, ResidualTrace):
            yield from _words((*item.pre, *item.branch))
            if item.shortcut is not None:
                yield describe_join(item)
        elif isinstance(item, FromTrace):
            yield f"from {item.node.source}"
        else:
            for branch in item.branches:
                yield from _words(branch)
            yield item.node.kind.value
