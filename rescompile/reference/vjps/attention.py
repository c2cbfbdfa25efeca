"""Through what attention is made of."""

from __future__ import annotations

import numpy as np

from ... import ops
from ..arrays import Array, Params, ints
from ..forward.attention import neighbours
from .pulled import Pulled, greatest


def split_softmax(
    op: ops.SplitSoftmax, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    parts = (len(x), *ints((op.groups, op.splits)), -1)
    shared = (dy * y).reshape(parts).sum(2, keepdims=True)
    pulled = y.reshape(parts) * (dy.reshape(parts) - shared)
    return pulled.reshape(x.shape), {}


def channel_mean(
    op: ops.ChannelMean, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    return np.broadcast_to(dy / x.shape[1], x.shape), {}


def channel_max(
    op: ops.ChannelMax, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    return np.moveaxis(greatest(np.moveaxis(x, 1, -1)), -1, 1) * dy, {}


def channel_conv(
    op: ops.ChannelConv, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    (size,) = ints((op.size,))
    given = np.tensordot(dy, neighbours(x, size), dy.ndim)
    gradients = {"weight": given.reshape(p["weight"].shape)}
    if op.bias:
        gradients["bias"] = dy.sum(keepdims=True).reshape(1)
    return neighbours(dy, size) @ p["weight"].ravel()[::-1], gradients
