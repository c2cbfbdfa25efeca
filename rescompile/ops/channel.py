"""Channels and pixels moved, cut, or filled in, without a weight."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar, cast

from ..expr.dims import Dim
from ..expr.polynomial import total
from ..record import record
from .base import Op, Shape, ShapeError, as_map
from .resize import Resize, Resizes


@record
class PadChannels(Op):
    """Channels of zeros before and after the input's own."""

    word: ClassVar[str] = "pad_channels"
    before: Dim
    after: Dim

    def output(self, x: Shape) -> Shape:
        c, h, w = as_map(x, "pad_channels")
        return (c + cast(int, self.before) + cast(int, self.after), h, w)

    def leaving(self, x: Dim) -> Dim:
        return total((x, self.before, self.after))


@record
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
                key="stop",
            )
        return (stop - start, *x[1:])

    def leaving(self, x: Dim) -> Dim:
        return total((self.stop,), self.start)


@record
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
                key="groups",
            )
        return x


@record
class Permute(Op):
    """Puts the channels last, or first again, for what works on each position by itself.

    Shapes are channels-first throughout, so nothing changes but the order in memory.
    """

    word: ClassVar[str] = "permute"
    last: bool

    def output(self, x: Shape) -> Shape:
        return as_map(x, "a step of `positions`")


class Resampling(Enum):
    NEAREST = "nearest"
    BILINEAR = "bilinear"


@record
class Upsample(Op):
    """Height and width times `scale`; bilinear is with half-pixel centres."""

    word: ClassVar[str] = "upsample"
    scale: Dim
    mode: Resampling = Resampling.NEAREST

    def output(self, x: Shape) -> Shape:
        c, h, w = as_map(x, "upsample")
        scale = cast(int, self.scale)
        return (c, h * scale, w * scale)

    def resizes(self) -> Resizes:
        return Resize(up=self.scale), Resize(up=self.scale)
