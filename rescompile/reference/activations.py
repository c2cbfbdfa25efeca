"""The elementwise functions and the slopes of all that are functions of one number."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import ops
from ..ops import Op
from .arrays import Array, Params, per_channel


def relu(op: ops.Relu, x: Array, *_: object) -> Array:
    return np.maximum(x, 0.0)


def relu6(op: ops.Relu6, x: Array, *_: object) -> Array:
    return np.clip(x, 0.0, 6.0)


def leaky_relu(op: ops.LeakyRelu, x: Array, *_: object) -> Array:
    return np.where(x > 0, x, op.slope * x)


def prelu(op: ops.Prelu, x: Array, p: Params, *_: object) -> Array:
    """w x where x is negative; w is a number, or one for each channel."""
    return np.where(x > 0, x, x * per_channel(p["weight"], x))


def sigmoid(op: ops.Sigmoid, x: Array, *_: object) -> Array:
    """1 / (1 + exp(-x)), written so that no exponential overflows."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def hard_sigmoid(op: ops.HardSigmoid, x: Array, *_: object) -> Array:
    return np.clip(x + 3.0, 0.0, 6.0) / 6.0


def tanh(op: ops.Tanh, x: Array, *_: object) -> Array:
    return np.tanh(x)


def silu(op: ops.Silu, x: Array, *_: object) -> Array:
    return x * sigmoid(ops.Sigmoid(), x)


def hard_swish(op: ops.HardSwish, x: Array, *_: object) -> Array:
    return x * hard_sigmoid(ops.HardSigmoid(), x)


def gelu_cdf(x: Array) -> Array:
    """Phi(x) = erfc(-x / sqrt(2)) / 2, which keeps its digits where x is negative."""
    scaled = (-x / math.sqrt(2.0)).ravel()
    return np.fromiter(map(math.erfc, scaled), np.float64, x.size).reshape(x.shape) / 2.0


def gelu(op: ops.Gelu, x: Array, *_: object) -> Array:
    """x Phi(x), Phi being the cumulative normal distribution."""
    return x * gelu_cdf(x)


def elu(op: ops.Elu, x: Array, *_: object) -> Array:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0.0)))


SELU_SCALE, SELU_ALPHA = 1.0507009873554804934, 1.6732632423543772848  # Klambauer et al. 2017


def selu(op: ops.Selu, x: Array, *_: object) -> Array:
    return np.where(x > 0, SELU_SCALE * x, SELU_SCALE * SELU_ALPHA * np.expm1(np.minimum(x, 0.0)))


