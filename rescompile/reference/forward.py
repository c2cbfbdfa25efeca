"""The meaning of every operation, each a definition in NumPy float64 (`MEANINGS`).

A meaning takes the bound operation, its input, (N, C, H, W) or (N, C), its parameters by leaf name
in PyTorch's layout, and whether the network is in training, and returns the output with the batch.
Evaluation is PyTorch's `eval()`. In training, BatchNorm normalises by the statistics of the batch,
and an operation that draws random numbers is refused unless its rate is zero: no two programs draw
the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .. import ops
from ..expr.dims import Dim
from ..ops import Op, Shape
from .activations import FUNCTIONS
from .activations import Array as Array

Params = Mapping[str, Array]
Meaning = Callable[[Any, Array, Params, bool], Array]


def ints(dims: tuple[Dim, ...]) -> tuple[int, ...]:
    return tuple(cast(int, dim) for dim in dims)


def pad(x: Array, padding: tuple[int, ...], fill: float = 0.0) -> Array:
    """`x` with `fill` around its maps; `padding` is top, bottom, left, right."""
    top, bottom, left, right = padding
    widths = ((0, 0), (0, 0), (top, bottom), (left, right))
    return np.pad(x, widths, constant_values=fill)


def windows(
    x: Array, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...] = (1, 1)
) -> Array:
    """Every window that lies inside the maps of `x`: (N, C, rows, columns, kh, kw), a view."""
    (sh, sw), (dh, dw) = stride, dilation
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    return sliding_window_view(x, reach, axis=(2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]


def per_channel(v: Array, x: Array) -> Array:
    """A vector of C numbers, shaped to meet `x` along its channels."""
    return v.reshape(-1, *(1 for _ in x.shape[2:]))


def patches(op: ops.Conv, x: Array) -> Array:
    """im2col: for each sample and group a matrix of (channel, i, j) by (row, column)."""
    stride, dilation, (groups,) = ints(op.stride), ints(op.dilation), ints((op.groups,))
    seen = windows(pad(x, op.pads(x.shape[1:])), ints(op.kernel), stride, dilation)
    n, _c, rows, columns, _kh, _kw = seen.shape
    return seen.transpose(0, 1, 4, 5, 2, 3).reshape(n, groups, -1, rows * columns)


def conv(op: ops.Conv, x: Array, p: Params, *_: object) -> Array:
    """y[o] = b[o] + sum over c, i, j of w[o, c, i, j] x[c] at the window's pixel i, j.

    Output channel o sees the input channels of its own group only.
    """
    (groups,) = ints((op.groups,))
    weight = p["weight"].reshape(groups, len(p["weight"]) // groups, -1)
    seen = patches(op, x)
    y = np.einsum("gok,ngkp->ngop", weight, seen) if groups == x.shape[1] else weight @ seen
    y = y.reshape(len(x), *op.output(x.shape[1:]))
    return y + per_channel(p["bias"], y) if op.bias else y


def std_weight(op: ops.StdConv, x: Array, p: Params) -> tuple[Array, Array]:
    """The weights with mean 0 and variance 1 for each output, and what they were divided by."""
    return standardise(p["weight"], (1, 2, 3), op.epsilon)


def std_conv(op: ops.StdConv, x: Array, p: Params, *_: object) -> Array:
    """A convolution by standardised weights, times a factor and the gain if there is one."""
    weight = std_weight(op, x, p)[0] * op.factor(x.shape[1:])
    return conv(op, x, {**p, "weight": weight * p["gain"] if op.gain else weight})


def conv_transpose(op: ops.ConvTranspose, x: Array, p: Params, *_: object) -> Array:
    """Each pixel of x[c] adds w[c, o, i, j] x[c] to y[o], i rows and j columns after its own place.

    Its own place is where its row and column, times the stride, fall. Of what that gives, padding
    is cut off on both sides; output padding is rows and columns after it that nothing reaches.
    """
    (groups,) = ints((op.groups,))
    (kh, kw), (sh, sw), (top, left) = map(ints, (op.kernel, op.stride, op.padding))
    (n, c, h, w), (out, rows, columns) = x.shape, op.output(x.shape[1:])
    weight = p["weight"].reshape(groups, c // groups, out // groups, kh, kw)
    grouped = x.reshape(n, groups, c // groups, h, w)
    whole = np.zeros((n, out, rows + 2 * top, columns + 2 * left))
    for i in range(kh):
        for j in range(kw):
            part = np.einsum("gco,ngchw->ngohw", weight[..., i, j], grouped, optimize=True)
            area = (slice(i, i + (h - 1) * sh + 1, sh), slice(j, j + (w - 1) * sw + 1, sw))
            whole[:, :, area[0], area[1]] += part.reshape(n, out, h, w)
    y = whole[:, :, top : top + rows, left : left + columns]
    return y + per_channel(p["bias"], y) if op.bias else y


def linear(op: ops.Linear, x: Array, p: Params, *_: object) -> Array:
    """y[o] = b[o] + sum over c of w[o, c] x[c], on a vector or at each position."""
    y: Array = np.einsum("oc,nc...->no...", p["weight"], x, optimize=True)
    return y + per_channel(p["bias"], y) if op.bias else y


def _affine(x: Array, p: Params) -> Array:
    return x * per_channel(p["weight"], x) + per_channel(p["bias"], x)


def batch_moments(x: Array) -> tuple[Array, Array]:
    """Mean and (biased) variance of each channel over the batch and all positions."""
    axes = (0, *range(2, x.ndim))
    return x.mean(axes), x.var(axes)


def batch_norm(op: ops.BatchNorm, x: Array, p: Params, training: bool) -> Array:
    """(x - mean) / sqrt(variance + epsilon) by channel, scaled and shifted.

    The moments are the running ones; in training those of the batch, whose variance is biased.
    """
    mean, var = batch_moments(x) if training else (p["running_mean"], p["running_var"])
    centred = x - per_channel(mean, x)
    return _affine(centred / np.sqrt(per_channel(var, x) + op.epsilon), p)


def new_running_statistics(op: ops.BatchNorm, x: Array, p: Params) -> dict[str, Array]:
    """running_mean and running_var after a training step on `x`.

    `momentum` is the weight of the new batch, whose variance is here the unbiased one. Raises
    `ValueError` where a channel has one value only, for it has no such variance.
    """
    count = x.size // x.shape[1]
    if count < 2:
        raise ValueError("batch_norm in training needs more than one value in each channel")
    mean, var = batch_moments(x)
    new = {"running_mean": mean, "running_var": var * count / (count - 1)}
    return {leaf: (1 - op.momentum) * p[leaf] + op.momentum * value for leaf, value in new.items()}


def standardise(x: Array, axes: tuple[int, ...], epsilon: float) -> tuple[Array, Array]:
    """`x` with mean 0 and variance 1 over `axes`, and what it was divided by."""
    deviation: Array = np.sqrt(x.var(axes, keepdims=True) + epsilon)
    return (x - x.mean(axes, keepdims=True)) / deviation, deviation


def layer_norm(op: ops.LayerNorm, x: Array, p: Params, *_: object) -> Array:
    """Mean 0 and variance 1 over the channels of each position, then scaled and shifted."""
    return _affine(standardise(x, (1,), op.epsilon)[0], p)


def group_norm(op: ops.GroupNorm, x: Array, p: Params, *_: object) -> Array:
    """Mean 0 and variance 1 over each group of channels at all positions, scaled and shifted."""
    grouped = x.reshape(len(x), *ints((op.groups,)), -1)
    return _affine(standardise(grouped, (2,), op.epsilon)[0].reshape(x.shape), p)


def instance_norm(op: ops.InstanceNorm, x: Array, p: Params, *_: object) -> Array:
    """Mean 0 and variance 1 over the positions of each channel, scaled and shifted."""
    return _affine(standardise(x, (2, 3), op.epsilon)[0], p)


def pool_overhang(op: ops.Pool, shape: Shape) -> tuple[int, int]:
    """By how many rows and columns the last windows of a pool reach past its padding."""
    kernel, stride, padding = ints(op.kernel), ints(op.stride), ints(op.padding)
    ends = [(n - 1) * s + k for n, s, k in zip(op.output(shape)[1:], stride, kernel, strict=True)]
    padded = (shape[1] + padding[0] + padding[1], shape[2] + padding[2] + padding[3])
    rows, columns = (max(0, end - size) for end, size in zip(ends, padded, strict=True))
    return rows, columns


def pool_windows(op: ops.Pool, x: Array, fill: float, beyond: float) -> Array:
    """The windows of a pool over `x` padded by `fill`.

    In ceil mode the last window may reach past the padding: there it sees `beyond`.
    """
    rows, columns = pool_overhang(op, x.shape[1:])
    x = pad(pad(x, ints(op.padding), fill), (0, rows, 0, columns), beyond)
    return windows(x, ints(op.kernel), ints(op.stride))


def max_pool(op: ops.MaxPool, x: Array, *_: object) -> Array:
    """The maximum of each window; padding is -infinity, so that it never wins."""
    y: Array = pool_windows(op, x, -np.inf, -np.inf).max((4, 5))
    return y


def avg_pool(op: ops.AvgPool, x: Array, *_: object) -> Array:
    """The sum of each window over the number of pixels that count in it.

    Padding counts where `count_include_pad` says so; what ceil mode adds beyond it never does.
    """
    counted = pool_windows(op, np.ones_like(x[:1, :1]), float(op.count_include_pad), 0.0)
    y: Array = pool_windows(op, x, 0.0, 0.0).sum((4, 5)) / counted.sum((4, 5))
    return y


def cells(n: int, count: int) -> Array:
    """(count, n): how much each of n pixels weighs in the mean of each cell of a grid."""
    i, j = np.arange(count)[:, None], np.arange(n)
    covered = (i * n // count <= j) & (j < -(-(i + 1) * n // count))
    shares: Array = covered / covered.sum(1, keepdims=True)
    return shares


def adaptive_avg_pool(op: ops.AdaptiveAvgPool, x: Array, *_: object) -> Array:
    """The mean of each cell, which is that of the means of its rows."""
    rows, columns = map(cells, x.shape[2:], ints(op.size))
    y: Array = np.einsum("yh,nchw,xw->ncyx", rows, x, columns, optimize=True)
    return y


def cell(n: int, count: int, i: int) -> slice:
    """The pixels in cell i of a grid of so many over n pixels."""
    return slice(i * n // count, -(-(i + 1) * n // count))


def adaptive_max_pool(op: ops.AdaptiveMaxPool, x: Array, *_: object) -> Array:
    """The maximum of each cell."""
    (rows, columns), (h, w) = ints(op.size), x.shape[2:]
    y = np.empty((*x.shape[:2], rows, columns))
    for i, j in np.ndindex(rows, columns):
        y[:, :, i, j] = x[:, :, cell(h, rows, i), cell(w, columns, j)].max((2, 3))
    return y


def global_avg_pool(op: ops.GlobalAvgPool, x: Array, *_: object) -> Array:
    y: Array = x.mean((2, 3), keepdims=op.keepdims)
    return y


def global_max_pool(op: ops.GlobalMaxPool, x: Array, *_: object) -> Array:
    y: Array = x.max((2, 3), keepdims=op.keepdims)
    return y


def flatten(op: ops.Flatten, x: Array, *_: object) -> Array:
    return x.reshape(len(x), -1)


def unflatten(op: ops.Unflatten, x: Array, *_: object) -> Array:
    return x.reshape(len(x), -1, *ints(op.size))


def drop(op: ops.Dropout | ops.StochasticDepth, x: Array, p: Params, training: bool) -> Array:
    """The identity, in evaluation and at rate zero. Raises `ValueError` otherwise."""
    if training and op.rate != 0:
        raise ValueError(f"{op.word} of rate {op.rate} is random in training: compare at rate 0")
    return x


def layer_scale(op: ops.LayerScale, x: Array, p: Params, *_: object) -> Array:
    return x * p[""]


def scale(op: ops.Scale, x: Array, *_: object) -> Array:
    return x * cast(float, op.factor)


def sources(mode: ops.PadMode, n: int, before: int, after: int) -> list[int]:
    """Which of n pixels each pixel of the padded axis is."""
    places = range(-before, n + after)
    if mode is ops.PadMode.REPLICATE:
        return [min(max(place, 0), n - 1) for place in places]
    return [n - 1 - abs(n - 1 - abs(place)) for place in places]


def pad_map(op: ops.Pad, x: Array, *_: object) -> Array:
    top, bottom, left, right = ints(op.padding)
    rows = sources(op.mode, x.shape[2], top, bottom)
    columns = sources(op.mode, x.shape[3], left, right)
    return x[:, :, rows][:, :, :, columns]


def pad_channels(op: ops.PadChannels, x: Array, *_: object) -> Array:
    before, after = ints((op.before, op.after))
    return np.pad(x, ((0, 0), (before, after), (0, 0), (0, 0)))


def slice_channels(op: ops.SliceChannels, x: Array, *_: object) -> Array:
    start, stop = ints((op.start, op.stop))
    return x[:, start:stop]


def channel_shuffle(op: ops.ChannelShuffle, x: Array, *_: object) -> Array:
    """Channel i of group g becomes channel g of the i-th group of the output."""
    n, c, h, w = x.shape
    (groups,) = ints((op.groups,))
    return x.reshape(n, groups, c // groups, h, w).swapaxes(1, 2).reshape(x.shape)


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


def response(op: ops.LocalResponseNorm, x: Array) -> Array:
    """k + alpha times the mean of the neighbours' squares."""
    (size,) = ints((op.size,))
    divisor: Array = op.k + op.alpha * neighbours(x * x, size).mean(-1)
    return divisor


