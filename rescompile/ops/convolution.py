"""Convolutions, and the transposed ones that undo their strides."""

from __future__ import annotations

from math import prod
from typing import cast

from ..expr.dims import Dim
from ..expr.polynomial import total
from .attribute import Kind, attribute, operation
from .axis import Axis, spread, window
from .base import (
    Pair,
    Parameter,
    Quad,
    Role,
    Same,
    Shape,
    ShapeError,
    Weighted,
    as_map,
    check_groups,
)
from .resize import Resize, Resizes
from .window import extent, ints, same_padding, slides

CHANNELS = "Output channels."
BIAS = "Whether a number is added to each output channel; the default is `defaults.bias`."
GROUPS = "Groups of channels that do not see each other"


class Convolution(Weighted):
    """Base of the convolutions."""

    __slots__ = ()
    role = Role.CONV
    channels: Dim

    def leaving(self, x: Dim) -> Dim:
        return self.channels


@operation
class Conv(Convolution):
    """2-D convolution (cross-correlation), from any number of channels to `channels`.

    n rows become (n + padding above and below - dilation * (kernel - 1) - 1) // stride + 1. Padding
    defaults to (kernel - 1) // 2 * dilation on every side: an odd kernel at stride 1 keeps n.
    """

    word = "conv"
    channels: Dim = attribute(Kind.POSITIVE, CHANNELS)
    kernel: Pair = attribute(Kind.PAIR, "Height and width of the window.")
    stride: Pair = attribute(Kind.PAIR, "Steps of the window.", default=(1, 1))
    padding: Quad | Same = attribute(
        Kind.PADDING,
        "Zeros around the map. The default is that of the spec, `defaults.padding`.",
        default=(0, 0, 0, 0),
        absent=None,
    )
    dilation: Pair = attribute(
        Kind.PAIR, "Distance between the taps of the window.", default=(1, 1)
    )
    groups: Dim = attribute(
        Kind.POSITIVE, f"{GROUPS}; it divides input and output channels.", default=1
    )
    bias: Dim = attribute(Kind.FLAG, BIAS, default=False, absent=None)

    def pads(self, x: Shape) -> tuple[int, int, int, int]:
        """The padding in pixels on input shape `x`."""
        if not isinstance(self.padding, Same):
            return cast(tuple[int, int, int, int], self.padding)
        (kh, kw), (sh, sw), (dh, dw) = ints(self.kernel), ints(self.stride), ints(self.dilation)
        return (*same_padding(x[1], kh, sh, dh), *same_padding(x[2], kw, sw, dw))

    def output(self, x: Shape) -> Shape:
        c, h, w = as_map(x, self.word)
        out = cast(int, self.channels)
        check_groups(self.groups, c, out)
        top, bottom, left, right = self.pads(x)
        (kh, kw), (sh, sw), (dh, dw) = ints(self.kernel), ints(self.stride), ints(self.dilation)
        return (out, extent(h, kh, sh, top + bottom, dh), extent(w, kw, sw, left + right, dw))

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        out = cast(int, self.channels)
        return self.weights((out, x[0] // cast(int, self.groups), *ints(self.kernel)), out)

    def macs(self, x: Shape, y: Shape) -> int:
        kh, kw = cast(tuple[int, int], self.kernel)
        return prod(y) * (x[0] // cast(int, self.groups)) * kh * kw

    def resizes(self) -> Resizes:
        rows, columns = zip(self.kernel, self.stride, self.dilation, strict=True)
        if isinstance(self.padding, Same):
            return Resize(down=self.stride[0]), Resize(down=self.stride[1])
        top, bottom, left, right = self.padding
        return slides((top, bottom), *rows), slides((left, right), *columns)

    def sees(self, x: Shape) -> tuple[Axis, Axis] | None:
        (kh, kw), (sh, sw), (dh, dw) = ints(self.kernel), ints(self.stride), ints(self.dilation)
        top, _, left, _ = self.pads(x)
        return window(kh, sh, top, dh), window(kw, sw, left, dw)


@operation
class StdConv(Conv):
    """Convolution by weights of mean 0 and variance 1 for each output channel.

    So they are standardised before every use (Qiao et al. 2019, weight standardisation). With
    `gain` they are then divided by the root of how many there are for an output channel, and
    multiplied by `gamma` and by a learned factor of each (Brock et al. 2021). Shapes are those of
    `conv`.
    """

    word = "std_conv"
    epsilon: float = attribute(Kind.EPSILON, "Added to the variance of the weights.", default=1e-6)
    gain: bool = attribute(
        Kind.BOOL, "Whether each output channel has a learned factor, one at first.", default=False
    )
    gamma: float = attribute(
        Kind.ALPHA, "With `gain`: what an activation before takes from the variance.", default=1.0
    )

    def output(self, x: Shape) -> Shape:
        if self.gamma != 1.0 and not self.gain:
            message = "std_conv: `gamma` is a factor of weights that have a `gain`"
            raise ShapeError(message, help="write `gain: true`, or remove `gamma`", key="gamma")
        return Conv.output(self, x)

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        factor = Parameter("gain", (cast(int, self.channels), 1, 1, 1), start=1.0)
        made = Conv.parameters(self, x)
        return (*made, factor) if self.gain else made

    def factor(self, x: Shape) -> float:
        """What standardised weights are multiplied by on input shape `x`, the gain apart."""
        fan_in = x[0] // cast(int, self.groups) * prod(ints(self.kernel))
        return self.gamma / fan_in**0.5 if self.gain else 1.0


@operation
class ConvTranspose(Convolution):
    """Transposed convolution, which enlarges a map by its stride.

    n rows become (n - 1) stride + kernel - 2 padding + output_padding. `padding` cuts off, on both
    sides, what the kernels spread beyond; the default, 0, cuts nothing. `output_padding` adds rows
    and columns after, fewer than the stride.
    """

    word = "conv_transpose"
    channels: Dim = attribute(Kind.POSITIVE, CHANNELS)
    kernel: Pair = attribute(Kind.PAIR, "Height and width of what each pixel spreads.")
    stride: Pair = attribute(Kind.PAIR, "By how much the map grows.", default=(1, 1))
    padding: Pair = attribute(Kind.CUT, "Rows and columns cut off on both sides.", default=(0, 0))
    output_padding: Pair = attribute(
        Kind.PAIR_FROM_ZERO,
        "Rows and columns added after, fewer than the stride.",
        default=(0, 0),
    )
    groups: Dim = attribute(Kind.POSITIVE, f"{GROUPS}.", default=1)
    bias: Dim = attribute(Kind.FLAG, BIAS, default=False, absent=None)

    def output(self, x: Shape) -> Shape:
        c, h, w = as_map(x, self.word)
        check_groups(self.groups, c, cast(int, self.channels))
        kernel, stride, pad, more = map(
            ints, (self.kernel, self.stride, self.padding, self.output_padding)
        )
        rows, columns = map(_spread, (h, w), kernel, stride, pad, more)
        return (cast(int, self.channels), rows, columns)

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        out = cast(int, self.channels)
        return self.weights((x[0], out // cast(int, self.groups), *ints(self.kernel)), out)

    def macs(self, x: Shape, y: Shape) -> int:
        kh, kw = cast(tuple[int, int], self.kernel)
        return prod(x) * (y[0] // cast(int, self.groups)) * kh * kw

    def resizes(self) -> Resizes:
        axes = zip(self.kernel, self.stride, self.padding, self.output_padding, strict=True)
        rows, columns = (
            Resize(up=s, more=total((k, more), total((s, pad, pad)))) for k, s, pad, more in axes
        )
        return rows, columns

    def sees(self, x: Shape) -> tuple[Axis, Axis] | None:
        rows, columns = map(spread, ints(self.kernel), ints(self.stride), ints(self.padding))
        return rows, columns


def _spread(n: int, kernel: int, stride: int, pad: int, more: int) -> int:
    """Output extent of a transposed convolution along one axis."""
    if more >= stride:
        raise ShapeError(
            f"conv_transpose: an output_padding of {more} is not less than the stride {stride}",
            help=f"write 0 to {stride - 1}: which of the sizes that lead to this map is meant",
            key="output_padding",
        )
    made = (n - 1) * stride + kernel - 2 * pad + more
    if made < 1:
        message = f"conv_transpose: a padding of {pad} cuts off everything"
        raise ShapeError(message, help="use less padding, or a larger kernel", key="padding")
    return made
