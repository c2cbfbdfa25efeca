"""Channels and pixels moved, cut, or filled in."""

from __future__ import annotations

import numpy as np

from ... import ops
from ...ops.window import ends
from ..arrays import Array, ints


def sources(mode: ops.PadMode, n: int, before: int, after: int) -> list[int]:
    """Which of n pixels each pixel of the padded axis is."""
    places = range(-before, n + after)
    if mode is ops.PadMode.REPLICATE:
        return [min(max(place, 0), n - 1) for place in places]
    return [n - 1 - abs(n - 1 - abs(place)) for place in places]


def pad_map(op: ops.Pad, x: Array, *_: object) -> Array:
    for axis, pads in enumerate(ends(op.padding), 2):
        x = x.take(sources(op.mode, x.shape[axis], *pads), axis)
    return x


def crop(op: ops.Crop, x: Array, *_: object) -> Array:
    for axis, (before, after) in enumerate(ends(op.cropping), 2):
        x = x.take(range(before, x.shape[axis] - after), axis)
    return x


def pad_channels(op: ops.PadChannels, x: Array, *_: object) -> Array:
    before, after = ints((op.before, op.after))
    return np.pad(x, ((0, 0), (before, after), *((0, 0) for _ in x.shape[2:])))


def slice_channels(op: ops.SliceChannels, x: Array, *_: object) -> Array:
    start, stop = ints((op.start, op.stop))
    return x[:, start:stop]


def channel_shuffle(op: ops.ChannelShuffle, x: Array, *_: object) -> Array:
    """Channel i of group g becomes channel g of the i-th group of the output."""
    (groups,) = ints((op.groups,))
    return x.reshape(len(x), groups, x.shape[1] // groups, -1).swapaxes(1, 2).reshape(x.shape)


def depth_to_space(op: ops.DepthToSpace, x: Array, *_: object) -> Array:
    """Channel (c r + i) r + j becomes row i and column j of each square of r x r in channel c."""
    n, _c, h, w = x.shape
    (r,) = ints((op.scale,))
    return x.reshape(n, -1, r, r, h, w).transpose(0, 1, 4, 2, 5, 3).reshape(n, -1, h * r, w * r)


def space_to_depth(op: ops.SpaceToDepth, x: Array, *_: object) -> Array:
    """Row i and column j of each square of r x r become channel (c r + i) r + j: the inverse."""
    n, c, h, w = x.shape
    (r,) = ints((op.scale,))
    split = x.reshape(n, c, h // r, r, w // r, r)
    return split.transpose(0, 1, 3, 5, 2, 4).reshape(n, -1, h // r, w // r)


def permute(op: ops.Permute, x: Array, *_: object) -> Array:
    """The identity: here the channels stand first throughout."""
    return x
