"""What layers make of values whose channels are last: see `values`.

Written out is only what is more than its operation: padding of which the next layer makes sense,
cuts, and orders in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import prod
from typing import Any, cast

from ...ir.nodes import JoinKind
from ...ops import (
    AvgPool,
    Conv,
    ConvTranspose,
    Crop,
    Flatten,
    Linear,
    MaxPool,
    Op,
    PadChannels,
    Pool,
    Same,
    Shape,
    same_padding,
)
from ..functions.layer import BORDER, DRAWN, Layer
from ..table import Told
from .graph import Window, window
from .traced import TraceError
from .values import Built, Mean, Sides, Tracer, Value

LAST = "channels_last"
Meaning = Callable[[Built, Any], Value]  # of a value, or of several


def operation(layer: Built, x: Value) -> Value:
    """A layer that is an operation; a linear one is told whose rows its kernel gets."""
    op, rows = layer.op, x.rows
    if rows and isinstance(op, Linear):
        x.tracer.rows[layer.name], rows = rows, None
    x.tracer.own(layer, op, x.inner)
    return replace(x.apply(op, layer.name), rows=rows)


def convolution(layer: Built, x: Value) -> Value:
    """A convolution that pads nothing by itself, or as `same` or `causal` do."""
    op, x = cast(Any, layer.op), x.map(layer.name)
    if x.is_padded and (layer.border != "valid" or x.fill != 0.0):
        raise TraceError(f"{layer.name}: the map is padded already, with {x.fill}")
    if layer.depthwise:
        op = replace(op, channels=op.channels * x.inner[0], groups=x.inner[0])
    sides = x.sides
    if layer.border == "same":
        sides = replace(op, padding=Same.SAME).pads(x.inner)
    elif layer.border == "causal":
        ((kernel, _, dilation),) = op.slides  # frameworks have it for sequences alone
        if layer.depthwise:
            raise TraceError(f"{layer.name}: a depthwise convolution pads both sides")
        sides = (dilation * (kernel - 1), 0)
    op = replace(op, padding=sides)
    x.tracer.own(layer, op, x.inner)
    return replace(x, pads=()).apply(op, layer.name)


def transposed(layer: Built, x: Value) -> Value:
    """Without padding. Where the stride exceeds the kernel, the last stride is filled."""
    op = cast(Any, layer.op)
    fill = tuple(max(s - k, 0) for s, k in zip(op.stride, op.kernel, strict=True))
    x.tracer.own(layer, op, x.inner)
    return x.apply(replace(op, output_padding=fill), layer.name)


def cropped(name: str, x: Value, sides: Sides) -> Value:
    """Pixels taken off the border; of a transposed convolution that is its padding."""
    return Value(x.tracer, x.tracer.graph.apply(Crop(sides), x.settled(name)))


def pooled(layer: Built, x: Value) -> Value:
    """A pool that pads nothing by itself, or as `same` does."""
    name, op, graph = layer.name, cast(Any, layer.op), x.tracer.graph
    padded, mean = x.map(name).is_padded, isinstance(op, AvgPool)
    if layer.border == "causal" or (padded and layer.border == "same"):
        raise TraceError(f"{name}: the map is padded already")
    if padded and not mean and x.fill == 0.0 and not graph[x.term].nonnegative:
        raise TraceError(f"{name}: a zero around the map may win, for its input can be negative")
    if padded and mean and x.fill != 0.0:
        raise TraceError(f"{name}: a mean of a map padded with {x.fill}")
    if layer.border == "same":
        axes = zip(x.inner[1:], op.kernel, op.stride, strict=True)
        pads = (side for axis in axes for side in same_padding(*axis))
        how = _window(op, x.padded(name, tuple(pads), x.fill), ())
    else:
        how = _window(op, x, x.sides if mean else ())
    return Value(x.tracer, graph.pool(how, x.term))


def _window(op: Pool, x: Value, counted: Sides) -> Window:
    """What a pool without padding reads of a map that has been padded before."""
    *extents, channels = x.extents
    counted = counted or (0,) * len(x.sides)
    shape = (channels, *extents)
    return replace(window(op, shape), before=x.sides[::2], counted=counted)


def subsampled(x: Value, stride: Shape) -> Value:
    """Every stride-th pixel of a convolution without a stride: one that has it."""
    term = x.tracer.graph[x.term]
    return x.again(replace(Conv(*cast(Any, term.key[1:])), stride=stride))


def moved(name: str, x: Value, order: tuple[int, ...]) -> Value:
    """The channels taken to the front; `order` counts the axes behind the batch from one."""
    if order != (len(x.inner), *range(1, len(x.inner))):
        raise TraceError(f"{name}: dimensions in the order {order}")
    return Value(x.tracer, x.map(name).settled(name), moved=True)


def flattened(layer: Built, x: Value) -> Value:
    """A vector, in the framework's order unless the channels were moved to the front."""
    made = replace(x, moved=False).apply(Flatten(), layer.name)
    if len(x.inner) == 1:  # it was flat
        return replace(made, rows=x.rows)
    seen = prod(x.inner) > x.inner[0] and not x.moved
    return replace(made, rows=x.inner if seen else None)


