"""What emitted code finds when it imports keras, while it is proved to say what the spec says.

The layers here compute nothing: each tells which operation it is, and a call makes a term. Terms
are channels-first, as the IR is; what only the order in memory or an explicit padding does is kept
beside a value until the next layer makes sense of it. What the layers mean is in standin_layers.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

from rescompile import ops
from rescompile.emit.channels_last import Map, layout_of
from rescompile.emit.validation.execute import execute
from rescompile.emit.validation.expected import Tensor
from rescompile.emit.validation.graph import Graph, Window
from rescompile.emit.validation.traced import TraceError
from rescompile.ir.initial import CONSTANT, Draw
from rescompile.ops import Op, Role, Shape

from .layers import FUNCTIONS, TABLE
from .standin_initial import INITIALIZERS, Initial
from .vocabulary import LAYERS, OWN

Pair = tuple[int, int]
Sides = tuple[int, int, int, int]  # top, bottom, left, right
NONE: Sides = (0, 0, 0, 0)
LAST = "channels_last"


@dataclass(frozen=True)
class Layer:
    """A layer as it was constructed: its class, its name and its arguments."""

    kind: str
    name: str
    given: Mapping[str, Any]


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """One call of a layer, or of a function, which has no name in files."""

    layer: Layer | None
    inputs: tuple[Node, ...]


START = Node(None, ())


@dataclass(frozen=True)
class Value:
    """A tensor: a term, and what has been done to it that is no operation yet.

    `pads` are zeros (or -inf) around the map, `crop` what is cut off it, `moved` says that the
    channels were taken to the front, `rows` the map that was flattened in Keras' order. `node` is
    the call that made it.
    """

    tracer: Tracer
    term: int
    pads: Sides = NONE
    fill: float = 0.0
    crop: Sides | None = None
    moved: bool = False
    rows: Map | None = None
    node: Node = START

    @property
    def inner(self) -> Shape:
        """Channels, height and width, or features, without what is pending."""
        return self.tracer.graph[self.term].shape

    @property
    def shape(self) -> tuple[int | None, ...]:
        """As Keras tells it: batch, height, width, channels."""
        if len(self.inner) == 1:
            return (None, *self.inner)
        channels, height, width = self.inner
        top, bottom, left, right = self.pads
        if self.crop is not None:
            top, bottom, left, right = (-side for side in self.crop)
        return (None, height + top + bottom, width + left + right, channels)

    def settled(self, by: str) -> int:
        """The term, for what takes no padding. Raises `TraceError` where something is pending."""
        made = self.cropped()
        if made.pads != NONE or made.moved:
            raise TraceError(f"{by} gets a value that is padded, cropped or permuted")
        return made.term

    def map(self, by: str) -> Value:
        """The value, for what takes a map, padded or not."""
        if len(self.inner) != 3 or self.moved:
            raise TraceError(f"{by} wants a map")
        return self.cropped()

    def cropped(self) -> Value:
        """What was cut off a transposed convolution is its padding."""
        if self.crop is None:
            return self
        term = self.tracer.graph[self.term]
        op = ops.ConvTranspose(*cast(Any, term.key[1:]))
        top, bottom, left, right = self.crop
        rows, columns = cast(Pair, op.output_padding)
        more = (rows + top - bottom, columns + left - right)
        if min(more) < 0:
            raise TraceError(f"{term.weights}: more is cut off at the end than was padded")
        made = replace(op, padding=(top, left), output_padding=more)
        return self.again(made)

    def again(self, op: Op) -> Value:
        """What the operation that made this value makes of its input with other attributes."""
        term = self.tracer.graph[self.term]
        return Value(self.tracer, self.tracer.graph.apply(op, term.inputs[0], term.weights))

    def apply(self, op: Op) -> Value:
        return Value(self.tracer, self.tracer.graph.apply(op, self.settled(op.word)))

    def __getitem__(self, index: Any) -> Value:
        """`x[..., a:b]`: some of the channels; of a padded map, to see which pixels count."""
        dots, cut = index
        if dots is not ... or cut.step is not None:
            raise TraceError("only channels are taken by an index")
        start, stop, _ = cut.indices(self.inner[0])
        op, kept = ops.SliceChannels(start, stop), replace(self, pads=NONE)
        made = replace(kept.apply(op), pads=self.pads, fill=self.fill)
        return cast(Value, self.tracer.called(None, self, made))


@dataclass(frozen=True)
class Share:
    """Ones where a map's own pixels are, and means of windows over them."""

    tracer: Tracer
    inner: Shape
    counted: Sides = NONE
    pads: Sides = NONE
    node: Node = START


@dataclass(frozen=True)
class Mean:
    """`keras.ops.average_pool` of a value, or of the ones that stand for its pixels."""

    tracer: Tracer
    how: Window
    term: int | None = None
    node: Node = START

    def __truediv__(self, share: Mean) -> Value:
        same = replace(self.how, counted=NONE) == replace(share.how, counted=NONE)
        if self.term is None or share.term is not None or not same:
            raise TraceError("a mean is divided by the share of other windows")
        how = replace(self.how, counted=share.how.counted)
        made = Value(self.tracer, self.tracer.graph.pool(how, self.term))
        return cast(Value, self.tracer.called(None, [self, share], made))


