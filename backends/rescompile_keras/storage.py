"""What Keras keeps for each operation: under which names, in which order, and how it lies.

Files of weights and the models themselves are read by this one table. It has an entry for each op
that owns a tensor; nothing here needs Keras.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rescompile import ops
from rescompile.ops import Op
from rescompile.record import record

from .layers import UNBIASED


class Layout:
    """How a weight lies in Keras, seen from PyTorch's; `to` and `back` are exact inverses."""

    def to(self, array: Any) -> Any:
        return array

    def back(self, array: Any) -> Any:
        return array


class ConvLayout(Layout):
    """OIHW to HWIO; of a transposed convolution IOHW to HWOI, which moves the axes alike."""

    def to(self, array: Any) -> Any:
        return array.transpose(2, 3, 1, 0)

    def back(self, array: Any) -> Any:
        return array.transpose(3, 2, 0, 1)


class DepthwiseLayout(Layout):
    """(channels * multiplier, 1, H, W) to (H, W, channels, multiplier)."""

    def __init__(self, channels: int) -> None:
        self.channels = channels

    def to(self, array: Any) -> Any:
        out, _, height, width = array.shape
        split = array.reshape(self.channels, out // self.channels, height, width)
        return split.transpose(2, 3, 0, 1)

    def back(self, array: Any) -> Any:
        height, width, channels, multiplier = array.shape
        return array.transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)


class DenseLayout(Layout):
    """(out, in) to (in, out); behind a flatten the rows go from C, H, W to H, W, C."""

    def __init__(self, shape: tuple[int, int, int] | None) -> None:
        self.shape = shape

    def to(self, array: Any) -> Any:
        if self.shape is not None:
            array = array.reshape(-1, *self.shape).transpose(0, 2, 3, 1).reshape(array.shape)
        return array.T

    def back(self, array: Any) -> Any:
        array = array.T
        if self.shape is not None:
            channels, height, width = self.shape
            stacked = array.reshape(-1, height, width, channels)
            array = stacked.transpose(0, 3, 1, 2).reshape(array.shape)
        return array


class ScaleLayout(Layout):
    """(C, 1, 1) to (C,), or a vector as it is."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def to(self, array: Any) -> Any:
        return array.reshape(-1)

    def back(self, array: Any) -> Any:
        return array.reshape(self.shape)


@record
class Storage:
    """The classes of an operation's layer; its variables, in order, by their names in PyTorch."""

    layers: tuple[str, ...]
    variables: Mapping[str, str]


DEPTHWISE = "DepthwiseConv2D"
WEIGHTED = {"weight": "kernel", "bias": "bias"}
NORM = {"weight": "gamma", "bias": "beta"}
RUNNING = {"running_mean": "moving_mean", "running_var": "moving_variance"}
STORAGE: dict[type[Op], Storage] = {
    ops.Conv: Storage(("Conv2D", DEPTHWISE), WEIGHTED),
    ops.ConvTranspose: Storage(("Conv2DTranspose",), WEIGHTED),
    ops.Linear: Storage(("Dense",), WEIGHTED),
    ops.BatchNorm: Storage(("BatchNormalization", UNBIASED), {**NORM, **RUNNING}),
    ops.LayerNorm: Storage(("LayerNormalization",), NORM),
    ops.GroupNorm: Storage(("GroupNormalization",), NORM),
    ops.LayerScale: Storage(("LayerScale",), {"": "scale"}),
}


def layout_of(
    op: Op, x: ops.Shape, leaf: str, layer: str, order: tuple[int, int, int] | None
) -> Layout:
    """How the tensor `leaf` of a bound op on input shape `x` lies in a layer of class `layer`.

    `order` is what was flattened before a linear layer, where that did not keep PyTorch's order.
    """
    if isinstance(op, ops.LayerScale):
        return ScaleLayout(op.parameters(x)[0].shape)
    if leaf != "weight":
        return Layout()
    if layer == DEPTHWISE:
        return DepthwiseLayout(x[0])
    if isinstance(op, ops.Linear):
        return DenseLayout(order)
    return ConvLayout() if isinstance(op, (ops.Conv, ops.ConvTranspose)) else Layout()
