"""Normalisations by the strength of what channels say."""

from __future__ import annotations

import numpy as np

from ... import ops
from ..arrays import Array, Params, ints, spatial
from .attention import neighbours
from .norm import affine


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
    return x + affine(x * each / mean, p)
