"""The operations: one frozen dataclass each, with its shape rule and its parameters beside it.

The set is closed (`OPS`); a test proves that every table (cost, reference semantics, each backend)
covers it. Attributes are numbers, or expressions over block parameters until `bind` gives them
values. Shapes are channels-first and without the batch: `(C, H, W)` for maps, `(C,)` for vectors.
Padding is four numbers: top, bottom, left, right.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from math import prod
from typing import Any, ClassVar, TypeVar, cast

from .expr import Dim, Expr, Number, binary, evaluate, total

Shape = tuple[int, ...]
Pair = tuple[Dim, Dim]
Quad = tuple[Dim, Dim, Dim, Dim]
MAX_EXTENT = 1 << 20  # of one attribute or dimension: a spec with more is a mistake or an attack


MAX_ELEMENTS = 1 << 33  # of one map


class ShapeError(ValueError):
    """An operation cannot take this input: `label` is what was found, `help` the way out."""

    def __init__(self, message: str, label: str = "", help: str = "") -> None:
        super().__init__(message)
        self.label = label
        self.help = help


@dataclass(frozen=True, slots=True)
class Parameter:
    """A tensor that an operation owns, by its PyTorch name, layout and shape."""

    leaf: str
    shape: Shape
    trainable: bool = True


class Same(Enum):
    """Padding in TensorFlow's sense: ceil(n / stride) outputs, the odd pixel after."""

    SAME = "same"


OpT = TypeVar("OpT", bound="Op")


@dataclass(frozen=True, slots=True)
class Op:
    """Base of all operations."""

    word: ClassVar[str] = ""  # what the spec and the text form call it

    def output(self, x: Shape) -> Shape:
        """The output shape for input shape `x`; attributes must be bound. Raises `ShapeError`."""
        return x

    def channels(self, x: Dim) -> Dim:
        """Output channels as an expression of the input's `x`; needs no bound attributes."""
        return x

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        """The tensors it owns for input shape `x`."""
        return ()

    def strides(self) -> Pair:
        """By how much it shrinks height and width."""
        return (1, 1)

    def check(self) -> None:
        """Raise `ShapeError` for bound attributes that make no sense on any input."""


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(kind))


def _fields(op: Op) -> tuple[str, ...]:
    kind: Any = type(op)  # mypy takes the instances' __hash__ for that of the class
    return _names(kind)


def map_attributes(op: OpT, change: Any) -> OpT:
    """`op` with `change` applied to every expression in its attributes."""
    changed: dict[str, Any] = {}
    for name in _fields(op):
        value = getattr(op, name)
        if isinstance(value, Expr):
            changed[name] = change(value)
        elif isinstance(value, tuple) and any(isinstance(v, Expr) for v in value):
            changed[name] = tuple(change(v) if isinstance(v, Expr) else v for v in value)
    return dataclasses.replace(op, **changed) if changed else op


def attribute_dims(op: Op) -> list[Dim]:
    """Every numeric attribute, flat."""
    found: list[Dim] = []
    for name in _fields(op):
        value = getattr(op, name)
        found.extend(value if isinstance(value, tuple) else [value])
    return found


def bind(op: OpT, env: Mapping[str, Number]) -> OpT:
    """`op` with numbers for expressions, itself if it has none.

    Raises `ExprError` or `ShapeError`.
    """
    bound = map_attributes(op, lambda dim: evaluate(dim, env))
    for name in _fields(bound):
        value = getattr(bound, name)
        for number in value if isinstance(value, tuple) else (value,):
            _check_number(bound, name, number)
    bound.check()
    return bound


def _check_number(op: Op, name: str, number: object) -> None:
    if isinstance(number, (bool, Same, str)) or number is None:
        return
    shown = "channels" if name == "out_channels" else name
    if isinstance(number, float):
        if name in FLOATS:
            return
        raise ShapeError(
            f"{op.word}: {shown} is {number}, not a whole number",
            help="use // instead of /, or int(...) or round(...)",
        )
    if isinstance(number, int) and not 0 <= number <= MAX_EXTENT:
        raise ShapeError(f"{op.word}: {shown} is {number}, out of bounds (0 to {MAX_EXTENT})")
    if number == 0 and name in POSITIVE:
        raise ShapeError(f"{op.word}: {shown} must be at least 1")


FLOATS = {"rate", "epsilon", "momentum", "slope", "init", "scale_by"}
POSITIVE = {"out_channels", "kernel", "stride", "dilation", "groups", "features", "scale"}


