"""Dropped values and branches, learned and constant factors."""

from __future__ import annotations

from typing import cast

import numpy as np

from ... import ops
from ..arrays import Array, Params


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
