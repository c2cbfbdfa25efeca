"""Through pools."""

from __future__ import annotations

from math import prod

import numpy as np

from ... import ops
from ..arrays import Array, Params, along, inside, ints, pad, spatial, window_axes
from ..forward.pool import attention, cell, cells, pool_overhang, pool_windows
from .pulled import Pulled, fold, greatest, unpad


def unpool(op: ops.Pool, x: Array, seen: Array) -> Array:
    stride, padding = ints(op.stride), op.pads(x.shape[1:])
    out = np.zeros_like(pad(pad(x, padding), pool_overhang(op, x.shape[1:])))
    return unpad(fold(seen, out, stride, (1,) * len(stride)), x, padding)


def max_pool(op: ops.MaxPool, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    seen = pool_windows(op, x, -np.inf, -np.inf)
    first = greatest(seen.reshape(*y.shape, -1))
    return unpool(op, x, (first * dy[..., None]).reshape(seen.shape)), {}


def avg_pool(op: ops.AvgPool, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    counted = pool_windows(op, np.ones_like(x[:1, :1]), float(op.count_include_pad), 0.0)
    kernel = ints(op.kernel)
    share = (dy / counted.sum(window_axes(counted))).reshape(*y.shape, *(1 for _ in kernel))
    return unpool(op, x, np.broadcast_to(share, (*y.shape, *kernel))), {}


def adaptive_avg_pool(
    op: ops.AdaptiveAvgPool, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    return along(dy, [shares.T for shares in map(cells, x.shape[2:], ints(op.size))]), {}


def adaptive_max_pool(
    op: ops.AdaptiveMaxPool, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    size, pulled = ints(op.size), np.zeros_like(x)
    for place in np.ndindex(*size):
        seen_there = inside(map(cell, x.shape[2:], size, place))
        seen = x[seen_there].reshape(*x.shape[:2], -1)
        given = greatest(seen) * dy[inside(place)][..., None]
        pulled[seen_there] += given.reshape(x[seen_there].shape)
    return pulled, {}


def global_avg_pool(
    op: ops.GlobalAvgPool, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    share = spread(dy, x) / prod(x.shape[2:])
    return np.broadcast_to(share, x.shape), {}


def global_max_pool(
    op: ops.GlobalMaxPool, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    first = greatest(x.reshape(*x.shape[:2], -1)).reshape(x.shape)
    return first * spread(dy, x), {}


def global_attention_pool(
    op: ops.GlobalAttentionPool, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    weights = attention(x)
    given = dy.reshape(*y.shape[:2], *(1 for _ in x.shape[2:]))
    wanted = (given * x[:, :-1]).sum(1, keepdims=True)
    shared = (weights * wanted).sum(spatial(x), keepdims=True)
    return np.concatenate([given * weights, weights * (wanted - shared)], 1), {}


def spread(dy: Array, x: Array) -> Array:
    """What a channel has one value of, to meet all positions of `x`."""
    return dy.reshape(*x.shape[:2], *(1 for _ in x.shape[2:]))
