"""The operations of the language, and what each of them takes."""

from typing import Annotated, Literal

from ..values import (
    Bool,
    Cut,
    Epsilon,
    Int,
    Momentum,
    Padding,
    Pair,
    PairFromZero,
    PlainFloat,
    PoolPadding,
    Positive,
    Rate,
    Slope,
    choice,
)
from .base import Model

ACTIVATIONS = (
    "none",
    "relu",
    "relu6",
    "leaky_relu",
    "sigmoid",
    "hard_sigmoid",
    "tanh",
    "silu",
    "hard_swish",
    "gelu",
    "elu",
    "softmax",
)
NORMS = ("none", "batch", "layer", "group")
SHORTCUTS = (
    "none",
    "identity",
    "pad",
    "projection",
    "projection_always",
    "avg_projection",
)
ActivationKind = Annotated[str, choice(ACTIVATIONS, "activation")]
NormKind = Annotated[str, choice(NORMS, "norm")]
ShortcutKind = Annotated[str, choice(SHORTCUTS, "shortcut")]


class Conv(Model):
    """2-D convolution. Padding defaults to (kernel - 1) // 2 * dilation on every side."""

    channels: Positive
    kernel: Pair
    stride: Pair = 1
    padding: Padding | None = None
    dilation: Pair = 1
    groups: Positive = 1
    bias: Bool | None = None


class DepthwiseConv(Model):
    """Convolution of each channel by itself; `multiplier` outputs for each input channel."""

    kernel: Pair
    stride: Pair = 1
    padding: Padding | None = None
    dilation: Pair = 1
    multiplier: Positive = 1
    bias: Bool | None = None


class ConvTranspose(Model):
    """Transposed convolution, which enlarges a map by its stride.

    n rows become (n - 1) stride + kernel - 2 padding + output_padding. `padding` cuts off, on both
    sides, what the kernels spread beyond; the default, 0, cuts nothing. `output_padding` adds rows
    and columns after, fewer than the stride.
    """

    channels: Positive
    kernel: Pair
    stride: Pair = 1
    padding: Cut = 0
    output_padding: PairFromZero = 0
    groups: Positive = 1
    bias: Bool | None = None


class Linear(Model):
    """Fully connected layer on a vector."""

    features: Positive
    bias: Bool = True


class Norm(Model):
    """Normalisation: of the defaults' kind unless said. Momentum is the weight of the new batch."""

    kind: NormKind | None = None
    epsilon: Epsilon | None = None
    momentum: Momentum | None = None
    groups: Positive | None = None


class Activation(Model):
    """Elementwise function: of the defaults' kind unless said."""

    kind: ActivationKind | None = None
    slope: Slope | None = None


class MaxPool(Model):
    """Maximum over a window; the stride defaults to the kernel, the padding to none."""

    kernel: Pair
    stride: Pair | None = None
    padding: PoolPadding = 0
    ceil_mode: Bool = False


class AvgPool(MaxPool):
    """Mean over a window; padded zeros count only with count_include_pad."""

    count_include_pad: Bool = False


class GlobalAvgPool(Model):
    """Mean over all positions, as a vector; with keepdims as a 1 x 1 map."""

    keepdims: Bool = False


class Flatten(Model):
    """A map as a vector, in the order channels, rows, columns."""


class Dropout(Model):
    """Zeroes values with probability `rate` in training."""

    rate: Rate


class StochasticDepth(Model):
    """Zeroes whole samples with probability `rate` in training."""

    rate: Rate


class LayerScale(Model):
    """A learned factor for each channel."""

    init: PlainFloat = 1e-6


class PadChannels(Model):
    """Channels of zeros before and after."""

    before: Int = 0
    after: Int = 0


class SliceChannels(Model):
    """The channels from `start` up to, not including, `stop`."""

    start: Int = 0
    stop: Positive


class ChannelShuffle(Model):
    """Interleaves groups of channels."""

    groups: Positive


class Upsample(Model):
    """Height and width times `scale`."""

    scale: Positive
    mode: Literal["nearest", "bilinear"] = "nearest"
