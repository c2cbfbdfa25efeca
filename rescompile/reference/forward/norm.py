"""Normalisations."""

from __future__ import annotations

import numpy as np

from ... import ops
from ..arrays import Array, Params, ints, per_channel, spatial


def affine(x: Array, p: Params) -> Array:
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
    return affine(centred / np.sqrt(per_channel(var, x) + op.epsilon), p)


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
    return affine(standardise(x, (1,), op.epsilon)[0], p)


def group_norm(op: ops.GroupNorm, x: Array, p: Params, *_: object) -> Array:
    """Mean 0 and variance 1 over each group of channels at all positions, scaled and shifted."""
    grouped = x.reshape(len(x), *ints((op.groups,)), -1)
    return affine(standardise(grouped, (2,), op.epsilon)[0].reshape(x.shape), p)


def instance_norm(op: ops.InstanceNorm, x: Array, p: Params, *_: object) -> Array:
    """Mean 0 and variance 1 over the positions of each channel, scaled and shifted."""
    return affine(standardise(x, spatial(x), op.epsilon)[0], p)
