"""The operations of the language, and what each of them takes."""

from typing import Annotated, Literal

from pydantic import Field

from ..types import (
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
NORMS = {
    "none": "no normalisation: the step is left out",
    "batch": "for each channel over batch and positions; in evaluation by running statistics",
    "layer": "over the channels, at each position by itself",
    "group": "over groups of channels and all positions",
}
# What a kind takes beside itself; an option that it does not take would change nothing.
NORM_OPTIONS: dict[str, tuple[str, ...]] = {
    "none": (),
    "batch": ("epsilon", "momentum", "unbiased"),
    "layer": ("epsilon",),
    "group": ("epsilon", "groups"),
}
ACTIVATION_OPTIONS: dict[str, tuple[str, ...]] = {
    kind: ("slope",) if kind == "leaky_relu" else () for kind in ACTIVATIONS
}
SHORTCUTS = {
    "none": "nothing is added: the plain networks of He et al. 2015",
    "identity": "the input itself; the branch must keep the shape",
    "pad": "where the shape changes, every stride-th pixel and zeros for the channels that are "
    "missing (option A)",
    "projection": "where the shape changes, a 1x1 convolution with the branch's stride, and its "
    "normalisation (option B)",
    "projection_always": "that projection in every block (option C)",
    "avg_projection": "where the shape changes, an average pool with the branch's stride, then a "
    "1x1 convolution and its normalisation (ResNet-D)",
}
ActivationKind = Annotated[str, choice(ACTIVATIONS, "activation")]
NormKind = Annotated[str, choice(NORMS, "norm")]
ShortcutKind = Annotated[str, choice(SHORTCUTS, "shortcut")]


class Conv(Model):
    """2-D convolution (cross-correlation), from any number of channels to `channels`.

    n rows become (n + padding above and below - dilation * (kernel - 1) - 1) // stride + 1. Padding
    defaults to (kernel - 1) // 2 * dilation on every side: an odd kernel at stride 1 keeps n.
    """

    channels: Positive = Field(description="Output channels.")
    kernel: Pair = Field(description="Height and width of the window.")
    stride: Pair = Field(1, description="Steps of the window.")
    padding: Padding | None = Field(
        None,
        description="Zeros around the map. The default is that of the spec, `defaults.padding`.",
    )
    dilation: Pair = Field(1, description="Distance between the taps of the window.")
    groups: Positive = Field(
        1,
        description="Groups of channels that do not see each other; it divides input and output "
        "channels.",
    )
    bias: Bool | None = Field(
        None,
        description="Whether a number is added to each output channel; the default is "
        "`defaults.bias`.",
    )


class DepthwiseConv(Model):
    """Convolution of each channel by itself; `multiplier` outputs for each input channel.

    C channels become C * multiplier; rows and columns as with `conv`.
    """

    kernel: Pair = Field(description="Height and width of the window.")
    stride: Pair = Field(1, description="Steps of the window.")
    padding: Padding | None = Field(None, description="Zeros around the map, as for `conv`.")
    dilation: Pair = Field(1, description="Distance between the taps of the window.")
    multiplier: Positive = Field(1, description="Outputs for each input channel.")
    bias: Bool | None = Field(
        None,
        description="Whether a number is added to each output channel; the default is "
        "`defaults.bias`.",
    )


class ConvTranspose(Model):
    """Transposed convolution, which enlarges a map by its stride.

    n rows become (n - 1) stride + kernel - 2 padding + output_padding. `padding` cuts off, on both
    sides, what the kernels spread beyond; the default, 0, cuts nothing. `output_padding` adds rows
    and columns after, fewer than the stride.
    """

    channels: Positive = Field(description="Output channels.")
    kernel: Pair = Field(description="Height and width of what each pixel spreads.")
    stride: Pair = Field(1, description="By how much the map grows.")
    padding: Cut = Field(0, description="Rows and columns cut off on both sides.")
    output_padding: PairFromZero = Field(
        0, description="Rows and columns added after, fewer than the stride."
    )
    groups: Positive = Field(1, description="Groups of channels that do not see each other.")
    bias: Bool | None = Field(
        None,
        description="Whether a number is added to each output channel; the default is "
        "`defaults.bias`.",
    )


class Linear(Model):
    """Fully connected layer, from a vector to one of `features`."""

    features: Positive = Field(description="Length of the output vector.")
    bias: Bool = Field(True, description="Whether a number is added to each output.")


class Norm(Model):
    """Normalisation with a scale and a shift for each channel; the shape stays.

    It is of the defaults' kind unless it says otherwise.
    """

    kind: NormKind | None = Field(
        None, description="Which normalisation; `none` leaves the step out."
    )
    epsilon: Epsilon | None = Field(None, description="Added to the variance.")
    momentum: Momentum | None = Field(
        None,
        description="The weight of the new batch in the running statistics, as in PyTorch; Keras'"
        " 0.99 is 0.01 here.",
    )
    unbiased: Bool | None = Field(
        None,
        description="Whether every backend tracks the unbiased variance, as PyTorch does anyway.",
    )
    groups: Positive | None = Field(
        None, description="Of group normalisation: how many; it divides the channels."
    )


class Activation(Model):
    """Elementwise function, of the defaults' kind unless it says otherwise; the shape stays."""

    kind: ActivationKind | None = Field(
        None, description="Which function; `none` leaves the step out."
    )
    slope: Slope | None = Field(None, description="Of `leaky_relu`: the factor of negative values.")


class MaxPool(Model):
    """Maximum over a window; padding never wins.

    n rows become (n + padding above and below - kernel) // stride + 1. In ceil mode the division
    rounds up, if the last window starts inside the map or the padding above.
    """

    kernel: Pair = Field(description="Height and width of the window.")
    stride: Pair | None = Field(None, description="Steps of the window; the default is the kernel.")
    padding: PoolPadding = Field(
        0, description="Pixels around the map, at most half of the kernel."
    )
    ceil_mode: Bool = Field(False, description="Whether a last, incomplete window counts as well.")


class AvgPool(MaxPool):
    """Mean over a window, of the shape that `max_pool` gives."""

    count_include_pad: Bool = Field(
        False, description="Whether the zeros of the padding count in the mean."
    )


class GlobalAvgPool(Model):
    """Mean over all positions: C x H x W becomes a vector of C, or C x 1 x 1."""

    keepdims: Bool = Field(
        False, description="Whether the result is a map of 1 x 1 instead of a vector."
    )


class Flatten(Model):
    """A map as a vector of C * H * W, in the order channels, rows, columns."""


class Dropout(Model):
    """Zeroes values with probability `rate` in training, scaling the rest; the shape stays."""

    rate: Rate = Field(description="The probability.")


class StochasticDepth(Model):
    """Zeroes whole samples with probability `rate` in training, scaling the rest."""

    rate: Rate = Field(description="The probability.")


class LayerScale(Model):
    """A learned factor for each channel; it stands in a block's `body`. The shape stays."""

    init: PlainFloat = Field(1e-6, description="The factors at first.")


class PadChannels(Model):
    """Channels of zeros: C become before + C + after."""

    before: Int = Field(0, description="Channels of zeros before the input's.")
    after: Int = Field(0, description="Channels of zeros after the input's.")


class SliceChannels(Model):
    """The channels from `start` up to, not including, `stop`: stop - start of them."""

    start: Int = Field(0, description="The first channel.")
    stop: Positive = Field(description="The channel after the last.")


class ChannelShuffle(Model):
    """Interleaves groups of channels (ShuffleNet): channel i of group g becomes g of group i."""

    groups: Positive = Field(description="How many groups; it divides the channels.")


class Upsample(Model):
    """Height and width times `scale`."""

    scale: Positive = Field(description="The factor.")
    mode: Literal["nearest", "bilinear"] = Field(
        "nearest", description="Pixels repeated, or interpolated between half-pixel centres."
    )
