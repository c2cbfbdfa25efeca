"""What emitted code finds when it imports keras, while it is proved to say what the spec says.

The layers here compute nothing: each tells which operation it is, with Keras' own argument order
and defaults, and a call makes a term. Terms are channels-first, as the IR is; what only the order
in memory or an explicit padding does is kept beside a value until the next layer makes sense of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, cast

from rescompile import ops
from rescompile.emit.validation import Traced, TraceError
from rescompile.emit.validation.execute import execute
from rescompile.emit.validation.expected import Tensor
from rescompile.emit.validation.graph import Graph, Window
from rescompile.ir.initial import CONSTANT, Draw
from rescompile.ir.structure import JoinKind
from rescompile.ops import Op, Shape, same_padding

from .standin_initial import GLOROT, Fans, Initial

Size = int | tuple[int, int]
Sides = tuple[int, int, int, int]  # top, bottom, left, right
NONE: Sides = (0, 0, 0, 0)
LAST = "channels_last"


def trace(source: str, name: str, graph: Graph, helpers: Mapping[str, str], rows: Rows) -> Traced:
    """Execute a file and call its network.

    `helpers` are the sources of what it may define itself; `rows` are the layers whose kernels will
    be given rows in the order H, W, C. Raises `TraceError`, and whatever broken code raises.
    """
    tracer = Tracer(graph)
    fixed = {helper: (text, tracer.helpers[helper]) for helper, text in helpers.items()}
    scope = execute(source, tracer.modules(), fixed)
    model = scope[name]()
    if model.name != name:
        raise TraceError(f"the model is called '{model.name}'")
    terms = tuple(value.settled("an output") for value in model.outputs)
    if any(value.rows for value in model.outputs):
        raise TraceError("an output is in Keras' own order")
    used = _used(graph, terms)
    tensors = {key: tensor for key, tensor in tracer.tensors.items() if key[0] in used}
    if tracer.rows != rows:
        wrong = sorted(dict(tracer.rows.items() ^ rows.items()))
        raise TraceError(f"the rows of {', '.join(wrong)} are in another order than their weights")
    return Traced(terms, tensors)


def _used(graph: Graph, outputs: Sequence[int]) -> set[str]:
    """The layers with weights that a model of these outputs consists of."""
    found, ahead = set[int](), list(outputs)
    while ahead:
        value = ahead.pop()
        if value not in found:
            found.add(value)
            ahead.extend(graph[value].inputs)
    return {graph[value].weights for value in found}


Rows = dict[str, tuple[int, int, int]]  # layer -> the map, channels first, that was flattened


@dataclass(frozen=True)
class Average:
    """The mean of windows over a padded map, before it is divided by the share that counts."""

    term: int
    how: Window


@dataclass(frozen=True)
class Value:
    """A tensor: a term, and what has been done to it that is no operation yet.

    `pads` are zeros (or -inf) around the map, `crop` what is cut off it, `moved` says that the
    channels were taken to the front, `rows` the map that was flattened in Keras' order.
    """

    tracer: Tracer
    term: int
    pads: Sides = NONE
    fill: float = 0.0
    crop: Sides | None = None
    moved: bool = False
    rows: tuple[int, int, int] | None = None

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

    def cropped(self) -> Value:
        """What was cut off a transposed convolution is its padding."""
        return self if self.crop is None else self.tracer.transposed(self)

    def apply(self, op: Op, name: str = "") -> Value:
        graph = self.tracer.graph
        return Value(self.tracer, graph.apply(op, self.settled(name or op.word), name))

    def __getitem__(self, index: Any) -> Value:
        """`x[..., a:b]`: some of the channels; of a padded map, to see which pixels count."""
        dots, cut = index
        if dots is not ... or cut.step is not None:
            raise TraceError("only channels are taken by an index")
        start, stop, _ = cut.indices(self.inner[0])
        if self.pads != NONE:
            graph = self.tracer.graph
            return replace(self, term=graph.apply(ops.SliceChannels(start, stop), self.term))
        return self.apply(ops.SliceChannels(start, stop))


@dataclass(frozen=True)
class Share:
    """Ones where a map's own pixels are, and means of windows over them."""

    shape: Shape
    counted: Sides = NONE
    pads: Sides = NONE


@dataclass(frozen=True)
class Mean:
    """`keras.ops.average_pool` of a value, or of the ones that stand for its pixels."""

    tracer: Tracer
    how: Window
    term: int | None = None

    def __truediv__(self, share: Mean) -> Value:
        same = replace(self.how, counted=NONE) == replace(share.how, counted=NONE)
        if self.term is None or share.term is not None or not same:
            raise TraceError("a mean is divided by the share of other windows")
        how = replace(self.how, counted=share.how.counted)
        return Value(self.tracer, self.tracer.graph.pool(how, self.term))


def _pair(size: Size) -> tuple[int, int]:
    return size if isinstance(size, tuple) else (size, size)


def _sides(padding: Any) -> Sides:
    """`ZeroPadding2D`'s argument as top, bottom, left, right."""
    rows, columns = _pair(padding)
    (top, bottom), (left, right) = _pair(rows), _pair(columns)
    return top, bottom, left, right


