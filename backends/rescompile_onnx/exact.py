"""Float64 by ONNX's reference, where that is wrong, or has nothing. Only measurements come here.

Found on onnx 1.23: numbers of nodes are kept in 32 bits; there is no Gelu in a function, and
GroupNormalization computes in float32; transposed convolutions in groups, and max pools of stride 1
in ceil mode fail.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from onnx import AttributeProto
from onnx.reference import ReferenceEvaluator, op_run
from onnx.reference.ops import op_conv_transpose, op_max_pool

Transposed: Any = op_conv_transpose.ConvTranspose  # their types are not those of their attributes
Pool: Any = op_max_pool.MaxPool

# What no short decimal is.
EXACT = {np.float32(v): v for v in (1 / 6, 1.6732632423543772848170, 1.0507009873554804934193)}


class Gelu(op_run.OpRun):
    op_domain = ""

    def _run(self, x: Any, approximate: str = "none") -> tuple[Any]:
        return (x * (1 + np.vectorize(math.erf, otypes=[x.dtype])(x / math.sqrt(2))) / 2,)


class GroupNormalization(op_run.OpRun):
    op_domain = ""

    def _run(self, x: Any, scale: Any, bias: Any, **how: Any) -> tuple[Any]:
        parts = x.reshape(len(x), how["num_groups"], -1)
        mean, variance = parts.mean(-1, keepdims=True), parts.var(-1, keepdims=True)
        y = ((parts - mean) / np.sqrt(variance + how["epsilon"])).reshape(x.shape)
        shape = (-1, *(1 for _ in x.shape[2:]))
        return (y * scale.reshape(shape) + bias.reshape(shape),)


class ConvTranspose(Transposed):  # type: ignore[misc]
    op_domain = ""

    def _run(self, x: Any, w: Any, b: Any = None, group: int = 1, **how: Any) -> tuple[Any]:
        cut = [np.split(given, group, axis) for given, axis in ((x, 1), (w, 0))]
        shift = [None] * group if b is None else np.split(b, group)
        run = super()._run
        made = [run(*one, group=1, **how)[0] for one in zip(*cut, shift, strict=True)]
        return (np.concatenate(made, axis=1),)


class MaxPool(Pool):  # type: ignore[misc]
    op_domain = ""

    def _run(self, x: Any, **how: Any) -> tuple[Any]:
        return (self._max_pool(x, **how)[0],)


class Evaluator(ReferenceEvaluator):
    """It has these in functions as well."""

    def __init__(self, *given: Any, **how: Any) -> None:
        new = [Gelu, GroupNormalization, ConvTranspose, MaxPool]
        super().__init__(*given, **{**how, "new_ops": new})


def number(given: AttributeProto) -> float:
    """What a node means by a number: the decimal that was written."""
    return EXACT.get(np.float32(given.f), float(str(np.float32(given.f))))


@contextmanager
def decimals() -> Iterator[None]:
    """Inside, nodes are built with the numbers that they mean."""
    inside: Any = op_run
    known, kind = inside._attribute_conversion_function, AttributeProto.FLOAT
    inside._attribute_conversion_function = lambda one: number if one == kind else known(one)
    try:
        yield
    finally:
        inside._attribute_conversion_function = known