def local_response_norm(op: ops.LocalResponseNorm, x: Array, *_: object) -> Array:
    return x / response(op, x) ** op.beta


def norms(op: ops.GlobalResponseNorm, x: Array) -> tuple[Array, Array]:
    """Of each channel the norm over all positions, and the mean of all with epsilon."""
    each: Array = np.sqrt((x * x).sum((2, 3), keepdims=True))
    return each, each.mean(1, keepdims=True) + op.epsilon


def global_response_norm(op: ops.GlobalResponseNorm, x: Array, p: Params, *_: object) -> Array:
    each, mean = norms(op, x)
    return x + _affine(x * each / mean, p)


def permute(op: ops.Permute, x: Array, *_: object) -> Array:
    """The identity: here the channels stand first throughout."""
    return x


def interpolation(n: int, count: int, align_corners: bool) -> Array:
    """(count, n): how much each of n pixels weighs in each of `count` of the enlarged axis.

    The centre of pixel i is at i + 1/2 on both axes, of which the ends are the same, and beyond the
    outermost centres the edge is held; or the outermost centres themselves are the same.
    """
    if align_corners:
        centres = np.arange(count) * (n - 1) / max(count - 1, 1)
    else:
        centres = np.clip((np.arange(count) + 0.5) * n / count - 0.5, 0, n - 1)
    weights: Array = np.maximum(0.0, 1.0 - np.abs(centres[:, None] - np.arange(n)))
    return weights


