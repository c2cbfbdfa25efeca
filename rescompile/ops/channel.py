"""Channels and pixels moved, cut, or filled in, without a weight."""

from __future__ import annotations

from enum import Enum
from typing import cast

from ..expr.dims import Dim, binary
from ..expr.polynomial import product, total
from .attribute import Kind, attribute, operation
from .axis import Axis, nearest, window
from .base import Op, Shape, ShapeError, Sides, as_map, check_groups
from .resize import Resize, Resizes
from .window import ends


class Rearrangement(Op):
    """Base of what makes no numbers but those that enter, each at most once, and zero."""

    __slots__ = ()
    keeps_sign = stateless = True


@operation
class PadChannels(Rearrangement):
    """Channels of zeros: C become before + C + after."""

    word = "pad_channels"
    before: Dim = attribute(Kind.WHOLE, "Channels of zeros before the input's.", absent=0)
    after: Dim = attribute(Kind.WHOLE, "Channels of zeros after the input's.", absent=0)

    def output(self, x: Shape) -> Shape:
        c, *extents = as_map(x, self.word)
        return (c + cast(int, self.before) + cast(int, self.after), *extents)

    def leaving(self, x: Dim) -> Dim:
        return total((x, self.before, self.after))


@operation
class SliceChannels(Rearrangement):
    """The channels from `start` up to, not including, `stop`: stop - start of them."""

    word = "slice_channels"
    start: Dim = attribute(Kind.WHOLE, "The first channel.", absent=0)
    stop: Dim = attribute(Kind.POSITIVE, "The channel after the last.")

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


@operation
class Crop(Rearrangement):
    """The map without some pixels of its border, of which at least one is left."""

    word = "crop"
    cropping: Sides = attribute(Kind.SIDES, "Pixels taken off on all sides.")

    def output(self, x: Shape) -> Shape:
        c, *extents = as_map(x, self.word)
        axes = list(zip(extents, ends(self.cropping), strict=True))
        for n, cut in axes:
            if sum(cut) >= n:
                message = f"crop: {sum(cut)} of {n} pixels are taken off, and none is left"
                raise ShapeError(message, help=f"take off at most {n - 1} here", key="cropping")
        return (c, *(n - sum(cut) for n, cut in axes))

    def resizes(self) -> Resizes:
        return tuple(Resize(more=total((), total(cut))) for cut in ends(self.cropping))

    def sees(self, x: Shape) -> tuple[Axis, ...] | None:
        return tuple(window(1, 1, -before) for before, _ in ends(self.cropping))


@operation
class ChannelShuffle(Rearrangement):
    """Interleaves groups of channels (ShuffleNet): channel i of group g becomes g of group i."""

    word, axes = "channel_shuffle", (2,)
    groups: Dim = attribute(Kind.POSITIVE, "How many groups; it divides the channels.")

    def output(self, x: Shape) -> Shape:
        as_map(x, self.word)
        check_groups(self.groups, x[0])
        return x


@operation
class DepthToSpace(Rearrangement):
    """Channels become pixels: C * scale * scale x H x W becomes C x H * scale x W * scale.

    Channel (c * scale + i) * scale + j goes to row i and column j of each square of channel c, as
    in PyTorch's PixelShuffle (Shi et al. 2016).
    """

    word, axes = "depth_to_space", (2,)
    scale: Dim = attribute(Kind.POSITIVE, "The factor; its square divides the channels.")

    def output(self, x: Shape) -> Shape:
        c, h, w = as_map(x, self.word)
        scale = cast(int, self.scale)
        if c % scale**2:
            raise ShapeError(
                f"depth_to_space: {scale} x {scale} pixels do not divide {c} channels",
                help=f"choose a number of channels that {scale**2} divides",
                key="scale",
            )
        return (c // scale**2, h * scale, w * scale)

    def leaving(self, x: Dim) -> Dim:
        return binary("//", x, product((self.scale, self.scale)))

    def resizes(self) -> Resizes:
        return (Resize(up=self.scale),)

    def sees(self, x: Shape) -> tuple[Axis, ...] | None:
        return (nearest(cast(int, self.scale)),) * 2


@operation
class SpaceToDepth(Rearrangement):
    """Pixels become channels: C x H x W becomes C * scale * scale x H / scale x W / scale.

    Row i and column j of each square of channel c go to channel (c * scale + i) * scale + j, as in
    PyTorch's PixelUnshuffle: the inverse of `depth_to_space`.
    """

    word, axes = "space_to_depth", (2,)
    scale: Dim = attribute(Kind.POSITIVE, "The factor; it divides the height and the width.")

    def output(self, x: Shape) -> Shape:
        c, h, w = as_map(x, self.word)
        scale = cast(int, self.scale)
        if h % scale or w % scale:
            raise ShapeError(
                f"space_to_depth: squares of {scale} x {scale} do not cover {h} x {w} pixels",
                help=f"choose an input or strides that leave multiples of {scale}",
                key="scale",
            )
        return (c * scale**2, h // scale, w // scale)

    def leaving(self, x: Dim) -> Dim:
        return product((x, self.scale, self.scale))

    def resizes(self) -> Resizes:
        return (Resize(down=self.scale),)

    def sees(self, x: Shape) -> tuple[Axis, ...] | None:
        scale = cast(int, self.scale)
        return (window(scale, scale, 0),) * 2


@operation
class Permute(Rearrangement):
    """Puts the channels last, or first again, for what works on each position by itself.

    Shapes are channels-first throughout, so nothing changes but the order in memory.
    """

    word = "permute"
    last: bool

    def output(self, x: Shape) -> Shape:
        return as_map(x, "a step of `positions`")


class PadMode(Enum):
    REFLECT = "reflect"
    REPLICATE = "replicate"


@operation
class Pad(Op):
    """Pixels around the map that are taken from it.

    `reflect` mirrors it at the outermost pixels, which are not repeated, so that less is padded
    than there is; `replicate` repeats them. Zeros are the `padding` of the step that follows.
    """

    word, called = "pad", "border"  # Keras gives the name `pad` to operations of its own
    keeps_sign = stateless = True
    padding: Sides = attribute(Kind.SIDES, "Pixels on all sides.")
    mode: PadMode = attribute(PadMode, "Which pixels of the map they are.")

    def output(self, x: Shape) -> Shape:
        c, *extents = as_map(x, self.word)
        axes = list(zip(extents, ends(self.padding), strict=True))
        for n, pads in axes:
            if self.mode is PadMode.REFLECT and max(pads) >= n:
                raise ShapeError(
                    f"pad: {n} pixels cannot be reflected to {max(pads)} more",
                    help=f"pad at most {n - 1} here, or `replicate`",
                    key="padding",
                )
        return (c, *(n + sum(pads) for n, pads in axes))

    def resizes(self) -> Resizes:
        return tuple(Resize(more=total(pads)) for pads in ends(self.padding))

    def sees(self, x: Shape) -> tuple[Axis, ...] | None:
        return tuple(window(1, 1, before) for before, _ in ends(self.padding))
