"""What Keras' layers mean to the stand-in: the table of operations, read backwards.

Written out is only what is no operation by itself: padding and cropping, of which the next layer
makes sense, and orders in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from rescompile import ops
from rescompile.emit.channels_last import Map
from rescompile.emit.validation.graph import Graph, Window
from rescompile.emit.validation.traced import Traced, TraceError
from rescompile.ops import Op, same_padding

from .layers import TABLE
from .standin import NONE, Layer, Mean, Pair, Share, Sides, Tracer, Value
from .vocabulary import (
    CONV,
    DEPTHWISE,
    JOINS,
    LAYERS,
    MAX,
    MEAN,
    NORM,
    TRANSPOSED,
    UNBIASED,
    complement,
)

JOINED = {name: kind for kind, name in JOINS.items()}


def _pair(size: Any) -> Any:
    return size if isinstance(size, tuple) else (size, size)


def _sides(padding: Any) -> Sides:
    """The argument of a padding or a cropping as top, bottom, left, right."""
    rows, columns = _pair(padding)
    return (*_pair(rows), *_pair(columns))


def _plus(a: Sides, b: Sides) -> Sides:
    return cast(Sides, tuple(x + y for x, y in zip(a, b, strict=True)))


# What an attribute is where an argument says it in another form.
READ: dict[str, Callable[[Any], Any]] = {
    "kernel": _pair,
    "stride": _pair,
    "dilation": _pair,
    "momentum": complement,
    "mode": ops.Resampling,
}


def read(layer: str, given: Mapping[str, Any]) -> Op:
    """The operation that a layer of such arguments is. Raises `TraceError` where it is none."""
    usual = {key: parameter.default for key, parameter in LAYERS[layer].parameters.items()}
    for op, entry in TABLE.items():
        wanted = {**usual, **entry.fixed}
        rest = (key for key in given if key not in entry.given)
        if layer == entry.layer and all(given[key] == wanted[key] for key in rest):
            made: Any = op
            said = {key: given[argument] for argument, key in entry.given.items()}
            return cast(Op, made(**{k: READ[k](v) if k in READ else v for k, v in said.items()}))
    raise TraceError(f"{layer} of {', '.join(f'{key}={v!r}' for key, v in given.items())}")


# -- layers --------------------------------------------------------------------------------------


def operation(tracer: Tracer, layer: Layer, x: Value) -> Value:
    """A layer that is an operation; only some take vectors in Keras' order."""
    given = dict(layer.given)
    initial = given.pop("kernel_initializer", None)
    unbiased = layer.kind == UNBIASED
    op, rows = read(NORM if unbiased else layer.kind, given), x.rows
    if isinstance(op, ops.BatchNorm):
        op = replace(op, unbiased=unbiased)
    if rows and isinstance(op, ops.Linear):
        tracer.rows[layer.name], rows = rows, None
    elif rows and not op.orderless:
        raise TraceError(f"{layer.name} sees a vector in Keras' own order")
    made = tracer.graph.apply(op, x.settled(layer.name), layer.name)
    tracer.own(layer.name, op, x.inner, initial)
    return Value(tracer, made, rows=rows)


def convolution(tracer: Tracer, layer: Layer, x: Value) -> Value:
    name, given, depthwise = layer.name, dict(layer.given), layer.kind == DEPTHWISE
    if x.fill != 0.0 and x.pads != NONE:
        raise TraceError(f"{name}: a convolution of a map padded with {x.fill}")
    x = x.map(name)
    channels, height, width = x.inner
    if depthwise:
        given |= {"groups": channels, "filters": channels * given.pop("depth_multiplier")}
    initial = given.pop("depthwise_initializer" if depthwise else "kernel_initializer")
    padding, sides = given.pop("padding"), x.pads
    op = cast(Any, read(CONV, given))
    if padding == "same":
        if sides != NONE:
            raise TraceError(f"{name}: the map is padded already")
        axes = zip((height, width), op.kernel, op.stride, op.dilation, strict=True)
        (top, bottom), (left, right) = (same_padding(*axis) for axis in axes)
        sides = (top, bottom, left, right)
    elif padding != "valid":
        raise TraceError(f"{name}: padding '{padding}'")
    if max(op.stride) > 1 and max(op.dilation) > 1:
        raise TraceError(f"{name}: Keras takes no stride with a dilation")
    if depthwise and op.stride[0] != op.stride[1]:
        raise TraceError(f"{name}: a depthwise convolution has one stride for both axes")
    op = replace(op, padding=sides)
    tracer.own(name, op, x.inner, initial, depthwise)
    made = tracer.graph.apply(op, x.term, name)
    tracer.convolved[made] = name
    return Value(tracer, made)


