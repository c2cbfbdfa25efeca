"""Pools over windows, over the cells of a grid, and over whole maps."""

from __future__ import annotations

import numpy as np

from ... import ops
from ...ops import Shape
from ..arrays import Array, along, inside, ints, pad, spatial, window_axes, windows


def pool_overhang(op: ops.Pool, shape: Shape) -> tuple[int, ...]:
    """By how many pixels the last windows of a pool reach past its padding, as a padding."""
    axes = zip(op.output(shape)[1:], shape[1:], op.slides(shape), strict=True)
    beyond = (max(0, (n - 1) * s + k - size - sum(pads)) for n, size, (k, s, pads) in axes)
    return tuple(side for after in beyond for side in (0, after))


def pool_windows(op: ops.Pool, x: Array, fill: float, beyond: float) -> Array:
    """The windows of a pool over `x` padded by `fill`.

    In ceil mode the last window may reach past the padding: there it sees `beyond`.
    """
    x = pad(pad(x, op.pads(x.shape[1:]), fill), pool_overhang(op, x.shape[1:]), beyond)
    return windows(x, ints(op.kernel), ints(op.stride))


def max_pool(op: ops.MaxPool, x: Array, *_: object) -> Array:
    """The maximum of each window; padding is -infinity, so that it never wins."""
    seen = pool_windows(op, x, -np.inf, -np.inf)
    y: Array = seen.max(window_axes(seen))
    return y


def avg_pool(op: ops.AvgPool, x: Array, *_: object) -> Array:
    """The sum of each window over the number of pixels that count in it.

    Padding counts where `count_include_pad` says so; what ceil mode adds beyond it never does.
    """
    counted = pool_windows(op, np.ones_like(x[:1, :1]), float(op.count_include_pad), 0.0)
    within = window_axes(counted)
    y: Array = pool_windows(op, x, 0.0, 0.0).sum(within) / counted.sum(within)
    return y


def cells(n: int, count: int) -> Array:
    """(count, n): how much each of n pixels weighs in the mean of each cell of a grid."""
    i, j = np.arange(count)[:, None], np.arange(n)
    covered = (i * n // count <= j) & (j < -(-(i + 1) * n // count))
    shares: Array = covered / covered.sum(1, keepdims=True)
    return shares


def adaptive_avg_pool(op: ops.AdaptiveAvgPool, x: Array, *_: object) -> Array:
    """The mean of each cell, which is that of the means of its rows."""
    return along(x, list(map(cells, x.shape[2:], ints(op.size))))


def cell(n: int, count: int, i: int) -> slice:
    """The pixels in cell i of a grid of so many over n pixels."""
    return slice(i * n // count, -(-(i + 1) * n // count))


def adaptive_max_pool(op: ops.AdaptiveMaxPool, x: Array, *_: object) -> Array:
    """The maximum of each cell."""
    size = ints(op.size)
    y = np.empty((*x.shape[:2], *size))
    for place in np.ndindex(*size):
        seen = x[inside(map(cell, x.shape[2:], size, place))]
        y[inside(place)] = seen.max(spatial(x))
    return y


def global_avg_pool(op: ops.GlobalAvgPool, x: Array, *_: object) -> Array:
    y: Array = x.mean(spatial(x), keepdims=op.keepdims)
    return y


def global_max_pool(op: ops.GlobalMaxPool, x: Array, *_: object) -> Array:
    y: Array = x.max(spatial(x), keepdims=op.keepdims)
    return y


def global_attention_pool(op: ops.GlobalAttentionPool, x: Array, *_: object) -> Array:
    y: Array = (x[:, :-1] * attention(x)).sum(spatial(x), keepdims=op.keepdims)
    return y


def attention(x: Array) -> Array:
    """exp(x) of the last channel over its sum; the maximum is subtracted, which cancels."""
    scores = x[:, -1:]
    raised = np.exp(scores - scores.max(spatial(x), keepdims=True))
    quotient: Array = raised / raised.sum(spatial(x), keepdims=True)
    return quotient
