"""Pools: the greatest or the mean of what a window sees, of a cell, or of all positions."""

from __future__ import annotations

from .attribute import Kind, attribute, operation
from .axis import Axis, cells, window
from .base import Op, Pair, Quad, Shape, ShapeError, as_map
from .resize import FIXED, Resizes
from .window import extent, ints, slides


@operation
class Pool(Op):
    """Base of the sliding-window pools."""

    keeps_sign = stateless = True
    kernel: Pair = attribute(Kind.PAIR, "Height and width of the window.")
    stride: Pair = attribute(
        Kind.PAIR, "Steps of the window; the default is the kernel.", absent=None
    )
    padding: Quad = attribute(
        Kind.POOL_PADDING,
        "Pixels around the map, at most half of the kernel.",
        default=(0, 0, 0, 0),
    )
    ceil_mode: bool = attribute(
        Kind.BOOL, "Whether a last, incomplete window counts as well.", default=False
    )

    def output(self, x: Shape) -> Shape:
        c, h, w = as_map(x, self.word)
        (kh, kw), (sh, sw) = ints(self.kernel), ints(self.stride)
        top, bottom, left, right = ints(self.padding)
        for pad, k in ((max(top, bottom), kh), (max(left, right), kw)):
            if 2 * pad > k:
                raise ShapeError(
                    f"{self.word}: a padding of {pad} exceeds half of the kernel {k}",
                    help="a pool pads at most half of its kernel, or whole windows would be empty",
                    key="padding",
                )
        rows = extent(h, kh, sh, top + bottom, 1, self.ceil_mode)
        columns = extent(w, kw, sw, left + right, 1, self.ceil_mode)
        # In ceil mode the last window must still start inside the input or its leading padding.
        rows -= self.ceil_mode and (rows - 1) * sh >= h + top
        columns -= self.ceil_mode and (columns - 1) * sw >= w + left
        return (c, rows, columns)

    def resizes(self) -> Resizes:
        rows, columns = zip(self.kernel, self.stride, strict=True)
        top, bottom, left, right = self.padding
        first = slides((top, bottom), *rows, ceil=self.ceil_mode)
        return first, slides((left, right), *columns, ceil=self.ceil_mode)

    def sees(self, x: Shape) -> tuple[Axis, Axis] | None:
        (kh, kw), (sh, sw) = ints(self.kernel), ints(self.stride)
        top, _, left, _ = ints(self.padding)
        return window(kh, sh, top), window(kw, sw, left)


class MaxPool(Pool):
    """Maximum over a window; padding never wins.

    n rows become (n + padding above and below - kernel) // stride + 1. In ceil mode the division
    rounds up, if the last window starts inside the map or the padding above.
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
    size: Pair = attribute(Kind.PAIR, "Height and width of the result.")

    def output(self, x: Shape) -> Shape:
        c, _, _ = as_map(x, self.word)
        return (c, *ints(self.size))

    def resizes(self) -> Resizes:
        return FIXED, FIXED

    def sees(self, x: Shape) -> tuple[Axis, Axis] | None:
        rows, columns = ints(self.size)
        return None if rows == columns == 1 else (cells(x[1], rows), cells(x[2], columns))


class AdaptiveAvgPool(AdaptivePool):
    """Mean over each cell of a grid of `size`, which covers the map whatever its size is.

    Of n rows, row i of m sees those from i * n // m up to the one before (i + 1) * n / m, rounded
    up: cells overlap where m does not divide n, and where the map is smaller than the grid.
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
        Kind.BOOL, "Whether the result is a map of 1 x 1 instead of a vector.", default=False
    )

    def output(self, x: Shape) -> Shape:
        c, _, _ = as_map(x, self.word)
        return (c, 1, 1) if self.keepdims else (c,)

    def resizes(self) -> Resizes:
        return FIXED, FIXED

    def sees(self, x: Shape) -> tuple[Axis, Axis] | None:
        return None


class GlobalAvgPool(GlobalPool):
    """Mean over all positions: C x H x W becomes a vector of C, or C x 1 x 1."""

    __slots__ = ()
    word, called = "global_avg_pool", "avgpool"


class GlobalMaxPool(GlobalPool):
    """Maximum over all positions, of the shape that `global_avg_pool` gives.

    Where several positions hold it, frameworks differ in which of them the gradient goes to.
    """

    __slots__ = ()
    word, called = "global_max_pool", "maxpool"