def as_map(x: Shape, word: str) -> tuple[int, int, int]:
    if len(x) != 3:
        raise ShapeError(
            f"{word} needs a map (channels x height x width), but its input is a vector",
            f"the input is a vector of {x[0]}",
            "move it before the flatten or the pooling that makes a vector, or keep the map with "
            "`global_avg_pool: {keepdims: true}`",
        )
    return x[0], x[1], x[2]


def bounded(x: Shape) -> Shape:
    """`x` itself. Raises `ShapeError` where no machine could hold it."""
    if prod(x) > MAX_ELEMENTS:
        raise ShapeError(
            f"a map of {show_shape(x)} is too large: it has {prod(x):,} values",
            help=f"at most {MAX_ELEMENTS:,} values leave one step",
        )
    return x


def show_shape(x: Shape) -> str:
    return " x ".join(str(n) for n in x)


def extent(
    n: int, kernel: int, stride: int, pad: int, dilation: int = 1, ceil: bool = False
) -> int:
    """Output extent of a sliding window along one axis (PyTorch's rule, ceil mode included).

    In ceil mode the first window, too, may reach past the end, by less than a stride.
    """
    reach = n + pad - dilation * (kernel - 1) - 1
    if reach < 0 and not (ceil and reach > -stride):
        raise ShapeError(
            f"a window of {dilation * (kernel - 1) + 1} does not fit into {n + pad} pixels",
            f"the input extent is {n}, with padding {n + pad}",
            "use a smaller kernel, more padding, or fewer strided stages before it",
        )
    if not ceil:
        return reach // stride + 1
    return -(-reach // stride) + 1


def same_padding(n: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """What TensorFlow pads before and after an axis of `n` pixels for `padding="same"`."""
    need = max((-(-n // stride) - 1) * stride + dilation * (kernel - 1) + 1 - n, 0)
    return need // 2, need - need // 2


def _ints(pair: Pair | Quad) -> Any:
    return cast(Any, pair)


@dataclass(frozen=True, slots=True)
class Conv(Op):
    """2-D convolution (cross-correlation) in groups; weight is (out, in / groups, kh, kw)."""

    word: ClassVar[str] = "conv"
    out_channels: Dim
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Quad | Same = (0, 0, 0, 0)
    dilation: Pair = (1, 1)
    groups: Dim = 1
    bias: bool = False

    def pads(self, x: Shape) -> tuple[int, int, int, int]:
        """The padding in pixels on input shape `x`."""
        if not isinstance(self.padding, Same):
            return cast(tuple[int, int, int, int], self.padding)
        (kh, kw), (sh, sw), (dh, dw) = _ints(self.kernel), _ints(self.stride), _ints(self.dilation)
        return (*same_padding(x[1], kh, sh, dh), *same_padding(x[2], kw, sw, dw))

    def output(self, x: Shape) -> Shape:
        c, h, w = as_map(x, "conv")
        out, groups = cast(int, self.out_channels), cast(int, self.groups)
        for what, count in (("input", c), ("output", out)):
            if count % groups:
                raise ShapeError(
                    f"{groups} groups do not divide {count} {what} channels",
                    f"groups is {groups}",
                    "choose a number of groups that divides both",
                )
        top, bottom, left, right = self.pads(x)
        (kh, kw), (sh, sw), (dh, dw) = _ints(self.kernel), _ints(self.stride), _ints(self.dilation)
        return (out, extent(h, kh, sh, top + bottom, dh), extent(w, kw, sw, left + right, dw))

    def channels(self, x: Dim) -> Dim:
        return self.out_channels

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        out, (kh, kw) = cast(int, self.out_channels), _ints(self.kernel)
        weight = Parameter("weight", (out, x[0] // cast(int, self.groups), kh, kw))
        return (weight, Parameter("bias", (out,))) if self.bias else (weight,)

    def strides(self) -> Pair:
        return self.stride


@dataclass(frozen=True, slots=True)
class Linear(Op):
    """y = W x + b on a vector; weight is (out, in)."""

    word: ClassVar[str] = "linear"
    features: Dim
    bias: bool = True

    def output(self, x: Shape) -> Shape:
        if len(x) != 1:
            raise ShapeError(
                "linear needs a vector, but its input is a map",
                f"the input is {show_shape(x)}",
                "put `global_avg_pool: {}` or `flatten: {}` before it",
            )
        return (cast(int, self.features),)

    def channels(self, x: Dim) -> Dim:
        return self.features

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        out = cast(int, self.features)
        weight = Parameter("weight", (out, x[0]))
        return (weight, Parameter("bias", (out,))) if self.bias else (weight,)


def _affine(count: int) -> tuple[Parameter, ...]:
    return (Parameter("weight", (count,)), Parameter("bias", (count,)))


@dataclass(frozen=True, slots=True)
class BatchNorm(Op):
    """Batch normalisation with scale and shift; `momentum` is the weight of the new batch."""

    word: ClassVar[str] = "batch_norm"
    epsilon: float = 1e-5
    momentum: float = 0.1

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        running = (Parameter(f"running_{what}", (x[0],), False) for what in ("mean", "var"))
        return (*_affine(x[0]), *running)


@dataclass(frozen=True, slots=True)
class LayerNorm(Op):
    """Normalisation over the channels, at each position by itself, with scale and shift."""

    word: ClassVar[str] = "layer_norm"
    epsilon: float = 1e-5

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        return _affine(x[0])


@dataclass(frozen=True, slots=True)
class GroupNorm(Op):
    """Normalisation over groups of channels and all positions, with scale and shift."""

    word: ClassVar[str] = "group_norm"
    groups: Dim
    epsilon: float = 1e-5

    def output(self, x: Shape) -> Shape:
        if x[0] % cast(int, self.groups):
            raise ShapeError(
                f"{self.groups} groups do not divide {x[0]} channels",
                help="choose a number of groups that divides the channels",
            )
        return x

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        return _affine(x[0])


class Activation(Op):
    """Base of the elementwise functions."""

    __slots__ = ()


class Relu(Activation):
    """max(x, 0)."""

    __slots__ = ()
    word: ClassVar[str] = "relu"


class Relu6(Activation):
    """x within 0 and 6."""

    __slots__ = ()
    word: ClassVar[str] = "relu6"


@dataclass(frozen=True, slots=True)
class LeakyRelu(Activation):
    """x where positive, else slope * x."""

    word: ClassVar[str] = "leaky_relu"
    slope: float = 0.01


class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    __slots__ = ()
    word: ClassVar[str] = "sigmoid"


class HardSigmoid(Activation):
    """relu6(x + 3) / 6."""

    __slots__ = ()
    word: ClassVar[str] = "hard_sigmoid"


class Tanh(Activation):
    """Hyperbolic tangent."""

    __slots__ = ()
    word: ClassVar[str] = "tanh"


class Silu(Activation):
    """x * sigmoid(x), also called swish."""

    __slots__ = ()
    word: ClassVar[str] = "silu"


class HardSwish(Activation):
    """x * relu6(x + 3) / 6."""

    __slots__ = ()
    word: ClassVar[str] = "hard_swish"


class Gelu(Activation):
    """x * Phi(x), exact (by erf)."""

    __slots__ = ()
    word: ClassVar[str] = "gelu"


class Elu(Activation):
    """x where positive, else exp(x) - 1."""

    __slots__ = ()
    word: ClassVar[str] = "elu"


class Softmax(Activation):
    """exp(x) over its sum along the channels."""

    __slots__ = ()
    word: ClassVar[str] = "softmax"


@dataclass(frozen=True, slots=True)
class Pool(Op):
    """Base of the sliding-window pools."""

    kernel: Pair
    stride: Pair
    padding: Quad = (0, 0, 0, 0)
    ceil: bool = False

    def output(self, x: Shape) -> Shape:
        c, h, w = as_map(x, self.word)
        (kh, kw), (sh, sw) = _ints(self.kernel), _ints(self.stride)
        top, bottom, left, right = _ints(self.padding)
        for pad, k in ((max(top, bottom), kh), (max(left, right), kw)):
            if 2 * pad > k:
                raise ShapeError(
                    f"{self.word}: a padding of {pad} exceeds half of the kernel {k}",
                    help="a pool pads at most half of its kernel, or whole windows would be empty",
                )
        rows = extent(h, kh, sh, top + bottom, 1, self.ceil)
        columns = extent(w, kw, sw, left + right, 1, self.ceil)
        # In ceil mode the last window must still start inside the input or its leading padding.
        rows -= self.ceil and (rows - 1) * sh >= h + top
        columns -= self.ceil and (columns - 1) * sw >= w + left
        return (c, rows, columns)

    def strides(self) -> Pair:
        return self.stride


class MaxPool(Pool):
    """Maximum over a window; padding never wins."""

    __slots__ = ()
    word: ClassVar[str] = "max_pool"


@dataclass(frozen=True, slots=True)
class AvgPool(Pool):
    """Mean over a window; padded zeros count only where `count_include_pad` says so."""

    word: ClassVar[str] = "avg_pool"
    count_include_pad: bool = False


@dataclass(frozen=True, slots=True)
class GlobalAvgPool(Op):
    """Mean over all positions: a vector, or a 1 x 1 map with `keepdims`."""

    word: ClassVar[str] = "global_avg_pool"
    keepdims: bool = False

    def output(self, x: Shape) -> Shape:
        c, _, _ = as_map(x, "global_avg_pool")
        return (c, 1, 1) if self.keepdims else (c,)


class Flatten(Op):
    """A map as a vector, in the order channels, rows, columns."""

    __slots__ = ()
    word: ClassVar[str] = "flatten"

    def output(self, x: Shape) -> Shape:
        return (prod(x),)


@dataclass(frozen=True, slots=True)
class Dropout(Op):
    """Zeroes each value with probability `rate` in training, scaling the rest by 1 / (1 - rate)."""

    word: ClassVar[str] = "dropout"
    rate: Dim

    def check(self) -> None:
        _check_rate(self.word, self.rate)


@dataclass(frozen=True, slots=True)
class StochasticDepth(Op):
    """Zeroes a whole sample with probability `rate` in training, scaling the rest."""

    word: ClassVar[str] = "stochastic_depth"
    rate: Dim

    def output(self, x: Shape) -> Shape:
        as_map(x, "stochastic_depth")
        return x

    def check(self) -> None:
        _check_rate(self.word, self.rate)


def _check_rate(word: str, rate: Dim) -> None:
    if not 0 <= cast(float, rate) < 1:
        raise ShapeError(f"{word}: rate is {rate}; it must be at least 0 and less than 1")


@dataclass(frozen=True, slots=True)
class LayerScale(Op):
    """A learned factor for each channel, `init` at first (Touvron et al. 2021)."""

    word: ClassVar[str] = "layer_scale"
    init: float = 1e-6

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        return (Parameter("", (x[0], *(1 for _ in x[1:]))),)


@dataclass(frozen=True, slots=True)
class PadChannels(Op):
    """Channels of zeros before and after the input's own."""

    word: ClassVar[str] = "pad_channels"
    before: Dim
    after: Dim

    def output(self, x: Shape) -> Shape:
        c, h, w = as_map(x, "pad_channels")
        return (c + cast(int, self.before) + cast(int, self.after), h, w)

    def channels(self, x: Dim) -> Dim:
        return total((x, self.before, self.after))


@dataclass(frozen=True, slots=True)
class SliceChannels(Op):
    """The channels from `start` up to, not including, `stop`."""

    word: ClassVar[str] = "slice_channels"
    start: Dim
    stop: Dim

    def output(self, x: Shape) -> Shape:
        start, stop = cast(int, self.start), cast(int, self.stop)
        if not 0 <= start < stop <= x[0]:
            raise ShapeError(
                f"slice_channels: {start} to {stop} is no range within {x[0]} channels",
                help=f"`start` is less than `stop`, and `stop` at most {x[0]}",
            )
        return (stop - start, *x[1:])

    def channels(self, x: Dim) -> Dim:
        start = self.start
        if isinstance(start, Expr) or start != 0:
            return binary("-", self.stop, start)
        return self.stop


@dataclass(frozen=True, slots=True)
class ChannelShuffle(Op):
    """Interleaves `groups` groups of channels (Zhang et al. 2017, ShuffleNet)."""

    word: ClassVar[str] = "channel_shuffle"
    groups: Dim

    def output(self, x: Shape) -> Shape:
        as_map(x, "channel_shuffle")
        if x[0] % cast(int, self.groups):
            raise ShapeError(
                f"{self.groups} groups do not divide {x[0]} channels",
                help="choose a number of groups that divides the channels",
            )
        return x


class Resampling(Enum):
    NEAREST = "nearest"
    BILINEAR = "bilinear"


@dataclass(frozen=True, slots=True)
class Upsample(Op):
    """Height and width times `scale`; bilinear is with half-pixel centres."""

    word: ClassVar[str] = "upsample"
    scale: Dim
    mode: Resampling = Resampling.NEAREST

    def output(self, x: Shape) -> Shape:
        c, h, w = as_map(x, "upsample")
        scale = cast(int, self.scale)
        return (c, h * scale, w * scale)


OPS: tuple[type[Op], ...] = (
    Conv,
    Linear,
    BatchNorm,
    LayerNorm,
    GroupNorm,
    Relu,
    Relu6,
    LeakyRelu,
    Sigmoid,
    HardSigmoid,
    Tanh,
    Silu,
    HardSwish,
    Gelu,
    Elu,
    Softmax,
    MaxPool,
    AvgPool,
    GlobalAvgPool,
    Flatten,
    Dropout,
    StochasticDepth,
    LayerScale,
    PadChannels,
    SliceChannels,
    ChannelShuffle,
    Upsample,
)
ACTIVATIONS: dict[str, type[Activation]] = {op.word: op for op in OPS if issubclass(op, Activation)}
