"""Through convolutions."""

from __future__ import annotations

from math import prod

import numpy as np

from ... import ops
from ..arrays import Array, Params, ints, pad, spatial, window_axes, windows
from ..forward.convolution import patches, std_weight
from .pulled import Pulled, fold, over_channel, unpad


def conv(op: ops.Conv, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    groups, pads = ints((op.groups,))[0], op.pads(x.shape[1:])
    weight = p["weight"].reshape(groups, len(p["weight"]) // groups, -1)
    grouped = dy.reshape(len(y), groups, -1, prod(y.shape[2:]))
    given = {"weight": (grouped @ patches(op, x).swapaxes(2, 3)).sum(0).reshape(p["weight"].shape)}
    if op.bias:
        given["bias"] = over_channel(dy)
    seen = weight.swapaxes(1, 2) @ grouped
    seen = seen.reshape(len(y), x.shape[1], *ints(op.kernel), *y.shape[2:])
    seen = np.moveaxis(seen, spatial(x), window_axes(seen))
    padded = fold(seen, np.zeros_like(pad(x, pads)), ints(op.stride), ints(op.dilation))
    return unpad(padded, x, pads), given


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
        given["bias"] = over_channel(dy)
    dx: Array = np.einsum("gcoi,ngoxi->ngcx", weight, seen, optimize=True)
    return dx.reshape(x.shape), given
