"""Values of a framework that applies layers to tensors whose channels are last, for its stand-in.

A layer computes nothing: a call of it makes a term. Terms are channels-first, as the IR is; what
only an explicit padding or the order in memory does is kept beside a value until the next layer
makes sense of it. What layers make of values is in `layers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ...ir.initial import CONSTANT, Draw
from ...ir.structure import INPUT
from ...ops import Flatten, Linear, Op, Role, Shape, SliceChannels
from ...ops.window import ends
from ..channels_last import Map, layout_of
from .expected import Tensor
from .graph import Graph, Window
from .traced import Traced, TraceError

Sides = tuple[int, ...]  # before and after each axis: top, bottom, left, right


@dataclass(frozen=True, eq=False)
class Built:
    """A layer as it was constructed: its class and name, and what its arguments say.

    That is an operation, an initialiser for the kernel, which can `draw` one of a shape, and
    how it pads by itself: as "same" or "causal" do, or not; `given` has the arguments themselves.
    A model that is a layer has calls `inside`.
    """

    kind: str
    name: str
    op: Op
    initial: Any = None
    border: str = "valid"
    depthwise: bool = False
    given: Mapping[str, Any] = field(default_factory=dict)
    inside: Calls | None = None

    @property
    def said(self) -> tuple[object, ...]:
        """All that a layer is, but for what it starts as."""
        inside = self.inside and [call.layer.said for call in self.inside.nodes if call.layer]
        return self.kind, self.name, self.op, self.border, self.depthwise, str(inside)


@dataclass(frozen=True, eq=False, repr=False)
class Node:
    """One call of a layer, or of a function, which has no name in files."""

    layer: Built | None
    inputs: tuple[Node, ...]


START = Node(None, ())


@dataclass(frozen=True, eq=False, repr=False)
class Calls:
    """What a model does: its calls in the order in which they were written, and the last values."""

    nodes: list[Node]
    ends: list[Node]


@dataclass(frozen=True)
class Value:
    """A tensor: a term, and what has been done to it that is no operation yet.

    `pads` are pixels of `fill` around the map, if any were added; `moved` says that the channels
    were taken to the front, `rows` is the map that was flattened in the framework's order. `ones`
    make it no term but ones where that has pixels, and in the padding that they tell. `node` is the
    call that made it.
    """

    tracer: Tracer
    term: int
    pads: Sides = ()
    fill: float = 0.0
    ones: Sides | None = None
    moved: bool = False
    rows: Map | None = None
    node: Node = START

    @property
    def inner(self) -> Shape:
        """Channels and extents, or features, without what is pending."""
        return self.tracer.graph[self.term].shape

    @property
    def extents(self) -> tuple[int, ...]:
        """The extents of a map, and the channels, with what is pending."""
        channels, *extents = self.inner
        padded = (n + sum(pads) for n, pads in zip(extents, ends(self.sides), strict=True))
        return (*padded, channels)

    @property
    def shape(self) -> tuple[int | None, ...]:
        """As the framework tells it: batch, extents, channels."""
        *extents, channels = self.extents
        return (None, *(None if self.tracer.sizeless else n for n in extents), channels)

    @property
    def sides(self) -> Sides:
        """How many pixels there are around the map on each side."""
        return self.pads or (0, 0) * (len(self.inner) - 1)

    @property
    def is_padded(self) -> bool:
        return any(self.pads)

    def settled(self, by: str, orderless: bool = False) -> int:
        """The term, for what takes no padding. Raises `TraceError` where something is pending.

        Only what is `orderless` takes vectors in the framework's order.
        """
        if self.is_padded or self.moved or self.ones is not None:
            raise TraceError(f"{by} gets a value that is padded or permuted")
        if self.rows and not orderless:
            raise TraceError(f"{by} sees a vector in the framework's own order")
        return self.term

    def map(self, by: str, ones: bool = False) -> Value:
        """The value itself, for what takes a map, padded or not, and perhaps `ones`."""
        if len(self.inner) == 1 or self.moved or (self.ones is not None and not ones):
            raise TraceError(f"{by} wants a map")
        return self

    def padded(self, by: str, sides: Sides, fill: float = 0.0) -> Value:
        """With so many pixels around the map."""
        self.map(by, ones=fill == 0.0)
        if self.is_padded and self.fill != fill:
            raise TraceError(f"{by}: two paddings of different values")
        both = tuple(a + b for a, b in zip(self.sides, sides, strict=True))
        return replace(self, pads=both, fill=fill)

    def again(self, op: Op) -> Value:
        """What the operation that made this value makes of its input with other attributes."""
        term = self.tracer.graph[self.term]
        return Value(self.tracer, self.tracer.graph.apply(op, term.inputs[0], term.weights))

    def apply(self, op: Op, by: str = "") -> Value:
        """An operation; `by` is the layer that owns its weights."""
        orderless = op.orderless or isinstance(op, (Flatten, Linear))
        term = self.settled(by or op.word, orderless)
        return Value(self.tracer, self.tracer.graph.apply(op, term, by))

    def __getitem__(self, index: Any) -> Value:
        """`x[..., a:b]`: some of the channels; of a padded map, to see which pixels count."""
        dots, cut = index
        if dots is not ... or cut.step is not None:
            raise TraceError("only channels are taken by an index")
        start, stop, _ = cut.indices(self.inner[0])
        made = replace(self, pads=()).apply(SliceChannels(start, stop))
        return self.tracer.called(None, self, replace(made, pads=self.pads, fill=self.fill))


@dataclass(frozen=True)
class Mean:
    """Means of the windows of a value, or of the ones that stand for its pixels, if no term."""

    tracer: Tracer
    how: Window
    term: int | None
    node: Node = START

    def __truediv__(self, share: Mean) -> Value:
        same = replace(self.how, counted=()) == replace(share.how, counted=())
        if self.term is None or share.term is not None or not same:
            raise TraceError("a mean is divided by the share of other windows")
        how = replace(self.how, counted=share.how.counted)
        made = Value(self.tracer, self.tracer.graph.pool(how, self.term))
        return self.tracer.called(None, [self, share], made)


Made = TypeVar("Made", Value, Mean)


class Tracer:
    """One execution of a file: its graph, the names of its layers, and their weights.

    `rows` are the layers whose kernels get rows in the order H, W, C.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.names: set[str] = set()
        self.tensors: dict[tuple[str, str], Tensor] = {}
        self.rows: dict[str, Map] = {}
        self.drawn: dict[int, Any] = {}  # by id, kept so that no two have one
        self.calls: list[Node] = []
        self.sizeless = False  # whether height and width are not known to the code

    def input(self, shape: tuple[int, ...], name: str = INPUT) -> Value:
        *extents, channels = shape
        term = self.graph.inputs.get(name)
        if term is None or (channels, *extents) != self.graph[term].shape:
            raise TraceError(f"the input '{name}' is {shape}")
        return Value(self, term)

    def called(self, layer: Built | None, given: Any, made: Made) -> Made:
        """What a call made of a value, or of several, with the call beside it."""
        return self.parts(layer, given, [made])[0]

    def parts(self, layer: Built | None, given: Any, made: list[Made]) -> list[Made]:
        """The same where a call makes several values."""
        inputs = given if isinstance(given, list) else [given]
        node = Node(layer, tuple(value.node for value in inputs))
        self.calls.append(node)
        return [replace(value, node=node) for value in made]

    def named(self, name: str | None) -> str:
        """A layer's name, which no other has."""
        if not name or "/" in name or "." in name:
            raise TraceError(f"'{name}' is no name for a layer")
        if name in self.names:
            raise TraceError(f"two layers are called '{name}'")
        self.names.add(name)
        return name

    def own(self, layer: Built, op: Op, x: Shape) -> None:
        """The tensors of a layer, as the operation has them that it turns out to be.

        An initialiser draws a kernel, and where it is shared the same values twice; what is left
        starts by itself.
        """
        for parameter in op.parameters(x):
            if isinstance(parameter.start, Role):
                if id(layer.initial) in self.drawn:
                    raise TraceError("two layers share an initialiser, and so their values")
                self.drawn[id(layer.initial)] = layer.initial
                lies = layout_of(op, x, parameter, layer.depthwise)
                start = layer.initial.draw(lies.shape)
            else:
                start = Draw(CONSTANT, parameter.start)
            made, key = Tensor(parameter.shape, start), (layer.name, parameter.leaf)
            if self.tensors.setdefault(key, made) != made:
                raise TraceError(f"{layer.name} is called with an input that does not fit it")

    def traced(self, outputs: list[Value], rows: Mapping[str, Map]) -> Traced:
        """What was found, of a network whose weights will be given in the order of `rows`."""
        terms = tuple(value.settled("an output") for value in outputs)
        if self.rows != rows:
            wrong = ", ".join(sorted(dict(self.rows.items() ^ rows.items())))
            raise TraceError(f"the rows of {wrong} are in another order than their weights")
        used = {self.graph[value].weights for value in self.graph.reachable(terms)}
        return Traced(terms, {key: held for key, held in self.tensors.items() if key[0] in used})