def transposed(tracer: Tracer, layer: Layer, x: Value) -> Value:
    """Without padding. Where the stride exceeds the kernel, Keras fills the last stride."""
    given = dict(layer.given)
    initial = given.pop("kernel_initializer")
    op = cast(Any, read(layer.kind, given))
    term = x.settled(layer.name)
    tracer.own(layer.name, op, x.inner, initial)
    fill = tuple(max(s - k, 0) for s, k in zip(op.stride, op.kernel, strict=True))
    whole = tracer.graph.apply(replace(op, output_padding=fill), term, layer.name)
    return Value(tracer, whole, crop=NONE)


def pooled(tracer: Tracer, layer: Layer, x: Value) -> Value:
    name, given = layer.name, layer.given
    kind: type[ops.Pool] = ops.MaxPool if layer.kind == MAX else ops.AvgPool
    kernel = _pair(given["pool_size"])
    stride = kernel if given["strides"] is None else _pair(given["strides"])
    x = x.map(name)
    _, height, width = x.inner
    term = tracer.graph[x.term]
    if name == f"{tracer.convolved.get(x.term)}_subsample" and kernel == (1, 1):
        # A convolution with a stride, of which Keras' layer computes too much.
        return x.again(replace(ops.Conv(*cast(Any, term.key[1:])), stride=stride))
    if given["padding"] == "same":
        if x.pads != NONE:
            raise TraceError(f"{name}: the map is padded already")
        axes = list(zip((height, width), kernel, stride, strict=True))
        before = cast(Pair, tuple(same_padding(*axis)[0] for axis in axes))
        extent = tuple(-(-n // step) for n, _, step in axes)
        how = Window(kind, kernel, stride, before, extent)
        return Value(tracer, tracer.graph.pool(how, x.term))
    padded = x.pads != NONE
    if kind is ops.MaxPool and padded and x.fill == 0.0 and not term.nonnegative:
        raise TraceError(f"{name}: a zero around the map may win, for its input can be negative")
    if kind is ops.AvgPool and padded and x.fill != 0.0:
        raise TraceError(f"{name}: a mean of a map padded with {x.fill}")
    how = window(kind, x, kernel, stride, x.pads if kind is ops.AvgPool else NONE)
    return Value(tracer, tracer.graph.pool(how, x.term))


def window(
    kind: type[ops.Pool], x: Value | Share, kernel: Pair, stride: Pair, counted: Sides
) -> Window:
    """A pool without padding of a map that has been padded before."""
    top, bottom, left, right = x.pads
    rows, columns = x.inner[1] + top + bottom, x.inner[2] + left + right
    extent = (rows - kernel[0]) // stride[0] + 1, (columns - kernel[1]) // stride[1] + 1
    return Window(kind, kernel, stride, (top, left), extent, counted)


def padded(tracer: Tracer, layer: Layer, x: Value) -> Value:
    return _padded(layer.name, x, _sides(layer.given["padding"]), 0.0)


def _padded(name: str, x: Value, sides: Sides, fill: float) -> Value:
    x = x.map(name)
    if x.pads != NONE and x.fill != fill:
        raise TraceError(f"{name}: two paddings of different values")
    return replace(x, pads=_plus(x.pads, sides), fill=fill)


def cropped(tracer: Tracer, layer: Layer, x: Value) -> Value:
    if x.crop is None:
        raise TraceError(f"{layer.name} cuts what is no transposed convolution")
    return replace(x, crop=_plus(x.crop, _sides(layer.given["cropping"])))


def moved(tracer: Tracer, layer: Layer, x: Value) -> Value:
    if layer.given["dims"] != (3, 1, 2):
        raise TraceError(f"{layer.name}: dimensions in the order {layer.given['dims']}")
    return Value(tracer, x.settled(layer.name), moved=True)


def flattened(tracer: Tracer, layer: Layer, x: Value) -> Value:
    if len(x.inner) == 1:  # it is flat
        return Value(tracer, tracer.graph.apply(ops.Flatten(), x.settled(layer.name)), rows=x.rows)
    first = x.moved
    x = replace(x, moved=False).map(layer.name)
    if x.pads != NONE:
        raise TraceError("a padded map is flattened")
    channels, height, width = x.inner
    seen = height * width > 1 and not first
    rows = (channels, height, width) if seen else None
    return Value(tracer, tracer.graph.apply(ops.Flatten(), x.term), rows=rows)


def merged(tracer: Tracer, layer: Layer, values: list[Value]) -> Value:
    if any(value.rows for value in values):
        raise TraceError(f"{layer.name} joins vectors in Keras' own order")
    terms = [value.settled(layer.name) for value in values]
    return Value(tracer, tracer.graph.combine(JOINED[layer.kind], terms))


MEANINGS: dict[str, Callable[[Tracer, Layer, Any], Value]] = {
    CONV: convolution,
    DEPTHWISE: convolution,
    TRANSPOSED: transposed,
    MAX: pooled,
    MEAN: pooled,
    "ZeroPadding2D": padded,
    "Cropping2D": cropped,
    "Permute": moved,
    "Flatten": flattened,
    **dict.fromkeys(JOINED, merged),
}


# -- functions -----------------------------------------------------------------------------------


class Layers(Tracer):
    """An execution in which layers and functions mean what they do in Keras."""

    def meaning(self, kind: str) -> Callable[[Tracer, Layer, Any], Any]:
        return MEANINGS.get(kind, operation)

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Each call is kept beside what it makes."""

        def recorded(function: Callable[..., Any]) -> Callable[..., Any]:
            return lambda x, *given, **more: self.called(None, x, function(x, *given, **more))

        return {f.__name__: recorded(f) for f in (pad, split, ones_like, average_pool)}


def pad(x: Any, pads: Sequence[tuple[int, int]], constant_values: float = 0.0) -> Any:
    batch, (top, bottom), (left, right), channels = pads
    sides: Sides = (top, bottom, left, right)
    if tuple(batch) != (0, 0):
        raise TraceError("a batch is padded")
    if isinstance(x, Share):
        return replace(x, pads=_plus(x.pads, sides))
    if tuple(channels) == (0, 0):
        return _padded("keras.ops.pad", x, sides, constant_values)
    if sides != NONE or constant_values != 0.0:
        raise TraceError("pixels and channels are padded at once, or not with zeros")
    return x.apply(ops.PadChannels(*channels))


def split(x: Value, count: int, axis: int) -> list[Value]:
    if axis != -1:
        raise TraceError("a split that is not of channels")
    terms = x.tracer.graph.shares(x.settled("a split"), count)
    return [Value(x.tracer, term) for term in terms]


def ones_like(x: Value) -> Share:
    """Ones where `x` is, padding included that it has already."""
    return Share(x.tracer, x.inner, counted=x.pads, pads=x.pads)


def average_pool(x: Value | Share, pool_size: Any, strides: Any) -> Mean:
    kernel, stride = _pair(pool_size), _pair(strides)
    if isinstance(x, Share):
        return Mean(x.tracer, window(ops.AvgPool, x, kernel, stride, x.counted))
    if x.fill != 0.0 and x.pads != NONE:
        raise TraceError(f"a mean of a map padded with {x.fill}")
    return Mean(x.tracer, window(ops.AvgPool, x, kernel, stride, NONE), x.term)


def trace(
    source: str, name: str, graph: Graph, helpers: Mapping[str, str], rows: Mapping[str, Map]
) -> Traced:
    """Execute a file and call its network.

    `helpers` are the sources of what it may define itself; `rows` are the layers whose kernels will
    be given rows in the order H, W, C. Raises `TraceError`, and whatever broken code raises.
    """
    tracer = Layers(graph)
    model = tracer.model(source, name, helpers)
    if model.name != name:
        raise TraceError(f"the model is called '{model.name}'")
    terms = tuple(value.settled("an output") for value in model.outputs)
    if any(value.rows for value in model.outputs):
        raise TraceError("an output is in Keras' own order")
    used = {graph[value].weights for value in graph.reachable(terms)}
    tensors = {key: tensor for key, tensor in tracer.tensors.items() if key[0] in used}
    if tracer.rows != rows:
        wrong = sorted(dict(tracer.rows.items() ^ rows.items()))
        raise TraceError(f"the rows of {', '.join(wrong)} are in another order than their weights")
    return Traced(terms, tensors)