def _plus(a: Sides, b: Sides) -> Sides:
    return cast(Sides, tuple(x + y for x, y in zip(a, b, strict=True)))


class Tracer:
    """One execution of a file: its graph, the names of its layers, and their weights."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.names: set[str] = set()
        self.tensors: dict[tuple[str, str], Tensor] = {}
        self.rows: Rows = {}
        self.drawn: set[int] = set()
        self.kept: list[object] = []  # initialisers, so that no two have one id
        self.convolved: dict[int, str] = {}  # term -> the convolution's layer
        self.helpers: dict[str, Any] = {
            "LayerScale": self.scaled,
            "UnbiasedBatchNormalization": self.unbiased,
            "channel_shuffle": self.shuffled,
        }

    # -- names and weights -----------------------------------------------------------------------

    def named(self, name: str | None) -> str:
        """A layer's name, which no other has."""
        if not name or "/" in name or "." in name:
            raise TraceError(f"'{name}' is no name for a layer")
        if name in self.names:
            raise TraceError(f"two layers are called '{name}'")
        self.names.add(name)
        return name

    def own(self, name: str, op: Op, x: Shape, **draws: Draw) -> None:
        """The tensors of a layer; what is not said starts as norms and biases do."""
        for parameter in op.parameters(x):
            one = parameter.leaf in ("weight", "running_var")
            start = draws.get(parameter.leaf, Draw(CONSTANT, 1.0 if one else 0.0))
            self.tensors[name, parameter.leaf] = Tensor(parameter.shape, start)

    def start(self, initial: Initial | None, fans: Fans) -> Draw:
        """What an initialiser makes of a kernel. One that is shared draws the same values twice."""
        if initial is None:
            return GLOROT.draw(fans)
        if id(initial) in self.drawn:
            raise TraceError("two layers share an initialiser, and so their values")
        self.drawn.add(id(initial))
        self.kept.append(initial)
        return initial.draw(fans)

    # -- layers ----------------------------------------------------------------------------------

    def convolution(
        self,
        name: str,
        x: Value,
        op: ops.Conv,
        padding: str,
        initial: Initial | None,
        multiplier: int | None,
    ) -> Value:
        if x.fill != 0.0 and x.pads != NONE:
            raise TraceError(f"{name}: a convolution of a map padded with {x.fill}")
        x = x.cropped()
        sides, (_, height, width) = x.pads, self.map(name, x)
        if padding == "same":
            if sides != NONE:
                raise TraceError(f"{name}: the map is padded already")
            (kh, kw), (sh, sw), (dh, dw) = map(_numbers, (op.kernel, op.stride, op.dilation))
            sides = (*same_padding(height, kh, sh, dh), *same_padding(width, kw, sw, dw))
        elif padding != "valid":
            raise TraceError(f"{name}: padding '{padding}'")
        if max(_numbers(op.stride)) > 1 and max(_numbers(op.dilation)) > 1:
            raise TraceError(f"{name}: Keras takes no stride with a dilation")
        op = replace(op, padding=sides)
        (kh, kw), into = _numbers(op.kernel), x.inner[0]
        fans = Fans(kh * kw, into // cast(int, op.groups), cast(int, op.channels))
        if multiplier is not None:
            fans = Fans(kh * kw, into, multiplier)
        self.own(name, op, x.inner, weight=self.start(initial, fans))
        made = self.graph.apply(op, x.term, name)
        self.convolved[made] = name
        return Value(self, made)

    def map(self, name: str, x: Value) -> tuple[int, int, int]:
        if len(x.inner) != 3 or x.moved:
            raise TraceError(f"{name} wants a map")
        channels, height, width = x.inner
        return channels, height, width

    def transpose(self, name: str, x: Value, op: ops.ConvTranspose, initial: Any) -> Value:
        """Without padding. Where the stride exceeds the kernel, Keras fills the last stride."""
        term = x.settled(name)
        (kh, kw), into = _numbers(op.kernel), x.inner[0]
        fans = Fans(kh * kw, cast(int, op.channels), into)
        self.own(name, op, x.inner, weight=self.start(initial, fans))
        fill = tuple(
            max(s - k, 0) for s, k in zip(*map(_numbers, (op.stride, op.kernel)), strict=True)
        )
        whole = self.graph.apply(replace(op, output_padding=fill), term, name)
        return Value(self, whole, crop=NONE)

    def transposed(self, x: Value) -> Value:
        """A transposed convolution with what was cut off it."""
        term = self.graph[x.term]
        _, *given = term.key
        op = ops.ConvTranspose(*given)  # type: ignore[arg-type]
        top, bottom, left, right = x.crop or NONE
        rows, columns = _numbers(op.output_padding)
        more = (rows + top - bottom, columns + left - right)
        if min(more) < 0:
            raise TraceError(f"{term.weights}: more is cut off at the end than was padded")
        made = replace(op, padding=(top, left), output_padding=more)
        return Value(self, self.graph.apply(made, term.inputs[0], term.weights))

    def pooled(
        self,
        name: str,
        x: Value,
        kind: type[ops.Pool],
        kernel: Size,
        stride: Size | None,
        padding: str,
    ) -> Value:
        k, s = _pair(kernel), _pair(kernel if stride is None else stride)
        x = x.cropped()
        _, height, width = self.map(name, x)
        term = self.graph[x.term]
        if name == f"{self.convolved.get(x.term)}_subsample" and k == (1, 1):
            return self.subsampled(x, s)
        if padding == "same":
            if x.pads != NONE:
                raise TraceError(f"{name}: the map is padded already")
            before = same_padding(height, k[0], s[0])[0], same_padding(width, k[1], s[1])[0]
            extent = -(-height // s[0]), -(-width // s[1])
            return Value(self, self.graph.pool(Window(kind, k, s, before, extent), x.term))
        zeros = kind is ops.MaxPool and x.fill == 0.0 and x.pads != NONE
        if zeros and not term.nonnegative:
            raise TraceError(
                f"{name}: a zero around the map may win, for its input can be negative"
            )
        if kind is ops.AvgPool and x.fill != 0.0 and x.pads != NONE:
            raise TraceError(f"{name}: a mean of a map padded with {x.fill}")
        counted = x.pads if kind is ops.AvgPool else NONE
        return Value(self, self.graph.pool(self.window(kind, x, k, s, counted), x.term))

    def window(
        self,
        kind: type[ops.Pool],
        x: Value | Share,
        k: tuple[int, int],
        s: tuple[int, int],
        counted: Sides,
    ) -> Window:
        """A pool without padding of a map that has been padded before."""
        top, bottom, left, right = x.pads
        inner = x.inner if isinstance(x, Value) else x.shape
        rows, columns = inner[1] + top + bottom, inner[2] + left + right
        extent = (rows - k[0]) // s[0] + 1, (columns - k[1]) // s[1] + 1
        return Window(kind, k, s, (top, left), extent, counted)

    def subsampled(self, x: Value, stride: tuple[int, int]) -> Value:
        """A convolution with a stride, of which Keras' layer computes too much."""
        term = self.graph[x.term]
        _, *given = term.key
        op = replace(ops.Conv(*given), stride=stride)  # type: ignore[arg-type]
        return Value(self, self.graph.apply(op, term.inputs[0], term.weights))

    def merged(self, kind: JoinKind, values: list[Value]) -> Value:
        if any(value.rows for value in values):
            raise TraceError(f"{kind.value} of vectors in Keras' own order")
        terms = [value.settled(kind.value) for value in values]
        return Value(self, self.graph.combine(kind, terms))

    def dense(self, name: str, x: Value, op: ops.Linear, initial: Initial | None) -> Value:
        fans = Fans(1, x.inner[0], cast(int, op.features))
        self.own(name, op, x.inner, weight=self.start(initial, fans))
        if x.rows is not None:
            self.rows[name] = x.rows
        return x.apply(op, name)

    def flattened(self, x: Value) -> Value:
        x = x.cropped()
        if x.pads != NONE:
            raise TraceError("a padded map is flattened")
        if len(x.inner) == 1:  # it is flat
            return Value(self, self.graph.apply(ops.Flatten(), x.term), rows=x.rows)
        channels, height, width = self.map("a flatten", replace(x, moved=False))
        made = Value(self, self.graph.apply(ops.Flatten(), x.term))
        seen = height * width > 1 and not x.moved
        return replace(made, rows=(channels, height, width)) if seen else made

    # -- what files define themselves --------------------------------------------------------------

    def scaled(self, init: float, *, name: str) -> Callable[[Value], Value]:
        label = self.named(name)

        def call(x: Value) -> Value:
            op = ops.LayerScale(init)
            self.tensors[label, ""] = Tensor(op.parameters(x.inner)[0].shape, Draw(CONSTANT, init))
            return x.apply(op, label)

        return call

    def unbiased(self, *, momentum: float, epsilon: float, name: str) -> Callable[[Value], Value]:
        return self.normed(self.named(name), batch_norm(momentum, epsilon, True))

    def normed(self, name: str, op: Op) -> Callable[[Value], Value]:
        def call(x: Value) -> Value:
            if x.rows is not None:
                raise TraceError(f"{name} sees a vector in Keras' own order")
            self.own(name, op, x.inner)
            return x.apply(op, name)

        return call

    def shuffled(self, x: Value, groups: int, *, name: str) -> Value:
        for suffix in ("_split", "_swap", ""):
            self.named(name + suffix)
        return x.apply(ops.ChannelShuffle(groups))

    def modules(self) -> dict[str, Any]:
        from .standin_layers import vocabulary

        return vocabulary(self)


def batch_norm(momentum: float, epsilon: float, unbiased: bool = False) -> ops.BatchNorm:
    """Keras' momentum is the weight of the old statistics."""
    return ops.BatchNorm(epsilon, float(1 - Decimal(repr(momentum))), unbiased)


def _numbers(pair: Any) -> tuple[int, int]:
    return cast("tuple[int, int]", pair)