@dataclass
class Model:
    """`keras.Model`: what it gives."""

    inputs: Value
    given: Any
    name: str = ""

    @property
    def outputs(self) -> list[Value]:
        return self.given if isinstance(self.given, list) else [self.given]


class Tracer:
    """One execution of a file: its graph, the names of its layers, and their weights."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.names: set[str] = set()
        self.tensors: dict[tuple[str, str], Tensor] = {}
        self.rows: dict[str, Map] = {}
        self.drawn: dict[int, Initial] = {}  # by id, kept so that no two have one
        self.calls: list[Node] = []
        self.convolved: dict[int, str] = {}  # term -> the convolution's layer

    def meaning(self, kind: str) -> Callable[[Tracer, Layer, Any], Any]:
        """What a layer of a class makes of a value."""
        raise NotImplementedError

    def functions(self) -> dict[str, Callable[..., Any]]:
        """`keras.ops`, as far as files use it."""
        raise NotImplementedError

    def model(self, source: str, name: str, helpers: Mapping[str, str]) -> Model:
        """What the function `name` of a file makes."""
        made = {kind: self.layer(kind) for kind in LAYERS}
        own: dict[str, Any] = {kind: made.pop(kind) for kind in OWN}
        own |= {function: self.function(kind) for function, kind in FUNCTIONS.items()}
        fixed = {helper: (text, own[helper]) for helper, text in helpers.items()}
        keras = SimpleNamespace(
            layers=SimpleNamespace(Layer=object, **made),
            ops=SimpleNamespace(**self.functions()),
            Input=self.input,
            Model=Model,
            KerasTensor=Value,
            Initializer=Initial,
            initializers=INITIALIZERS,
            config=SimpleNamespace(image_data_format=lambda: LAST),
            saving=SimpleNamespace(register_keras_serializable=lambda package: lambda found: found),
        )
        model = execute(source, {"keras": keras}, fixed)[name]()
        return cast(Model, model)

    def input(self, shape: tuple[int, int, int], **_: Any) -> Value:
        height, width, channels = shape
        if (channels, height, width) != self.graph[0].shape:
            raise TraceError(f"the input is {shape}")
        return Value(self, 0)

    # -- layers ----------------------------------------------------------------------------------

    def layer(self, kind: str) -> Callable[..., Any]:
        """A class of layers, whose arguments are those of the table."""
        meaning = self.meaning(kind)

        def build(
            *args: Any, name: str, data_format: str = LAST, **more: Any
        ) -> Callable[[Any], Any]:
            if data_format != LAST:
                raise TraceError(f"{name}: channels are not last")
            given = LAYERS[kind].bind(*args, **more)
            given.apply_defaults()
            layer = Layer(kind, self.named(name), given.arguments)
            return lambda x: self.called(layer, x, meaning(self, layer, x))

        return build

    def called(self, layer: Layer | None, given: Any, made: Any) -> Any:
        """What a call made, with the call beside it."""
        inputs = given if isinstance(given, list) else [given]
        node = Node(layer, tuple(value.node for value in inputs))
        self.calls.append(node)
        if isinstance(made, list):
            return [replace(value, node=node) for value in made]
        return replace(made, node=node)

    def function(self, kind: type[Op]) -> Callable[..., Value]:
        """A function that the file defines, which consists of several layers."""
        entry = TABLE[kind]

        def call(x: Value, *given: Any, name: str) -> Value:
            made = x.apply(kind(**dict(zip(entry.given.values(), given, strict=True))))
            for layer, suffix in entry.parts:
                label = self.named(f"{name}_{suffix}" if suffix else name)
                x = self.called(Layer(layer, label, {}), x, made)
            return x

        return call

    # -- names and weights -----------------------------------------------------------------------

    def named(self, name: str | None) -> str:
        """A layer's name, which no other has."""
        if not name or "/" in name or "." in name:
            raise TraceError(f"'{name}' is no name for a layer")
        if name in self.names:
            raise TraceError(f"two layers are called '{name}'")
        self.names.add(name)
        return name

    def own(self, name: str, op: Op, x: Shape, initial: Any, depthwise: bool = False) -> None:
        """The tensors of a layer; `initial` draws a kernel, what is left starts by itself.

        An initialiser that is shared draws the same values twice.
        """
        for parameter in op.parameters(x):
            if isinstance(parameter.start, Role):
                if id(initial) in self.drawn:
                    raise TraceError("two layers share an initialiser, and so their values")
                self.drawn[id(initial)] = initial
                start = initial.draw(layout_of(op, x, parameter, depthwise).shape)
            else:
                start = Draw(CONSTANT, parameter.start)
            self.tensors[name, parameter.leaf] = Tensor(parameter.shape, start)
