"""Sliding windows: convolutions and pools, and the extents that they leave."""

from __future__ import annotations

from typing import Any, ClassVar, cast

from ..expr.dims import Dim, binary, if_else
from ..expr.polynomial import product, total
from ..record import record
from .base import Op, Pair, Parameter, Quad, Same, Shape, ShapeError, as_map
from .resize import Resize, Resizes


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
            f"the input extent is {n}, " + (f"{n + pad} with its padding" if pad else "unpadded"),
            "use a smaller kernel, more padding, or fewer strided stages before it",
            "kernel",
        )
    if not ceil:
        return reach // stride + 1
    return -(-reach // stride) + 1


def _slides(
    pads: tuple[Dim, Dim], kernel: Dim, stride: Dim, dilation: Dim = 1, ceil: bool = False
) -> Resize:
    """What a window does to an axis of as many pixels as the stride divides."""
    more = total(pads, product((dilation, binary("-", kernel, 1))))
    slack = binary("-", stride, 1)
    if ceil:
        more = _quotient(total((more, slack, slack)), stride)
        beyond = binary(">=", product((binary("-", more, 1), stride)), pads[0])
        more = if_else(beyond, binary("-", more, 1), more)  # see `Pool.output`
    else:
        more = _quotient(total((more, slack)), stride)
    return Resize(down=stride, more=more)


def _quotient(left: Dim, right: Dim) -> Dim:
    return left if right == 1 else binary("//", left, right)


def same_padding(n: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """What TensorFlow pads before and after an axis of `n` pixels for `padding="same"`."""
    need = max((-(-n // stride) - 1) * stride + dilation * (kernel - 1) + 1 - n, 0)
    return need // 2, need - need // 2


def _ints(pair: Pair | Quad) -> Any:
    return cast(Any, pair)


@record
class Conv(Op):
    """2-D convolution (cross-correlation) in groups; weight is (out, in / groups, kh, kw)."""

    word: ClassVar[str] = "conv"
    channels: Dim
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
        out = cast(int, self.channels)
        check_groups(cast(int, self.groups), c, out)
        top, bottom, left, right = self.pads(x)
        (kh, kw), (sh, sw), (dh, dw) = _ints(self.kernel), _ints(self.stride), _ints(self.dilation)
        return (out, extent(h, kh, sh, top + bottom, dh), extent(w, kw, sw, left + right, dw))

    def leaving(self, x: Dim) -> Dim:
        return self.channels

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        out, (kh, kw) = cast(int, self.channels), _ints(self.kernel)
        weight = Parameter("weight", (out, x[0] // cast(int, self.groups), kh, kw))
        return (weight, Parameter("bias", (out,))) if self.bias else (weight,)

    def resizes(self) -> Resizes:
        rows, columns = zip(self.kernel, self.stride, self.dilation, strict=True)
        if isinstance(self.padding, Same):
            return Resize(down=self.stride[0]), Resize(down=self.stride[1])
        top, bottom, left, right = self.padding
        return _slides((top, bottom), *rows), _slides((left, right), *columns)


@record
class ConvTranspose(Op):
    """The gradient of a convolution as a layer: each input pixel spreads a kernel over the output.

    Weight is (in, out / groups, kh, kw). `padding` cuts rows and columns off on both sides,
    `output_padding` adds some after (as PyTorch has them).
    """

    word: ClassVar[str] = "conv_transpose"
    channels: Dim
    kernel: Pair
    stride: Pair = (1, 1)
    padding: Pair = (0, 0)
    output_padding: Pair = (0, 0)
    groups: Dim = 1
    bias: bool = False

    def output(self, x: Shape) -> Shape:
        c, h, w = as_map(x, self.word)
        check_groups(cast(int, self.groups), c, cast(int, self.channels))
        kernel, stride, pad, more = map(
            _ints, (self.kernel, self.stride, self.padding, self.output_padding)
        )
        rows, columns = map(_spread, (h, w), kernel, stride, pad, more)
        return (cast(int, self.channels), rows, columns)

    def leaving(self, x: Dim) -> Dim:
        return self.channels

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        out, (kh, kw) = cast(int, self.channels), _ints(self.kernel)
        weight = Parameter("weight", (x[0], out // cast(int, self.groups), kh, kw))
        return (weight, Parameter("bias", (out,))) if self.bias else (weight,)

    def resizes(self) -> Resizes:
        axes = zip(self.kernel, self.stride, self.padding, self.output_padding, strict=True)
        rows, columns = (
            Resize(up=s, more=total((k, more), total((s, pad, pad)))) for k, s, pad, more in axes
        )
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


def check_groups(groups: int, entering: int, leaving: int) -> None:
    """Raise `ShapeError` where groups do not divide the channels of a convolution."""
    for what, count in (("input", entering), ("output", leaving)):
        if count % groups:
            raise ShapeError(
                f"{groups} groups do not divide {count} {what} channels",
                f"groups is {groups}",
                "choose a number of groups that divides both",
                "groups",
            )


@record
class Pool(Op):
    """Base of the sliding-window pools."""

    kernel: Pair
    stride: Pair
    padding: Quad = (0, 0, 0, 0)
    ceil_mode: bool = False

    def output(self, x: Shape) -> Shape:
        c, h, w = as_map(x, self.word)
        (kh, kw), (sh, sw) = _ints(self.kernel), _ints(self.stride)
        top, bottom, left, right = _ints(self.padding)
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
        first = _slides((top, bottom), *rows, ceil=self.ceil_mode)
        return first, _slides((left, right), *columns, ceil=self.ceil_mode)


class MaxPool(Pool):
    """Maximum over a window; padding never wins."""

    __slots__ = ()
    word: ClassVar[str] = "max_pool"


@record
class AvgPool(Pool):
    """Mean over a window; padded zeros count only where `count_include_pad` says so."""

    word: ClassVar[str] = "avg_pool"
    count_include_pad: bool = False


@record
class GlobalAvgPool(Op):
    """Mean over all positions: a vector, or a 1 x 1 map with `keepdims`."""

    word: ClassVar[str] = "global_avg_pool"
    keepdims: bool = False

    def output(self, x: Shape) -> Shape:
        c, _, _ = as_map(x, "global_avg_pool")
        return (c, 1, 1) if self.keepdims else (c,)

    def resizes(self) -> Resizes:
        return Resize(single=True), Resize(single=True)
