"""Through normalisations."""

from __future__ import annotations

import numpy as np

from ... import ops
from ..arrays import Array, Params, ints, per_channel, spatial
from ..forward.norm import batch_moments, standardise
from .pulled import Pulled, over_channel


def unaffine(standard: Array, p: Params, dy: Array) -> Pulled:
    """Through scale and shift."""
    given = {"weight": over_channel(dy * standard), "bias": over_channel(dy)}
    return dy * per_channel(p["weight"], dy), given


def unstandardise(standard: Array, deviation: Array, dy: Array, axes: tuple[int, ...]) -> Array:
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
    inner, given = unaffine(standard, p, dy)
    if not training:
        return inner / deviation, given
    return unstandardise(standard, deviation, inner, (0, *range(2, x.ndim))), given


def layer_norm(
    op: ops.LayerNorm, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    standard, deviation = standardise(x, (1,), op.epsilon)
    inner, given = unaffine(standard, p, dy)
    return unstandardise(standard, deviation, inner, (1,)), given


def group_norm(
    op: ops.GroupNorm, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    grouped = (len(x), *ints((op.groups,)), -1)
    standard, deviation = standardise(x.reshape(grouped), (2,), op.epsilon)
    inner, given = unaffine(standard.reshape(x.shape), p, dy)
    pulled = unstandardise(standard, deviation, inner.reshape(grouped), (2,))
    return pulled.reshape(x.shape), given


def instance_norm(
    op: ops.InstanceNorm, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    standard, deviation = standardise(x, spatial(x), op.epsilon)
    inner, given = unaffine(standard, p, dy)
    return unstandardise(standard, deviation, inner, spatial(x)), given