def interpolations(op: ops.Resampled, x: Array) -> tuple[Array, Array]:
    """The weights along both axes."""
    size = zip(x.shape[2:], op.output(x.shape[1:])[1:], strict=True)
    rows, columns = (interpolation(*axis, op.align_corners) for axis in size)
    return rows, columns


def upsample(op: ops.Resampled, x: Array, *_: object) -> Array:
    """Each pixel repeated, or the linear interpolation of its neighbours along both axes."""
    if op.mode is ops.Resampling.NEAREST:
        h, w = op.output(x.shape[1:])[1:]
        return x.repeat(h // x.shape[2], 2).repeat(w // x.shape[3], 3)
    rows, columns = interpolations(op, x)
    y: Array = np.einsum("yh,nchw,xw->ncyx", rows, x, columns, optimize=True)
    return y


MEANINGS: dict[type[Op], Meaning] = {
    ops.Conv: conv,
    ops.StdConv: std_conv,
    ops.ConvTranspose: conv_transpose,
    ops.Linear: linear,
    ops.BatchNorm: batch_norm,
    ops.LayerNorm: layer_norm,
    ops.GroupNorm: group_norm,
    ops.InstanceNorm: instance_norm,
    **FUNCTIONS,
    ops.MaxPool: max_pool,
    ops.AvgPool: avg_pool,
    ops.AdaptiveAvgPool: adaptive_avg_pool,
    ops.AdaptiveMaxPool: adaptive_max_pool,
    ops.GlobalAvgPool: global_avg_pool,
    ops.GlobalMaxPool: global_max_pool,
    ops.Flatten: flatten,
    ops.Unflatten: unflatten,
    ops.Dropout: drop,
    ops.StochasticDepth: drop,
    ops.LayerScale: layer_scale,
    ops.Scale: scale,
    ops.Pad: pad_map,
    ops.PadChannels: pad_channels,
    ops.SliceChannels: slice_channels,
    ops.ChannelShuffle: channel_shuffle,
    ops.DepthToSpace: depth_to_space,
    ops.SpaceToDepth: space_to_depth,
    ops.Permute: permute,
    ops.Upsample: upsample,
    ops.UpsampleTo: upsample,
    ops.SplitSoftmax: split_softmax,
    ops.ChannelMean: channel_mean,
    ops.ChannelMax: channel_max,
    ops.ChannelConv: channel_conv,
    ops.LocalResponseNorm: local_response_norm,
    ops.GlobalResponseNorm: global_response_norm,
}
