"""The derivative of every operation, each a definition in NumPy float64 (`VJPS`).

A VJP takes what the meaning took and gave, and the gradient of a loss with respect to the
output `y`; it returns that with respect to the input `x`, and to each trainable parameter by leaf.
Where an operation has a kink (zero for relu, a tie in a max-pool), it takes the side that the
frameworks take: zero for relu, the first of equals for a max-pool.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import ops
from ..ops import Op
from ..ops.window import ends
from .activations import SLOPES
from .forward import (
    MEANINGS,
    Array,
    Params,
    along,
    area,
    attention,
    batch_moments,
    cell,
    cells,
    factors,
    inside,
    ints,
    lengths,
    neighbours,
    norms,
    pad,
    patches,
    per_channel,
    pool_overhang,
    pool_windows,
    resampling,
    response,
    sources,
    spatial,
    standardise,
    std_weight,
    window_axes,
    windows,
)

Pulled = tuple[Array, dict[str, Array]]
Vjp = Callable[[Any, Array, Array, Params, Array, bool], Pulled]


def _over_channel(x: Array) -> Array:
    """The sum over everything but the channels."""
    total: Array = x.sum((0, *range(2, x.ndim)))
    return total


def _fold(seen: Array, out: Array, stride: tuple[int, ...], dilation: tuple[int, ...]) -> Array:
    """Windows (N, C, *places, *kernel) added into `out` where `windows` took them from."""
    count = len(stride)
    extents, kernel = seen.shape[2 : 2 + count], seen.shape[2 + count :]
    for place in np.ndindex(*kernel):
        start = tuple(i * d for i, d in zip(place, dilation, strict=True))
        out[inside(area(start, extents, stride))] += seen[inside(place)]
    return out


def _crop(padded: Array, x: Array, padding: tuple[int, ...]) -> Array:
    """The part of `padded` that is `x` and not its padding."""
    axes = zip(padding[::2], x.shape[2:], strict=True)
    cut: Array = padded[inside(slice(before, before + n) for before, n in axes)]
    return cut


def conv(op: ops.Conv, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    groups, pads = ints((op.groups,))[0], op.pads(x.shape[1:])
    weight = p["weight"].reshape(groups, len(p["weight"]) // groups, -1)
    grouped = dy.reshape(len(y), groups, -1, prod(y.shape[2:]))
    given = {"weight": (grouped @ patches(op, x).swapaxes(2, 3)).sum(0).reshape(p["weight"].shape)}
    if op.bias:
        given["bias"] = _over_channel(dy)
    seen = weight.swapaxes(1, 2) @ grouped
    seen = seen.reshape(len(y), x.shape[1], *ints(op.kernel), *y.shape[2:])
    seen = np.moveaxis(seen, spatial(x), window_axes(seen))
    padded = _fold(seen, np.zeros_like(pad(x, pads)), ints(op.stride), ints(op.dilation))
    return _crop(padded, x, pads), given


def std_conv(op: ops.StdConv, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    normal, deviation = std_weight(op, x, p)
    factor = op.factor(x.shape[1:]) * (p["gain"] if op.gain else 1.0)
    dx, given = conv(op, x, y, {**p, "weight": normal * factor}, dy, training)
    pulled, axes = given["weight"], tuple(range(1, normal.ndim))
    if op.gain:
        along = (pulled * normal).sum(axes, keepdims=True)
        given["gain"] = along * op.factor(x.shape[1:])
    pulled = pulled * factor
    shared = (pulled * normal).mean(axes, keepdims=True) * normal
    given["weight"] = (pulled - pulled.mean(axes, keepdims=True) - shared) / deviation
    return dx, given


def conv_transpose(
    op: ops.ConvTranspose, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    """What a pixel of x added to y, it is now given back from there: a convolution of dy."""
    (groups,), kernel, stride = ints((op.groups,)), ints(op.kernel), ints(op.stride)
    n, c, *extents = x.shape
    cut = tuple(side for pad in ints(op.padding) for side in (pad, pad))
    seen = windows(pad(dy, cut), kernel, stride)
    seen = seen[(slice(None), slice(None), *map(slice, extents))]
    seen = seen.reshape(n, groups, -1, prod(extents), prod(kernel))
    weight = p["weight"].reshape(groups, c // groups, -1, prod(kernel))
    grouped = x.reshape(n, groups, c // groups, prod(extents))
    dw = np.einsum("ngcx,ngoxi->gcoi", grouped, seen, optimize=True)
    given = {"weight": dw.reshape(p["weight"].shape)}
    if op.bias:
        given["bias"] = _over_channel(dy)
    dx: Array = np.einsum("gcoi,ngoxi->ngcx", weight, seen, optimize=True)
    return dx.reshape(x.shape), given


def linear(op: ops.Linear, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    given = {"weight": np.einsum("no...,nc...->oc", dy, x, optimize=True)}
    if op.bias:
        given["bias"] = _over_channel(dy)
    dx: Array = np.einsum("oc,no...->nc...", p["weight"], dy, optimize=True)
    return dx, given


def _unaffine(standard: Array, p: Params, dy: Array) -> Pulled:
    """Through scale and shift."""
    given = {"weight": _over_channel(dy * standard), "bias": _over_channel(dy)}
    return dy * per_channel(p["weight"], dy), given


def _unstandardise(standard: Array, deviation: Array, dy: Array, axes: tuple[int, ...]) -> Array:
    """Through (x - mean) / deviation, both of which depend on x."""
    along = standard * (dy * standard).mean(axes, keepdims=True)
    pulled: Array = (dy - dy.mean(axes, keepdims=True) - along) / deviation
    return pulled


def batch_norm(
    op: ops.BatchNorm, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    mean, var = batch_moments(x) if training else (p["running_mean"], p["running_var"])
    deviation = np.sqrt(per_channel(var, x) + op.epsilon)
    standard = (x - per_channel(mean, x)) / deviation
    inner, given = _unaffine(standard, p, dy)
    if not training:
        return inner / deviation, given
    return _unstandardise(standard, deviation, inner, (0, *range(2, x.ndim))), given


def layer_norm(
    op: ops.LayerNorm, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    standard, deviation = standardise(x, (1,), op.epsilon)
    inner, given = _unaffine(standard, p, dy)
    return _unstandardise(standard, deviation, inner, (1,)), given


def group_norm(
    op: ops.GroupNorm, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    grouped = (len(x), *ints((op.groups,)), -1)
    standard, deviation = standardise(x.reshape(grouped), (2,), op.epsilon)
    inner, given = _unaffine(standard.reshape(x.shape), p, dy)
    pulled = _unstandardise(standard, deviation, inner.reshape(grouped), (2,))
    return pulled.reshape(x.shape), given


def instance_norm(
    op: ops.InstanceNorm, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    standard, deviation = standardise(x, spatial(x), op.epsilon)
    inner, given = _unaffine(standard, p, dy)
    return _unstandardise(standard, deviation, inner, spatial(x)), given


def elementwise(slope: Callable[[Any, Array, Array], npt.NDArray[Any]]) -> Vjp:
    """Through a function of one number, given its slope at x as a function of (op, x, y)."""
    return lambda op, x, y, p, dy, training: (dy * slope(op, x, y), {})


def prelu(op: ops.Prelu, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    slope = np.where(x > 0, 1.0, per_channel(p["weight"], x))
    given = _over_channel(dy * np.minimum(x, 0.0))
    return dy * slope, {"weight": given.sum(keepdims=True) if op.shared else given}


def softmax(op: ops.Softmax, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    return y * (dy - (dy * y).sum(1, keepdims=True)), {}


def log_softmax(
    op: ops.LogSoftmax, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    return dy - np.exp(y) * dy.sum(1, keepdims=True), {}


def _unpool(op: ops.Pool, x: Array, seen: Array) -> Array:
    stride, padding = ints(op.stride), op.pads(x.shape[1:])
    out = np.zeros_like(pad(pad(x, padding), pool_overhang(op, x.shape[1:])))
    return _crop(_fold(seen, out, stride, (1,) * len(stride)), x, padding)


def _greatest(seen: Array) -> Array:
    """Where each last axis has its maximum: the first one, as in PyTorch."""
    first: Array = seen.argmax(-1)[..., None] == np.arange(seen.shape[-1])
    return first


def max_pool(op: ops.MaxPool, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    seen = pool_windows(op, x, -np.inf, -np.inf)
    first = _greatest(seen.reshape(*y.shape, -1))
    return _unpool(op, x, (first * dy[..., None]).reshape(seen.shape)), {}


def avg_pool(op: ops.AvgPool, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    counted = pool_windows(op, np.ones_like(x[:1, :1]), float(op.count_include_pad), 0.0)
    kernel = ints(op.kernel)
    share = (dy / counted.sum(window_axes(counted))).reshape(*y.shape, *(1 for _ in kernel))
    return _unpool(op, x, np.broadcast_to(share, (*y.shape, *kernel))), {}


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
        given = _greatest(seen) * dy[inside(place)][..., None]
        pulled[seen_there] += given.reshape(x[seen_there].shape)
    return pulled, {}


def global_avg_pool(
    op: ops.GlobalAvgPool, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    share = _spread(dy, x) / prod(x.shape[2:])
    return np.broadcast_to(share, x.shape), {}


def global_max_pool(
    op: ops.GlobalMaxPool, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    first = _greatest(x.reshape(*x.shape[:2], -1)).reshape(x.shape)
    return first * _spread(dy, x), {}


def global_attention_pool(
    op: ops.GlobalAttentionPool, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    weights = attention(x)
    given = dy.reshape(*y.shape[:2], *(1 for _ in x.shape[2:]))
    wanted = (given * x[:, :-1]).sum(1, keepdims=True)
    shared = (weights * wanted).sum(spatial(x), keepdims=True)
    return np.concatenate([given * weights, weights * (wanted - shared)], 1), {}


def _spread(dy: Array, x: Array) -> Array:
    """What a channel has one value of, to meet all positions of `x`."""
    return dy.reshape(*x.shape[:2], *(1 for _ in x.shape[2:]))


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
    return np.moveaxis(_greatest(np.moveaxis(x, 1, -1)), -1, 1) * dy, {}


def channel_conv(
    op: ops.ChannelConv, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    (size,) = ints((op.size,))
    given = np.tensordot(dy, neighbours(x, size), dy.ndim)
    gradients = {"weight": given.reshape(p["weight"].shape)}
    if op.bias:
        gradients["bias"] = dy.sum(keepdims=True).reshape(1)
    return neighbours(dy, size) @ p["weight"].ravel()[::-1], gradients


def local_response_norm(
    op: ops.LocalResponseNorm, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    """Whose neighbour a channel is: the window of its own, turned around."""
    (size,) = ints((op.size,))
    divisor = response(op, x)
    shared = neighbours((dy * y / divisor)[:, ::-1], size).mean(-1)[:, ::-1]
    return dy / divisor**op.beta - 2.0 * op.alpha * op.beta * x * shared, {}


def l2_norm(op: ops.L2Norm, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    """What is along y is lost, but where epsilon divides."""
    divisor = lengths(op, x)
    along = (dy * y).sum(1, keepdims=True) * (divisor > op.epsilon)
    return (dy - y * along) / divisor, {}


def global_response_norm(
    op: ops.GlobalResponseNorm, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    each, mean = norms(op, x)
    inner, given = _unaffine(x * each / mean, p, dy)
    pulled = (inner * x).sum(spatial(x), keepdims=True)
    of_each = pulled / mean - (pulled * each).mean(1, keepdims=True) / mean**2
    along = np.divide(x, each, out=np.zeros_like(x), where=each > 0)
    return dy + inner * each / mean + of_each * along, given


def unchanged(op: Op, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    return dy, {}


def pad_map(op: ops.Pad, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    axes = zip(x.shape[2:], ends(op.padding), strict=True)
    return along(dy, [np.eye(n)[sources(op.mode, n, *pads)].T for n, pads in axes]), {}


def layer_scale(
    op: ops.LayerScale, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    along = dy * x
    given = along.sum() if op.shared else _over_channel(along)
    return dy * factors(x, p), {"": np.reshape(given, p[""].shape)}


def rearranged(
    op: ops.Rearrangement, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    """Each gradient goes back to where its element came from; a zero came from nowhere."""
    numbers = np.arange(1, x[0].size + 1).reshape(1, *x.shape[1:])
    sources = MEANINGS[type(op)](op, numbers, {}, training).ravel()
    pulled = np.zeros((len(x), x[0].size + 1), dy.dtype)
    pulled[:, sources] = dy.reshape(len(x), -1)
    return pulled[:, 1:].reshape(x.shape), {}


def upsample(op: ops.Resampled, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    return along(dy, [matrix.T for matrix in resampling(op, x)]), {}


VJPS: dict[type[Op], Vjp] = {
    ops.Conv: conv,
    ops.StdConv: std_conv,
    ops.ConvTranspose: conv_transpose,
    ops.Linear: linear,
    ops.BatchNorm: batch_norm,
    ops.LayerNorm: layer_norm,
    ops.GroupNorm: group_norm,
    ops.InstanceNorm: instance_norm,
    **{kind: elementwise(slope) for kind, slope in SLOPES.items()},
    ops.Prelu: prelu,
    ops.Softmax: softmax,
    ops.LogSoftmax: log_softmax,
    ops.MaxPool: max_pool,
    ops.AvgPool: avg_pool,
    ops.AdaptiveAvgPool: adaptive_avg_pool,
    ops.AdaptiveMaxPool: adaptive_max_pool,
    ops.GlobalAvgPool: global_avg_pool,
    ops.GlobalMaxPool: global_max_pool,
    ops.GlobalAttentionPool: global_attention_pool,
    ops.Dropout: unchanged,
    ops.StochasticDepth: unchanged,
    ops.LayerScale: layer_scale,
    ops.Scale: elementwise(lambda op, x, y: np.full_like(x, op.factor)),
    ops.Pad: pad_map,
    ops.Upsample: upsample,
    ops.UpsampleTo: upsample,
    ops.SplitSoftmax: split_softmax,
    ops.ChannelMean: channel_mean,
    ops.ChannelMax: channel_max,
    ops.ChannelConv: channel_conv,
    ops.LocalResponseNorm: local_response_norm,
    ops.L2Norm: l2_norm,
    ops.GlobalResponseNorm: global_response_norm,
    **{kind: rearranged for kind in ops.OPS if issubclass(kind, ops.Rearrangement)},
}