def joined(name: str, values: list[Value], kind: JoinKind) -> Value:
    tracer = values[0].tracer
    return Value(tracer, tracer.graph.combine(kind, [value.settled(name) for value in values]))


MEANINGS: dict[type[Op], Meaning] = {
    Conv: convolution,
    ConvTranspose: transposed,
    MaxPool: pooled,
    AvgPool: pooled,
    Flatten: flattened,
}


# -- functions -----------------------------------------------------------------------------------


def pad(name: str, x: Value, pads: Sequence[tuple[int, int]], fill: float) -> Value:
    """Padding of every axis: around the map, or channels of zeros."""
    batch, *around, channels = map(tuple, pads)
    sides = tuple(side for axis in around for side in axis)
    if batch != (0, 0):
        raise TraceError("a batch is padded")
    if channels == (0, 0):
        made = x.padded(name, sides, fill)
    elif not any(sides) and fill == 0.0:
        made = x.apply(PadChannels(*channels))
    else:
        raise TraceError("pixels and channels are padded at once, or not with zeros")
    return x.tracer.called(None, x, made)


def split(x: Value, count: int) -> list[Value]:
    terms = x.tracer.graph.shares(x.settled("a split"), count)
    return x.tracer.parts(None, x, [Value(x.tracer, term) for term in terms])


def ones_like(x: Value) -> Value:
    """Ones where `x` is, padding included that it has already."""
    return x.tracer.called(None, x, replace(x.map("ones_like"), ones=x.sides, fill=0.0))


def average(x: Value, kernel: Shape, stride: Shape) -> Mean:
    """The mean of each window, over whatever is there."""
    if x.map("a mean", ones=True).fill != 0.0 and x.is_padded:
        raise TraceError(f"a mean of a map padded with {x.fill}")
    how = _window(AvgPool(kernel, stride), x, x.ones or ())
    made = Mean(x.tracer, how, x.term if x.ones is None else None)
    return x.tracer.called(None, x, made)


# -- classes -------------------------------------------------------------------------------------


def layer_class(
    tracer: Tracer, rows: Sequence[Layer], meaning: Meaning | None
) -> Callable[..., Any]:
    """What constructs a layer that one of some rows tells; `meaning` it has if not its operation's.

    A row is taken for the arguments that it can have said.
    """
    kind, signature = rows[0].name, rows[0].signature
    readers = [row.reader() for row in rows]
    asides = {a.form: a.name for a in rows[0].arguments if a.form in (DRAWN, BORDER)}

    def build(*args: Any, name: str, data_format: str = LAST, **more: Any) -> Any:
        if data_format != LAST:
            raise TraceError(f"{name}: channels are not last")
        bound = signature.bind(*args, **more)
        bound.apply_defaults()
        given = bound.arguments
        op = _first(readers, kind, given)
        initial, border = (given.get(asides.get(form, "")) for form in (DRAWN, BORDER))
        label, depthwise = tracer.named(name), rows[0].depthwise
        layer = Built(kind, label, op, initial, border or "valid", depthwise, given)
        means = meaning or MEANINGS.get(type(op), operation)
        return lambda x: tracer.called(layer, x, means(layer, x))

    return build


def _first(readers: list[Callable[..., Told]], kind: str, given: Mapping[str, Any]) -> Op:
    """The operation that some arguments tell. Raises `TraceError` where it is none."""
    for read in readers:
        with suppress(ValueError):
            return read(**given)[0]
    raise TraceError(f"{kind} of {', '.join(f'{key}={v!r}' for key, v in given.items())}")


def own_function(tracer: Tracer, row: Layer) -> Callable[..., Value]:
    """A function that the file defines, which consists of several layers."""

    def call(x: Value, *given: Any, name: str) -> Value:
        op = row.reader()(*given)[0]
        made = x.apply(op)
        for kind, suffix in row.parts:
            label = tracer.named(f"{name}_{suffix}" if suffix else name)
            x = tracer.called(Built(kind, label, op), x, made)
        return x

    return call
