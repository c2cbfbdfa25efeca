"""What attention to channels, branches and positions is made of."""

from __future__ import annotations

from math import prod
from typing import cast

from ..expr.dims import Dim
from .attribute import Kind, attribute, operation
from .base import Op, Parameter, Role, Shape, ShapeError, Weighted, as_map, show_shape


@operation
class SplitSoftmax(Op):
    """exp(x) over its sum along equal parts of the channels, at each channel of a part by itself.

    The channels are `groups` x `splits` x n. What is divided by the sum over the splits is each of
    them: with two branches concatenated and `splits: 2`, the weights of the two add up to one.
    """

    word = "split_softmax"
    nonnegative = stateless = True
    splits: Dim = attribute(Kind.POSITIVE, "How many parts share the sum of one.")
    groups: Dim = attribute(
        Kind.POSITIVE,
        "Groups of channels that do not see each other; it times the splits divides the channels.",
        default=1,
    )

    def output(self, x: Shape) -> Shape:
        splits, groups = cast(int, self.splits), cast(int, self.groups)
        if x[0] % (splits * groups):
            parts = f"{groups} groups of {splits} splits" if groups > 1 else f"{splits} splits"
            raise ShapeError(
                f"split_softmax: {parts} do not divide {x[0]} channels",
                help="choose as many as there are branches, each with the same channels",
                key="splits",
            )
        return x


class ChannelPool(Op):
    """Base of what one map tells of all channels."""

    __slots__ = ()
    keeps_sign = stateless = True

    def output(self, x: Shape) -> Shape:
        return (1, *as_map(x, self.word)[1:])

    def leaving(self, x: Dim) -> Dim:
        return 1


class ChannelMean(ChannelPool):
    """Mean over the channels at each position: a map of one channel."""

    __slots__ = ()
    word = "channel_mean"


class ChannelMax(ChannelPool):
    """Maximum over the channels at each position: a map of one channel.

    Where several channels hold it, frameworks differ in which of them the gradient goes to.
    """

    __slots__ = ()
    word = "channel_max"


@operation
class ChannelConv(Weighted):
    """Convolution over the channels of one pixel, or of a vector: each sees its neighbours alone.

    A single kernel is moved along the channels, with zeros beyond the first and the last, so that
    as many leave as enter (Wang et al. 2020, ECA-Net).
    """

    word = "channel_conv"
    role = Role.CONV
    size: Dim = attribute(Kind.POSITIVE, "Channels that each sees, itself in the middle; odd.")
    bias: bool = attribute(Kind.BOOL, "Whether one number is added to all.", default=False)

    def output(self, x: Shape) -> Shape:
        if prod(x) != x[0]:
            raise ShapeError(
                "channel_conv needs one value for each channel, but its input is a map",
                f"the input is {show_shape(x)}",
                "put `global_avg_pool: {keepdims: true}` before it",
            )
        if cast(int, self.size) % 2 == 0:
            raise ShapeError(
                f"channel_conv: a size of {self.size} has no middle",
                help="choose an odd number",
                key="size",
            )
        return x

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        return self.weights((1, 1, cast(int, self.size)), 1)

    def macs(self, x: Shape, y: Shape) -> int:
        return x[0] * cast(int, self.size)
