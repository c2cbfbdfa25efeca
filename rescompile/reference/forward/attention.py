"""What attention to channels, branches and positions is made of."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ... import ops
from ..arrays import Array, Params, ints


def split_softmax(op: ops.SplitSoftmax, x: Array, *_: object) -> Array:
    """exp(x) over its sum along the splits; the maximum is subtracted, which cancels."""
    parts = x.reshape(len(x), *ints((op.groups, op.splits)), -1)
    raised = np.exp(parts - parts.max(2, keepdims=True))
    quotient: Array = raised / raised.sum(2, keepdims=True)
    return quotient.reshape(x.shape)


def channel_mean(op: ops.ChannelMean, x: Array, *_: object) -> Array:
    y: Array = x.mean(1, keepdims=True)
    return y


def channel_max(op: ops.ChannelMax, x: Array, *_: object) -> Array:
    y: Array = x.max(1, keepdims=True)
    return y


def channel_conv(op: ops.ChannelConv, x: Array, p: Params, *_: object) -> Array:
    """y[c] = b + sum over i of w[i] x[c + i - half]."""
    (size,) = ints((op.size,))
    y: Array = neighbours(x, size) @ p["weight"].ravel()
    return y + p["bias"] if op.bias else y


def neighbours(x: Array, size: int) -> Array:
    """Of each channel those around it, itself in their middle, as a last axis: a view."""
    sides = [(0, 0), (size // 2, (size - 1) // 2), *((0, 0) for _ in x.shape[2:])]
    return sliding_window_view(np.pad(x, sides), size, axis=1)
