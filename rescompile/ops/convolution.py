"""Convolutions, and the transposed ones that undo their strides."""

from __future__ import annotations

from math import prod
from typing import Any, cast

from ..expr.dims import Dim
from ..expr.polynomial import total
from .attribute import Kind, attribute, operation
from .axis import Axis, spread, window
from .base import (
    Extents,
    Parameter,
    Role,
    Same,
    Shape,
    ShapeError,
    Sides,
    Weighted,
    Windowed,
    as_map,
    check_groups,
)
from .resize import Resize, Resizes
from .window import ends, extent, ints, same_padding, slides

CHANNELS = "Output channels."
BIAS = "Whether a number is added to each output channel; the default is `defaults.bias`."
GROUPS = "Groups of channels that do not see each other"


class Convolution(Weighted, Windowed):
    """Base of the convolutions."""

    __slots__ = ()
    role = Role.CONV
    channels: Dim

    def leaving(self, x: Dim) -> Dim:
        return self.channels


@operation
class Conv(Convolution):
    """Convolution (cross-correlation), from any number of channels to `channels`.

    n pixels along an axis become (n + padding on both sides - dilation * (kernel - 1) - 1) //
    stride + 1. Padding defaults to (kernel - 1) // 2 * dilation on every side: an odd kernel at
    stride 1 keeps n.
    """

    word = "conv"
    channels: Dim = attribute(Kind.POSITIVE, CHANNELS)
    kernel: Extents = attribute(Kind.EXTENTS, "Extent of the window.")
    stride: Extents = attribute(Kind.EXTENTS, "Steps of the window.", default=1)
    padding: Sides | Same = attribute(
        Kind.PADDING,
        "Zeros around the map. The default is that of the spec, `defaults.padding`.",
        default=0,
        absent=None,
    )
    dilation: Extents = attribute(
        Kind.EXTENTS, "Distance between the taps of the window.", default=1
    )
    groups: Dim = attribute(
        Kind.POSITIVE, f"{GROUPS}; it divides input and output channels.", default=1
    )
    bias: Dim = attribute(Kind.FLAG, BIAS, default=False, absent=None)

    @property
    def slides(self) -> list[Any]:
        """Kernel, stride and dilation along each axis."""
        return list(zip(self.kernel, self.stride, self.dilation, strict=True))

    def pads(self, x: Shape) -> tuple[int, ...]:
        """The padding in pixels on input shape `x`, before and after along each axis."""
        if not isinstance(self.padding, Same):
            return cast("tuple[int, ...]", self.padding)
        axes = zip(x[1:], self.slides, strict=True)
        return tuple(side for n, how in axes for side in same_padding(n, *how))

    def output(self, x: Shape) -> Shape:
        c, *extents = as_map(x, self.word)
        out = cast(int, self.channels)
        check_groups(self.groups, c, out)
        axes = zip(extents, self.slides, ends(self.pads(x)), strict=True)
        return (out, *(extent(n, k, s, sum(pads), d) for n, (k, s, d), pads in axes))

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        out = cast(int, self.channels)
        return self.weights((out, x[0] // cast(int, self.groups), *ints(self.kernel)), out)

    def macs(self, x: Shape, y: Shape) -> int:
        return prod(y) * (x[0] // cast(int, self.groups)) * _pixels(self.kernel)

    def resizes(self) -> Resizes:
        if isinstance(self.padding, Same):
            return tuple(Resize(down=stride) for stride in self.stride)
        axes = zip(ends(self.padding), self.slides, strict=True)
        return tuple(slides(pads, *how) for pads, how in axes)

    def sees(self, x: Shape) -> tuple[Axis, ...] | None:
        axes = zip(self.slides, ends(self.pads(x)), strict=True)
        return tuple(window(k, s, before, d) for (k, s, d), (before, _) in axes)


@operation
class StdConv(Conv):
    """Convolution by weights of mean 0 and variance 1 for each output channel.

    So they are standardised before every use (Qiao et al. 2019, weight standardisation). With
    `gain` they are then divided by the root of how many there are for an output channel, and
    multiplied by `gamma` and by a learned factor of each (Brock et al. 2021). Shapes are those of
    `conv`.
    """

    word = "std_conv"
    axes = (2,)
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
        ones = (1,) * (len(self.kernel) + 1)
        factor = Parameter("gain", (cast(int, self.channels), *ones), start=1.0)
        made = Conv.parameters(self, x)
        return (*made, factor) if self.gain else made

    def factor(self, x: Shape) -> float:
        """What standardised weights are multiplied by on input shape `x`, the gain apart."""
        fan_in = x[0] // cast(int, self.groups) * prod(ints(self.kernel))
        return self.gamma / fan_in**0.5 if self.gain else 1.0


@operation
class ConvTranspose(Convolution):
    """Transposed convolution, which enlarges a map by its stride.

    n pixels along an axis become (n - 1) stride + kernel - 2 padding + output_padding. `padding`
    cuts off, on both sides, what the kernels spread beyond; the default, 0, cuts nothing.
    `output_padding` adds pixels after, fewer than the stride.
    """

    word = "conv_transpose"
    channels: Dim = attribute(Kind.POSITIVE, CHANNELS)
    kernel: Extents = attribute(Kind.EXTENTS, "Extent of what each pixel spreads.")
    stride: Extents = attribute(Kind.EXTENTS, "By how much the map grows.", default=1)
    padding: Extents = attribute(Kind.CUT, "Pixels cut off on both sides.", default=0)
    output_padding: Extents = attribute(
        Kind.EXTENTS_FROM_ZERO, "Pixels added after, fewer than the stride.", default=0
    )
    groups: Dim = attribute(Kind.POSITIVE, f"{GROUPS}.", default=1)
    bias: Dim = attribute(Kind.FLAG, BIAS, default=False, absent=None)

    @property
    def spreads(self) -> list[Any]:
        """Kernel, stride, padding and output padding along each axis."""
        axes = zip(self.kernel, self.stride, self.padding, self.output_padding, strict=True)
        return list(axes)

    def output(self, x: Shape) -> Shape:
        c, *extents = as_map(x, self.word)
        check_groups(self.groups, c, cast(int, self.channels))
        axes = zip(extents, self.spreads, strict=True)
        return (cast(int, self.channels), *(_spread(n, *how) for n, how in axes))

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        out = cast(int, self.channels)
        return self.weights((x[0], out // cast(int, self.groups), *ints(self.kernel)), out)

    def macs(self, x: Shape, y: Shape) -> int:
        return prod(x) * (y[0] // cast(int, self.groups)) * _pixels(self.kernel)

    def resizes(self) -> Resizes:
        return tuple(
            Resize(up=s, more=total((k, more), total((s, pad, pad))))
            for k, s, pad, more in self.spreads
        )

    def sees(self, x: Shape) -> tuple[Axis, ...] | None:
        return tuple(spread(k, s, pad) for k, s, pad, _ in self.spreads)


def _pixels(kernel: Extents) -> int:
    return prod(cast("tuple[int, ...]", kernel))


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
