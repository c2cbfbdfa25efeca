"""Convolutions."""

from __future__ import annotations

from math import prod

import numpy as np

from ... import ops
from ..arrays import (
    Array,
    Params,
    area,
    inside,
    ints,
    pad,
    per_channel,
    spatial,
    window_axes,
    windows,
)
from .norm import standardise


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
