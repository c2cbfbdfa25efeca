"""What emitted code finds when it imports keras, while it is proved to say what the spec says.

The layers of the vocabulary compute nothing: each tells which operation it is. Written out is what
Keras has beside them, and what it refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

from rescompile.emit.channels_last import Map
from rescompile.emit.table import extents
from rescompile.emit.validation import layers
from rescompile.emit.validation.execute import execute
from rescompile.emit.validation.graph import Graph
from rescompile.emit.validation.layers import LAST, Meaning
from rescompile.emit.validation.traced import Traced, TraceError
from rescompile.emit.validation.values import Built, Mean, Sides, Tracer, Value
from rescompile.ops import Conv, Shape

from .initialise import INITIALIZERS, Initial
from .parts import after, shared
from .vocabulary import (
    AFTER,
    FUNCTIONS,
    JOINS,
    OWN,
    PART,
    PERMUTE,
    PRELU,
    WORDS,
    shared_axes,
)


@dataclass
class Model:
    """`keras.Model`: what it gives."""

    inputs: Any
    given: Any
    name: str = ""

    @property
    def outputs(self) -> list[Value]:
        return self.given if isinstance(self.given, list) else [self.given]


def _sides(given: Any, x: Value) -> Sides:
    """The argument of a padding or a cropping as top, bottom, left, right."""
    axes = len(x.inner) - 1
    each = extents(axes).read(given) if axes > 1 else (given,)
    return tuple(side for pads in each for side in extents(2).read(pads))


def convolution(layer: Built, x: Value) -> Value:
    op = cast(Any, layer.op)
    if max(op.stride) > 1 and max(op.dilation) > 1:
        raise TraceError(f"{layer.name}: Keras takes no stride with a dilation")
    if layer.depthwise and len({*op.stride}) > 1:
        raise TraceError(f"{layer.name}: a depthwise convolution has one stride for all axes")
    return layers.convolution(layer, x)


def max_pool(layer: Built, x: Value) -> Value:
    op, term = cast(Any, layer.op), x.tracer.graph[x.term]
    named = term.key[0] is Conv and layer.name == f"{term.weights}_subsample"
    if named and max(op.kernel) == 1:
        # A convolution with a stride, of which Keras' layer computes too much.
        return layers.subsampled(x, op.stride)
    return layers.pooled(layer, x)


def prelu(layer: Built, x: Value) -> Value:
    given, rank = layer.given["shared_axes"], len(x.inner)
    shared = given == shared_axes(rank, True)
    if not shared and given != shared_axes(rank, False):
        raise TraceError(f"{layer.name} has other factors than one for each channel, or for all")
    op = replace(cast(Any, layer.op), shared=shared)
    return layers.operation(replace(layer, op=op), x)


def _join(layer: Built, values: list[Value]) -> Value:
    kind = next(kind for kind, row in JOINS.items() if row.name == layer.kind)
    return layers.joined(layer.name, values, kind)


def zeros(layer: Built, x: Value) -> Value:
    return x.padded(layer.name, _sides(layer.given["padding"], x))


def crop(layer: Built, x: Value) -> Value:
    return layers.cropped(layer.name, x, _sides(layer.given["cropping"], x))


MEANINGS: dict[str, Meaning] = {
    **{row.name: convolution for words in WORDS.values() for row in (words.conv, words.depthwise)},
    **{words.max.name: max_pool for words in WORDS.values()},
    **{words.zeros.name: zeros for words in WORDS.values()},
    **{words.crop.name: crop for words in WORDS.values()},
    PRELU.name: prelu,
    PERMUTE.name: lambda layer, x: layers.moved(layer.name, x, layer.given["dims"]),
    **{row.name: _join for row in JOINS.values()},
}


# -- functions -----------------------------------------------------------------------------------


def pad(x: Value, pads: Any, constant_values: float = 0.0) -> Value:
    return layers.pad("keras.ops.pad", x, pads, constant_values)


def split(x: Value, count: int, axis: int) -> list[Value]:
    if axis != -1:
        raise TraceError("a split that is not of channels")
    return layers.split(x, count)


def average_pool(x: Value, pool_size: int | Shape, strides: int | Shape) -> Mean:
    read = extents(len(x.inner) - 1).read
    return layers.average(x, read(pool_size), read(strides))


# -- execution -----------------------------------------------------------------------------------


def model_of(
    tracer: Tracer, source: str, name: str, helpers: Mapping[str, str], given: tuple[Any, ...] = ()
) -> Model:
    """What the function `name` of a file makes of some arguments.

    `helpers` are what the file may define itself.
    """
    words = WORDS[len(tracer.graph[0].shape) - 1]
    made = {
        kind: layers.layer_class(tracer, rows, MEANINGS.get(kind))
        for kind, rows in words.layers.items()
    }
    own: dict[str, Any] = {kind: made.pop(kind) for kind in OWN if kind in made}
    own |= {row.name: layers.own_function(tracer, row) for row in FUNCTIONS}
    own |= {PART: shared(tracer), AFTER: after(tracer)}
    fixed = {helper: (helpers[helper], made) for helper, made in own.items()}
    functions = (pad, split, layers.ones_like, average_pool)
    keras = SimpleNamespace(
        layers=SimpleNamespace(Layer=object, **made),
        ops=SimpleNamespace(**{f.__name__: f for f in functions}),
        Input=tracer.input,
        Model=Model,
        KerasTensor=Value,
        Initializer=Initial,
        initializers=INITIALIZERS,
        config=SimpleNamespace(image_data_format=lambda: LAST),
        saving=SimpleNamespace(register_keras_serializable=lambda package: lambda found: found),
    )
    modules = {"keras": keras, "collections.abc": SimpleNamespace(Callable=Callable)}
    return cast(Model, execute(source, modules, fixed)[name](*given))


def trace(
    source: str,
    name: str,
    graph: Graph,
    helpers: Mapping[str, str],
    rows: Mapping[str, Map],
    given: tuple[Any, ...] = (),
) -> Traced:
    """Execute a file and call its network with what is given.

    `helpers` are the sources of what it may define itself; `rows` are the layers whose kernels will
    be given rows in the order H, W, C. Raises `TraceError`, and whatever broken code raises.
    """
    tracer = Tracer(graph)
    model = model_of(tracer, source, name, helpers, given)
    if model.name != name:
        raise TraceError(f"the model is called '{model.name}'")
    given_to = model.inputs if isinstance(model.inputs, list) else [model.inputs]
    if [value.term for value in given_to] != [*graph.inputs.values()]:
        raise TraceError("the inputs are others, or in another order")
    return tracer.traced(model.outputs, rows)
