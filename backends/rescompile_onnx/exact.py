"""Float64 by ONNX's reference, where that is wrong. Only measurements come here.

Found on onnx 1.23: numbers of nodes are kept in 32 bits, those of Gelu and the epsilon of group
norms too; transposed convolutions in groups, and max pools of stride 1 in ceil mode fail; mean
pools in ceil mode are wrong over one axis and two; global maxima are over the last two axes, also
of one or three; LogSoftmax is -inf where Softmax is 0; the kernel of a dilated convolution has its
gaps, 20 GB in DeepLabV3; functions of a model do not get `new_ops`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx
from numpy.lib.stride_tricks import sliding_window_view
from onnx import AttributeProto, inliner
from onnx.reference import ReferenceEvaluator, op_run
from onnx.reference.ops import op_average_pool, op_conv, op_conv_transpose, op_max_pool

Convolution: Any = op_conv.Conv
Transposed: Any = op_conv_transpose.ConvTranspose  # their types are not those of their attributes
Mean: Any = op_average_pool.AveragePool_19
Pool: Any = op_max_pool.MaxPool

# What no short decimal is.
EXACT = {np.float32(v): v for v in (1 / 6, 1.6732632423543772848170, 1.0507009873554804934193)}


class Gelu(op_run.OpRun):
    op_domain = ""

    def _run(self, x: Any, approximate: str = "none") -> tuple[Any]:
        return (x * (1 + np.vectorize(math.erf, otypes=[x.dtype])(x / math.sqrt(2))) / 2,)


class Conv(Convolution):  # type: ignore[misc]
    op_domain = ""

    def _run(self, x: Any, w: Any, b: Any = None, **how: Any) -> tuple[Any]:
        """With a dilation, a sum over the pixels of the kernel; `pads` are given then."""
        steps, groups, axes = how["dilations"], how["group"], range(2, x.ndim)
        if steps is None or set(steps) == {1}:
            return (super()._run(x, w, b, **how)[0],)
        pads = np.reshape(how["pads"] or [0, 0] * len(axes), (2, -1))
        x = np.pad(x, [(0, 0), (0, 0), *zip(*pads, strict=True)])
        strides = how["strides"] or [1 for _ in axes]
        ends = [x.shape[i] - (w.shape[i] - 1) * d for i, d in zip(axes, steps, strict=True)]
        total: Any = 0.0 if b is None else b.reshape(-1, *[1 for _ in axes])
        for pixel in np.ndindex(*w.shape[2:]):
            starts = [i * d for i, d in zip(pixel, steps, strict=True)]
            seen = (slice(a, a + n, s) for a, n, s in zip(starts, ends, strides, strict=True))
            given = np.split(x[(slice(None), slice(None), *seen)], groups, axis=1)
            taps = np.split(w[(slice(None), slice(None), *pixel)], groups)
            pairs = zip(given, taps, strict=True)
            made = [np.einsum("nc...,oc->no...", part, tap) for part, tap in pairs]
            total = total + np.concatenate(made, axis=1)
        return (total,)


class ConvTranspose(Transposed):  # type: ignore[misc]
    op_domain = ""

    def _run(self, x: Any, w: Any, b: Any = None, group: int = 1, **how: Any) -> tuple[Any]:
        cut = [np.split(given, group, axis) for given, axis in ((x, 1), (w, 0))]
        shift = [None] * group if b is None else np.split(b, group)
        run = super()._run
        made = [run(*one, group=1, **how)[0] for one in zip(*cut, shift, strict=True)]
        return (np.concatenate(made, axis=1),)


class GroupNormalization(op_run.OpRun):
    op_domain = ""

    def _run(
        self, x: Any, scale: Any, bias: Any, epsilon: float, num_groups: int, stash_type: int
    ) -> tuple[Any]:
        y = x.reshape(len(x), num_groups, -1)
        y = y - y.mean(axis=2, keepdims=True)
        y = y / np.sqrt((y * y).mean(axis=2, keepdims=True) + epsilon)
        each = (-1, *[1] * (x.ndim - 2))
        return (y.reshape(x.shape) * scale.reshape(each) + bias.reshape(each),)


class MaxPool(Pool):  # type: ignore[misc]
    op_domain = ""

    def _run(self, x: Any, **how: Any) -> tuple[Any]:
        return (self._max_pool(x, **how)[0],)


class AveragePool(Mean):  # type: ignore[misc]
    op_domain = ""

    def _run(self, x: Any, **how: Any) -> tuple[Any]:
        """In ceil mode, sums over counts; what that adds beyond the padding never counts."""
        if not how["ceil_mode"]:
            return (super()._run(x, **how)[0],)
        kernel, axes = how["kernel_shape"], range(2, x.ndim)
        strides = how["strides"] or [1 for _ in axes]
        pads = np.reshape(how["pads"] or [0, 0] * len(axes), (2, -1))
        sides = [(0, 0), (0, 0), *zip(*pads, strict=True)]
        counted = np.pad(np.ones_like(x), sides, constant_values=how["count_include_pad"])
        beyond = [(0, 0), (0, 0)]
        for axis, size, step in zip(axes, kernel, strides, strict=True):
            more = -(counted.shape[axis] - size) % step
            last = counted.shape[axis] + more - size  # where the last window starts: in the map
            beyond.append((0, more if last < x.shape[axis] + sides[axis][0] else 0))
        every: Any = (
            ...,
            *(slice(None, None, step) for step in strides),
            *(slice(None) for _ in axes),
        )

        def summed(y: Any) -> Any:
            seen = sliding_window_view(np.pad(y, beyond), kernel, axis=tuple(axes))[every]
            return seen.sum(axis=tuple(range(x.ndim, seen.ndim)))

        return (summed(np.pad(x, sides)) / summed(counted),)


class GlobalMaxPool(op_run.OpRun):
    op_domain = ""

    def _run(self, x: Any) -> tuple[Any]:
        return (x.max(axis=tuple(range(2, x.ndim)), keepdims=True),)


class LogSoftmax(op_run.OpRun):
    op_domain = ""

    def _run(self, x: Any, axis: int) -> tuple[Any]:
        below = x - x.max(axis=axis, keepdims=True)
        return (below - np.log(np.exp(below).sum(axis=axis, keepdims=True)),)


def number(given: AttributeProto) -> float:
    """What a node means by a number: the decimal that was written."""
    return EXACT.get(np.float32(given.f), float(str(np.float32(given.f))))


OPERATORS = [
    *(Gelu, Conv, ConvTranspose, GroupNormalization, AveragePool, MaxPool, GlobalMaxPool),
    LogSoftmax,
]


def run(model: onnx.ModelProto, inputs: dict[str, Any]) -> list[Any]:
    """The outputs, with the numbers that nodes mean."""
    inside: Any = op_run
    known, kind = inside._attribute_conversion_function, AttributeProto.FLOAT
    inside._attribute_conversion_function = lambda one: number if one == kind else known(one)
    try:
        flat = inliner.inline_local_functions(model)
        evaluator = ReferenceEvaluator(flat, new_ops=OPERATORS)
    finally:
        inside._attribute_conversion_function = known
    return list(evaluator.run(None, inputs))
