"""The meaning of every operation, each a definition in NumPy float64 (`MEANINGS`).

A meaning takes the bound operation, its input, (N, C, *spatial) or (N, C), its parameters by leaf
name in PyTorch's layout, and whether the network is in training, and returns the output with the
batch.
Evaluation is PyTorch's `eval()`. In training, BatchNorm normalises by the statistics of the batch,
and an operation that draws random numbers is refused unless its rate is zero: no two programs draw
the same ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import prod
from typing import Any, cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .. import ops
from ..expr.dims import Dim
from ..ops import Op, Shape
from ..ops.window import ends
from .activations import FUNCTIONS
from .activations import Array as Array

Params = Mapping[str, Array]
Meaning = Callable[[Any, Array, Params, bool], Array]


def ints(dims: tuple[Dim, ...]) -> tuple[int, ...]:
    return tuple(cast(int, dim) for dim in dims)


def pad(x: Array, padding: tuple[int, ...], fill: float = 0.0) -> Array:
    """`x` with `fill` around its maps; `padding` is before and after each axis in turn."""
    widths = ((0, 0), (0, 0), *zip(padding[::2], padding[1::2], strict=True))
    return np.pad(x, widths, constant_values=fill)


def windows(
    x: Array, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...] = ()
) -> Array:
    """Every window that lies inside the maps of `x`: (N, C, *their places, *kernel), a view."""
    dilation = dilation or (1,) * len(kernel)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    seen = sliding_window_view(x, reach, axis=spatial(x))
    steps = (slice(None, None, step) for step in (*stride, *dilation))
    return seen[(slice(None), slice(None), *steps)]


def inside(places: Iterable[int | slice]) -> Any:
    """The index of some places in the maps of all samples and channels."""
    return (..., *places)


def spatial(x: Array) -> tuple[int, ...]:
    """The axes of its maps."""
    return tuple(range(2, x.ndim))


def window_axes(seen: Array) -> tuple[int, ...]:
    """The axes within the windows that `windows` gives."""
    return tuple(range(seen.ndim // 2 + 1, seen.ndim))


def along(x: Array, matrices: Sequence[Array]) -> Array:
    """Each axis of the maps of `x` by a matrix, whose rows weigh its pixels."""
    for axis, matrix in enumerate(matrices, 2):
        x = np.moveaxis(np.tensordot(x, matrix, (axis, 1)), -1, axis)
    return x


def per_channel(v: Array, x: Array) -> Array:
    """A vector of C numbers, shaped to meet `x` along its channels."""
    return v.reshape(-1, *(1 for _ in x.shape[2:]))


def patches(op: ops.Conv, x: Array) -> Array:
    """im2col: for each sample and group a matrix of (channel, place in a window) by windows."""
    stride, dilation, (groups,) = ints(op.stride), ints(op.dilation), ints((op.groups,))
    seen = windows(pad(x, op.pads(x.shape[1:])), ints(op.kernel), stride, dilation)
    count = prod(seen.shape[2 : seen.ndim // 2 + 1])
    seen = np.moveaxis(seen, window_axes(seen), spatial(x))
    return seen.reshape(len(x), groups, -1, count)


def conv(op: ops.Conv, x: Array, p: Params, *_: object) -> Array:
    """y[o] = b[o] + sum over c and i of w[o, c, i] x[c] at the window's pixel i.

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
    return standardise(p["weight"], (1, *spatial(x)), op.epsilon)


def std_conv(op: ops.StdConv, x: Array, p: Params, *_: object) -> Array:
    """A convolution by standardised weights, times a factor and the gain if there is one."""
    weight = std_weight(op, x, p)[0] * op.factor(x.shape[1:])
    return conv(op, x, {**p, "weight": weight * p["gain"] if op.gain else weight})


def conv_transpose(op: ops.ConvTranspose, x: Array, p: Params, *_: object) -> Array:
    """Each pixel of x[c] adds w[c, o, i] x[c] to y[o], i pixels after its own place.

    Its own place is where its coordinates, times the stride, fall. Of what that gives, padding is
    cut off on both sides; output padding is pixels after it that nothing reaches.
    """
    (groups,) = ints((op.groups,))
    kernel, stride, cut = map(ints, (op.kernel, op.stride, op.padding))
    (n, c, *extents), (out, *made) = x.shape, op.output(x.shape[1:])
    weight = p["weight"].reshape(groups, c // groups, out // groups, *kernel)
    grouped = x.reshape(n, groups, c // groups, *extents)
    whole = np.zeros((n, out, *(size + 2 * pad for size, pad in zip(made, cut, strict=True))))
    for place in np.ndindex(*kernel):
        part = np.einsum("gco,ngc...->ngo...", weight[inside(place)], grouped, optimize=True)
        whole[inside(area(place, extents, stride))] += part.reshape(n, out, *extents)
    inner = (slice(pad, pad + size) for pad, size in zip(cut, made, strict=True))
    y: Array = whole[inside(inner)]
    return y + per_channel(p["bias"], y) if op.bias else y


def area(
    place: tuple[int, ...], extents: Sequence[int], stride: tuple[int, ...]
) -> tuple[slice, ...]:
    """Along each axis as many pixels as `extents` says, from a place on, a stride apart."""
    axes = zip(place, extents, stride, strict=True)
    return tuple(slice(start, start + (n - 1) * step + 1, step) for start, n, step in axes)


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
    return _affine(standardise(x, spatial(x), op.epsilon)[0], p)


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
    return x * factors(x, p)


def factors(x: Array, p: Params) -> Array:
    """Those of each channel, or the one of all, to meet all positions of `x`."""
    return np.reshape(p[""], (-1, *(1 for _ in x.shape[2:])))


def scale(op: ops.Scale, x: Array, *_: object) -> Array:
    return x * cast(float, op.factor)


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


def lengths(op: ops.L2Norm, x: Array) -> Array:
    """The norm along the channels at each position, or epsilon where that is more."""
    found: Array = np.maximum(np.sqrt((x * x).sum(1, keepdims=True)), op.epsilon)
    return found


def l2_norm(op: ops.L2Norm, x: Array, *_: object) -> Array:
    return x / lengths(op, x)


def norms(op: ops.GlobalResponseNorm, x: Array) -> tuple[Array, Array]:
    """Of each channel the norm over all positions, and the mean of all with epsilon."""
    each: Array = np.sqrt((x * x).sum(spatial(x), keepdims=True))
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


def resampling(op: ops.Resampled, x: Array) -> list[Array]:
    """Along each axis, how much each pixel weighs in each pixel of the enlarged map."""
    sizes = zip(x.shape[2:], op.output(x.shape[1:])[1:], strict=True)
    if op.mode is ops.Resampling.NEAREST:
        return [np.eye(n).repeat(count // n, 0) for n, count in sizes]
    return [interpolation(n, count, op.align_corners) for n, count in sizes]


def upsample(op: ops.Resampled, x: Array, *_: object) -> Array:
    """Each pixel repeated, or the linear interpolation of its neighbours along all axes."""
    return along(x, resampling(op, x))


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
    ops.GlobalAttentionPool: global_attention_pool,
    ops.Flatten: flatten,
    ops.Unflatten: unflatten,
    ops.Dropout: drop,
    ops.StochasticDepth: drop,
    ops.LayerScale: layer_scale,
    ops.Scale: scale,
    ops.Pad: pad_map,
    ops.Crop: crop,
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
    ops.L2Norm: l2_norm,
    ops.GlobalResponseNorm: global_response_norm,
}