def softplus(op: ops.Softplus, x: Array, *_: object) -> Array:
    """log(1 + exp(x)), written so that no exponential overflows."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def softsign(op: ops.Softsign, x: Array, *_: object) -> Array:
    return x / (1.0 + np.abs(x))


def mish(op: ops.Mish, x: Array, *_: object) -> Array:
    return x * np.tanh(softplus(ops.Softplus(), x))


def celu(op: ops.Celu, x: Array, *_: object) -> Array:
    return np.where(x > 0, x, op.alpha * np.expm1(np.minimum(x, 0.0) / op.alpha))


def log_sigmoid(op: ops.LogSigmoid, x: Array, *_: object) -> Array:
    return -softplus(ops.Softplus(), -x)


def hard_tanh(op: ops.HardTanh, x: Array, *_: object) -> Array:
    return np.clip(x, -1.0, 1.0)


def hard_shrink(op: ops.HardShrink, x: Array, *_: object) -> Array:
    return np.where(np.abs(x) > op.threshold, x, 0.0)


def soft_shrink(op: ops.SoftShrink, x: Array, *_: object) -> Array:
    return x - np.clip(x, -op.threshold, op.threshold)


def tanh_shrink(op: ops.TanhShrink, x: Array, *_: object) -> Array:
    return x - np.tanh(x)


def threshold(op: ops.Threshold, x: Array, *_: object) -> Array:
    return np.where(x > op.threshold, x, op.value)


def log_softmax(op: ops.LogSoftmax, x: Array, *_: object) -> Array:
    less = x - x.max(1, keepdims=True)
    y: Array = less - np.log(np.exp(less).sum(1, keepdims=True))
    return y


def softmax(op: ops.Softmax, x: Array, *_: object) -> Array:
    """exp(x) over its sum along the channels; the maximum is subtracted, which cancels."""
    raised = np.exp(x - x.max(1, keepdims=True))
    quotient: Array = raised / raised.sum(1, keepdims=True)
    return quotient


def _silu_slope(op: ops.Silu, x: Array, y: Array) -> Array:
    gate = sigmoid(ops.Sigmoid(), x)
    return gate + y * (1.0 - gate)


def _gelu_slope(op: ops.Gelu, x: Array, y: Array) -> Array:
    return gelu_cdf(x) + x * np.exp(-x * x / 2.0) / math.sqrt(2.0 * math.pi)


def _selu_slope(op: ops.Selu, x: Array, y: Array) -> Array:
    return SELU_SCALE * np.where(x > 0, 1.0, SELU_ALPHA * np.exp(np.minimum(x, 0.0)))


def _mish_slope(op: ops.Mish, x: Array, y: Array) -> Array:
    gate = np.tanh(softplus(ops.Softplus(), x))
    return gate + x * (1.0 - gate * gate) * sigmoid(ops.Sigmoid(), x)


FUNCTIONS: dict[type[Op], Callable[..., Array]] = {
    ops.Relu: relu,
    ops.Relu6: relu6,
    ops.LeakyRelu: leaky_relu,
    ops.Prelu: prelu,
    ops.Sigmoid: sigmoid,
    ops.HardSigmoid: hard_sigmoid,
    ops.Tanh: tanh,
    ops.Silu: silu,
    ops.HardSwish: hard_swish,
    ops.Gelu: gelu,
    ops.Elu: elu,
    ops.Celu: celu,
    ops.Selu: selu,
    ops.Softplus: softplus,
    ops.Softsign: softsign,
    ops.Mish: mish,
    ops.LogSigmoid: log_sigmoid,
    ops.HardTanh: hard_tanh,
    ops.HardShrink: hard_shrink,
    ops.SoftShrink: soft_shrink,
    ops.TanhShrink: tanh_shrink,
    ops.Threshold: threshold,
    ops.Softmax: softmax,
    ops.LogSoftmax: log_softmax,
}
# At x, of a function whose value there is y.
SLOPES: dict[type[Op], Callable[[Any, Array, Array], npt.NDArray[Any]]] = {
    ops.Relu: lambda op, x, y: x > 0,
    ops.Relu6: lambda op, x, y: (x > 0) & (x < 6),
    ops.LeakyRelu: lambda op, x, y: np.where(x > 0, 1.0, op.slope),
    ops.Sigmoid: lambda op, x, y: y * (1.0 - y),
    ops.HardSigmoid: lambda op, x, y: (np.abs(x) < 3) / 6.0,
    ops.Tanh: lambda op, x, y: 1.0 - y * y,
    ops.Silu: _silu_slope,
    ops.HardSwish: lambda op, x, y: np.where(np.abs(x) < 3, (2.0 * x + 3.0) / 6.0, x > 0),
    ops.Gelu: _gelu_slope,
    ops.Elu: lambda op, x, y: np.exp(np.minimum(x, 0.0)),
    ops.Celu: lambda op, x, y: np.exp(np.minimum(x, 0.0) / op.alpha),
    ops.Selu: _selu_slope,
    ops.Softplus: lambda op, x, y: sigmoid(ops.Sigmoid(), x),
    ops.Softsign: lambda op, x, y: 1.0 / (1.0 + np.abs(x)) ** 2,
    ops.Mish: _mish_slope,
    ops.LogSigmoid: lambda op, x, y: sigmoid(ops.Sigmoid(), -x),
    ops.HardTanh: lambda op, x, y: np.abs(x) < 1,
    ops.HardShrink: lambda op, x, y: np.abs(x) > op.threshold,
    ops.SoftShrink: lambda op, x, y: np.abs(x) > op.threshold,
    ops.TanhShrink: lambda op, x, y: np.tanh(x) ** 2,
    ops.Threshold: lambda op, x, y: x > op.threshold,
}
