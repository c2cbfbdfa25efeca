"""Modules with weights, and what holds others."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx_ir as ir
from onnxscript import OpBuilder, nn

from .export import conv_init, linear_init, parameter


class Sequential(nn.Sequential):
    """Members one after the other, which may have names; without any it does nothing."""

    def add_module(self, name: str, module: nn.Module) -> None:
        setattr(self, name, module)

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        for module in self:
            x = module(op, x)
        return x


class Apply(nn.Module):
    """An operator of ONNX, or a function of this file, as a module."""

    def __init__(self, kind: Any, *args: Any, **attributes: Any) -> None:
        super().__init__()
        self.kind, self.args, self.attributes = kind, args, attributes

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        if isinstance(self.kind, str):
            return getattr(op, self.kind)(x, *self.args, **self.attributes)
        return self.kind(op, x, *self.args, **self.attributes)


class Layer(nn.Module):
    """An operator of its class' name, which takes its weights in their order."""

    def __init__(
        self, channels: int, shape: Sequence[int], start: Any, bias: bool = False, **attributes: Any
    ) -> None:
        super().__init__()
        self.weight = parameter(shape, start)
        self.bias = parameter([channels], 0.0) if bias else None
        self.attributes = attributes

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        apply = getattr(op, type(self).__name__)
        return apply(x, *self.parameters(), **self.attributes)


class Conv(Layer):
    def __init__(
        self, in_channels: int, channels: int, kernel: Sequence[int], group: int = 1, **how: Any
    ) -> None:
        shape = [channels, in_channels // group, *kernel]
        super().__init__(channels, shape, conv_init, group=group, **how)


class StdConv(Conv):
    """By weights of mean 0 and variance 1 for each output (Qiao et al. 2019, Brock et al. 2021)."""

    def __init__(
        self, *sizes: Any, epsilon: float = 1e-6, gain: bool = False, gamma: float = 1.0, **how: Any
    ) -> None:
        super().__init__(*sizes, **how)
        outputs, *window = self.weight.shape
        self.epsilon = epsilon
        self.scale = gamma / float(np.prod(window)) ** 0.5
        self.gain = parameter([outputs, 1, 1, 1], 1.0) if gain else None

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        weight = op.Sub(self.weight, op.ReduceMean(self.weight, [1, 2, 3]))
        variance = op.ReduceMean(op.Mul(weight, weight), [1, 2, 3])
        weight = op.Div(weight, op.Sqrt(op.Add(variance, self.epsilon)))
        if self.gain is not None:
            weight = op.Mul(weight, op.Mul(self.gain, self.scale))
        return op.Conv(x, weight, self.bias, **self.attributes)


class ConvTranspose(Layer):
    def __init__(
        self, in_channels: int, channels: int, kernel: Sequence[int], group: int = 1, **how: Any
    ) -> None:
        shape = [in_channels, channels // group, *kernel]
        super().__init__(channels, shape, conv_init, group=group, **how)


class Linear(Layer):
    """Of a vector, or at each position of a map whose channels are last."""

    def __init__(self, in_features: int, features: int, bias: bool = True) -> None:
        super().__init__(features, [features, in_features], linear_init, bias)

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        if len(x.shape) == 2:
            return op.Gemm(x, self.weight, self.bias, transB=1)
        y = op.MatMul(x, op.Transpose(self.weight, perm=[1, 0]))
        return y if self.bias is None else op.Add(y, self.bias)


class Normalization(Layer):
    """With a scale and a shift for each channel."""

    def __init__(self, channels: int, **attributes: Any) -> None:
        super().__init__(channels, [channels], 1.0, True, **attributes)


class BatchNormalization(Normalization):
    def __init__(self, channels: int, **attributes: Any) -> None:
        super().__init__(channels, **attributes)
        self.running_mean = parameter([channels], 0.0)
        self.running_var = parameter([channels], 1.0)


class InstanceNormalization(Normalization):
    pass


class GroupNormalization(Normalization):
    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        self.attributes["stash_type"] = x.dtype  # or it computes in float32
        y = super().forward(op, x)
        y.type, y.shape = x.type, x.shape  # which onnx does not infer
        return y


class LayerNormalization(Normalization):
    """Over the channels, which the operator wants last."""

    def __init__(self, channels: int, axis: int = -1, **attributes: Any) -> None:
        super().__init__(channels, **attributes)
        self.axis = axis

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        rank = len(x.shape)
        if self.axis == -1 or rank == 2:
            return super().forward(op, x)
        x = op.Transpose(x, perm=[0, *range(2, rank), 1])
        x = super().forward(op, x)
        return op.Transpose(x, perm=[0, rank - 1, *range(1, rank - 1)])


class PRelu(Layer):
    """A learned slope for each channel, or a `shared` one (He et al. 2015)."""

    def __init__(self, channels: int, start: float = 0.25, shared: bool = False) -> None:
        super().__init__(channels, [1 if shared else channels], start)

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        places = [*range(1, len(x.shape) - 1)]
        slope = op.Unsqueeze(self.weight, places) if places else self.weight
        return op.PRelu(x, slope)


class ChannelConv(Layer):
    """Along the channels of one pixel (Wang et al. 2020)."""

    def __init__(self, size: int, bias: bool = False) -> None:
        super().__init__(1, [1, 1, size], conv_init, bias)

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        pads = 2 * [self.weight.shape[2] // 2]
        y = op.Reshape(x, [0, 1, x.shape[1]])
        y = op.Conv(y, *self.parameters(), pads=pads)
        return op.Reshape(y, [0, *x.shape[1:]])


class GlobalResponseNorm(Layer):
    """Channels weighed by their norm over the map (Woo et al. 2023)."""

    def __init__(self, channels: int, axis: int = -1, epsilon: float = 1e-6) -> None:
        super().__init__(channels, [channels], 0.0, True)
        self.axis, self.epsilon = axis, epsilon

    def forward(self, op: OpBuilder, x: ir.Value) -> ir.Value:
        weight, bias, places = self.weight, self.bias, [1, 2]
        if self.axis == 1:
            weight = op.Unsqueeze(weight, [1, 2])
            bias = op.Unsqueeze(bias, [1, 2])
            places = [2, 3]
        norm = op.ReduceL2(x, places)
        mean = op.ReduceMean(norm, [self.axis])
        share = op.Div(norm, op.Add(mean, self.epsilon))
        y = op.Mul(op.Mul(x, share), weight)
        return op.Add(x, op.Add(y, bias))
