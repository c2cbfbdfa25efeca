"""Pools: the greatest or the mean of what a window sees, of a cell, or of all positions."""

from __future__ import annotations

from math import prod
from typing import Any, cast

from ..expr.dims import Dim
from ..expr.polynomial import total
from .attribute import Kind, attribute, operation
from .axis import Axis, cells, window
from .base import Extents, Op, Same, Shape, ShapeError, Sides, Windowed, as_map
from .resize import FIXED, Resize, Resizes
from .window import ends, extent, ints, same_padding, slides


@operation
class Pool(Windowed):
    """Base of the sliding-window pools."""

    keeps_sign = stateless = True
    kernel: Extents = attribute(Kind.EXTENTS, "Extent of the window.")
    stride: Extents = attribute(
        Kind.EXTENTS, "Steps of the window; the default is the kernel.", absent=None
    )
    padding: Sides | Same = attribute(
        Kind.POOL_PADDING,
        "Pixels around the map, at most half of the kernel, or `same`.",
        default=0,
    )
    ceil_mode: bool = attribute(
        Kind.BOOL, "Whether a last, incomplete window counts as well.", default=False
    )

    @property
    def is_padded(self) -> bool:
        """Whether there may be anything around the map."""
        return isinstance(self.padding, Same) or any(side != 0 for side in self.padding)

    def pads(self, x: Shape) -> tuple[int, ...]:
        """The padding in pixels on input shape `x`, before and after along each axis."""
        if not isinstance(self.padding, Same):
            return cast("tuple[int, ...]", self.padding)
        axes = zip(x[1:], ints(self.kernel), ints(self.stride), strict=True)
        return tuple(side for axis in axes for side in same_padding(*axis))

    def slides(self, x: Shape) -> list[Any]:
        """Kernel, stride, and padding before and after along each axis of input shape `x`."""
        return list(zip(self.kernel, self.stride, ends(self.pads(x)), strict=True))

    def output(self, x: Shape) -> Shape:
        c, *extents = as_map(x, self.word)
        if self.ceil_mode and isinstance(self.padding, Same):
            message = f"{self.word}: `same` padding leaves no incomplete window to count"
            raise ShapeError(message, help="remove `ceil_mode`", key="ceil_mode")
        for k, _, pads in self.slides(x):
            if 2 * max(pads) > k:
                raise ShapeError(
                    f"{self.word}: a padding of {max(pads)} exceeds half of the kernel {k}",
                    help="a pool pads at most half of its kernel, or whole windows would be empty",
                    key="padding",
                )
        axes = zip(extents, self.slides(x), strict=True)
        return (c, *(self.windows(n, k, s, pads) for n, (k, s, pads) in axes))

    def windows(self, n: int, kernel: int, stride: int, pads: tuple[int, int]) -> int:
        """How many there are along an axis of `n` pixels."""
        made = extent(n, kernel, stride, sum(pads), 1, self.ceil_mode)
        # In ceil mode the last window must still start inside the input or its leading padding.
        return made - (self.ceil_mode and (made - 1) * stride >= n + pads[0])

    def resizes(self) -> Resizes:
        if isinstance(self.padding, Same):
            return tuple(Resize(down=stride) for stride in self.stride)
        axes = zip(self.kernel, self.stride, ends(self.padding), strict=True)
        return tuple(slides(pads, k, s, ceil=self.ceil_mode) for k, s, pads in axes)

    def sees(self, x: Shape) -> tuple[Axis, ...] | None:
        return tuple(window(k, s, before) for k, s, (before, _) in self.slides(x))


class MaxPool(Pool):
    """Maximum over a window; padding never wins.

    n pixels along an axis become (n + padding on both sides - kernel) // stride + 1. In ceil mode
    the division rounds up, if the last window starts inside the map or the padding before it.
    `same` is TensorFlow's padding, by which they become n / stride, rounded up.
    """

    __slots__ = ()
    word, called = "max_pool", "maxpool"


@operation
class AvgPool(Pool):
    """Mean over a window, of the shape that `max_pool` gives."""

    word, called = "avg_pool", "avgpool"
    fresh = True
    count_include_pad: bool = attribute(
        Kind.BOOL, "Whether the zeros of the padding count in the mean.", default=False
    )


@operation
class AdaptivePool(Op):
    """Base of the pools over each cell of a grid."""

    keeps_sign = stateless = True
    size: Extents = attribute(Kind.EXTENTS, "Extents of the result.")

    def output(self, x: Shape) -> Shape:
        return (as_map(x, self.word)[0], *ints(self.size))

    def resizes(self) -> Resizes:
        return (FIXED,)

    def sees(self, x: Shape) -> tuple[Axis, ...] | None:
        size = ints(self.size)
        return None if max(size) == 1 else tuple(map(cells, x[1:], size))


class AdaptiveAvgPool(AdaptivePool):
    """Mean over each cell of a grid of `size`, which covers the map whatever its size is.

    Of n pixels along an axis, cell i of m sees those from i * n // m up to the one before
    (i + 1) * n / m, rounded up: cells overlap where m does not divide n, and where the map is
    smaller than the grid.
    """

    __slots__ = ()
    word, called = "adaptive_avg_pool", "avgpool"


class AdaptiveMaxPool(AdaptivePool):
    """Maximum over each cell of the grid that `adaptive_avg_pool` has.

    Where several positions hold it, frameworks differ in which of them the gradient goes to.
    """

    __slots__ = ()
    word, called = "adaptive_max_pool", "maxpool"


@operation
class GlobalPool(Op):
    """Base of the pools over all positions."""

    keeps_sign = stateless = True
    keepdims: bool = attribute(
        Kind.BOOL, "Whether the result is a map of one pixel instead of a vector.", default=False
    )

    def output(self, x: Shape) -> Shape:
        c, *extents = as_map(x, self.word)
        return (c, *(1 for _ in extents)) if self.keepdims else (c,)

    def resizes(self) -> Resizes:
        return (FIXED,)

    def sees(self, x: Shape) -> tuple[Axis, ...] | None:
        return None


class GlobalAvgPool(GlobalPool):
    """Mean over all positions: a map becomes a vector of its channels, or a map of one pixel."""

    __slots__ = ()
    word, called = "global_avg_pool", "avgpool"


class GlobalMaxPool(GlobalPool):
    """Maximum over all positions, of the shape that `global_avg_pool` gives.

    Where several positions hold it, frameworks differ in which of them the gradient goes to.
    """

    __slots__ = ()
    word, called = "global_max_pool", "maxpool"


class GlobalAttentionPool(GlobalPool):
    """Weighted mean over all positions of all channels but the last, which tells the weights.

    They are the softmax of the last channel over the positions, so that C + 1 channels become C, of
    the shape that `global_avg_pool` gives (Cao et al. 2019, GCNet). What makes the last channel is
    concatenated to what is pooled: a 1x1 convolution, say.
    """

    __slots__ = ()
    word, called = "global_attention_pool", "attnpool"

    def output(self, x: Shape) -> Shape:
        if as_map(x, self.word)[0] == 1:
            raise ShapeError(
                "global_attention_pool needs two channels or more, but its input has one",
                "this is taken for the weights, and nothing is left to pool",
                "put `concat: [[], [conv: {channels: 1, kernel: 1}]]` before it, say",
            )
        return super().output((x[0] - 1, *x[1:]))

    def leaving(self, x: Dim) -> Dim:
        return total((x,), 1)

    def macs(self, x: Shape, y: Shape) -> int:
        return y[0] * prod(x[1:])
