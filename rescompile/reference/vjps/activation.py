"""Through activations that are no function of one number."""

from __future__ import annotations

import numpy as np

from ... import ops
from ..arrays import Array, Params, per_channel
from .pulled import Pulled, over_channel


def prelu(op: ops.Prelu, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    slope = np.where(x > 0, 1.0, per_channel(p["weight"], x))
    given = over_channel(dy * np.minimum(x, 0.0))
    return dy * slope, {"weight": given.sum(keepdims=True) if op.shared else given}


def softmax(op: ops.Softmax, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    return y * (dy - (dy * y).sum(1, keepdims=True)), {}


def log_softmax(
    op: ops.LogSoftmax, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    return dy - np.exp(y) * dy.sum(1, keepdims=True), {}
