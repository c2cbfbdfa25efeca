"""The vocabulary of the stand-in: Keras' layers and functions, with its arguments and defaults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from rescompile import ops
from rescompile.emit.validation import TraceError
from rescompile.ir.structure import JoinKind
from rescompile.ops import Op

from .standin import (
    LAST,
    NONE,
    Mean,
    Share,
    Sides,
    Size,
    Tracer,
    Value,
    _pair,
    _plus,
    _sides,
    batch_norm,
)
from .standin_initial import INITIALIZERS, Initial

Call = Callable[[Value], Value]
ACTIVATIONS: dict[str, type[Op]] = {
    "sigmoid": ops.Sigmoid,
    "hard_sigmoid": ops.HardSigmoid,
    "tanh": ops.Tanh,
    "silu": ops.Silu,
    "hard_swish": ops.HardSwish,
    "gelu": ops.Gelu,
}


@dataclass
class Model:
    """`keras.Model`: what it gives."""

    inputs: Value
    given: Any
    name: str = ""

    @property
    def outputs(self) -> list[Value]:
        return self.given if isinstance(self.given, list) else [self.given]


class Layers:
    """`keras.layers`: each method is a class there, and what it returns a layer to call."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer
        self.Layer = object

    # -- with weights ----------------------------------------------------------------------------

    def Conv2D(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str = LAST,
        dilation_rate: Size = 1,
        groups: int = 1,
        *,
        use_bias: bool = True,
        kernel_initializer: Initial | None = None,
        name: str,
    ) -> Call:
        label, spread = self.named(name, data_format), _pair(dilation_rate)
        kernel, stride = _pair(kernel_size), _pair(strides)
        op = ops.Conv(filters, kernel, stride, NONE, spread, groups, use_bias)
        return lambda x: self.tracer.convolution(label, x, op, padding, kernel_initializer, None)

    def DepthwiseConv2D(
        self,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str = LAST,
        dilation_rate: Size = 1,
        *,
        use_bias: bool = True,
        depthwise_initializer: Initial | None = None,
        name: str,
    ) -> Call:
        label = self.named(name, data_format)
        kernel, stride, spread = map(_pair, (kernel_size, strides, dilation_rate))
        if stride[0] != stride[1]:
            raise TraceError(f"{name}: a depthwise convolution has one stride for both axes")

        def call(x: Value) -> Value:
            channels = x.inner[0]
            out = channels * depth_multiplier
            op = ops.Conv(out, kernel, stride, NONE, spread, channels, use_bias)
            initial = depthwise_initializer
            return self.tracer.convolution(label, x, op, padding, initial, depth_multiplier)

        return call

    def Conv2DTranspose(
        self,
        filters: int,
        kernel_size: Size,
        strides: Size = 1,
        padding: str = "valid",
        data_format: str = LAST,
        *,
        use_bias: bool = True,
        kernel_initializer: Initial | None = None,
        name: str,
    ) -> Call:
        label = self.named(name, data_format)
        if padding != "valid":
            raise TraceError(f"{name}: padding of a transposed convolution")
        op = ops.ConvTranspose(filters, _pair(kernel_size), _pair(strides), bias=use_bias)
        return lambda x: self.tracer.transpose(label, x, op, kernel_initializer)

    def Dense(
        self,
        units: int,
        *,
        use_bias: bool = True,
        kernel_initializer: Initial | None = None,
        name: str,
    ) -> Call:
        label = self.named(name)
        op = ops.Linear(units, use_bias)
        return lambda x: self.tracer.dense(label, x, op, kernel_initializer)

    def BatchNormalization(
        self, *, momentum: float = 0.99, epsilon: float = 1e-3, name: str
    ) -> Call:
        return self.tracer.normed(self.named(name), batch_norm(momentum, epsilon))

    def LayerNormalization(self, *, epsilon: float = 1e-3, name: str) -> Call:
        return self.tracer.normed(self.named(name), ops.LayerNorm(epsilon))

    def GroupNormalization(self, groups: int = 32, *, epsilon: float = 1e-3, name: str) -> Call:
        return self.tracer.normed(self.named(name), ops.GroupNorm(groups, epsilon))

    # -- without ---------------------------------------------------------------------------------

    def plain(self, op: Op, name: str, ordered: bool = False) -> Call:
        """An operation without weights; `ordered` ones want vectors as PyTorch flattens them."""
        label = self.named(name)

        def call(x: Value) -> Value:
            if x.rows is not None and ordered:
                raise TraceError(f"{label} sees a vector in Keras' own order")
            term = self.tracer.graph.apply(op, x.settled(label))
            return Value(self.tracer, term, rows=x.rows)

        return call

    def ReLU(self, max_value: float | None = None, *, name: str) -> Call:
        if max_value not in (None, 6.0):
            raise TraceError(f"{name}: a ReLU of at most {max_value}")
        return self.plain(ops.Relu() if max_value is None else ops.Relu6(), name)

    def LeakyReLU(self, negative_slope: float = 0.3, *, name: str) -> Call:
        return self.plain(ops.LeakyRelu(negative_slope), name)

    def ELU(self, *, name: str) -> Call:
        return self.plain(ops.Elu(), name)

    def Softmax(self, *, name: str) -> Call:
        return self.plain(ops.Softmax(), name)

    def Activation(self, activation: str, *, name: str) -> Call:
        return self.plain(ACTIVATIONS[activation](), name)

    def Dropout(
        self, rate: float, noise_shape: tuple[int | None, ...] | None = None, *, name: str
    ) -> Call:
        if noise_shape is None:
            return self.plain(ops.Dropout(rate), name)
        if noise_shape != (None, 1, 1, 1):
            raise TraceError(f"{name}: noise of shape {noise_shape}")
        return self.plain(ops.StochasticDepth(rate), name, ordered=True)

    def UpSampling2D(
        self, size: int = 2, data_format: str = LAST, interpolation: str = "nearest", *, name: str
    ) -> Call:
        self.channels_last(name, data_format)
        return self.plain(ops.Upsample(size, ops.Resampling(interpolation)), name, ordered=True)

    def GlobalAveragePooling2D(
        self, data_format: str = LAST, keepdims: bool = False, *, name: str
    ) -> Call:
        self.channels_last(name, data_format)
        return self.plain(ops.GlobalAvgPool(keepdims), name, ordered=True)

    def ZeroPadding2D(self, padding: Any = 1, data_format: str = LAST, *, name: str) -> Call:
        label = self.named(name, data_format)

        def call(x: Value) -> Value:
            x = x.cropped()
            self.tracer.map(label, x)
            if x.pads != NONE and x.fill != 0.0:
                raise TraceError(f"{label}: two paddings of different values")
            return replace(x, pads=_plus(x.pads, _sides(padding)), fill=0.0)

        return call

    def Cropping2D(
        self, cropping: Any = ((0, 0), (0, 0)), data_format: str = LAST, *, name: str
    ) -> Call:
        label = self.named(name, data_format)

        def call(x: Value) -> Value:
            if x.crop is None:
                raise TraceError(f"{label} cuts what is no transposed convolution")
            return replace(x, crop=_plus(x.crop, _sides(cropping)))

        return call

    def MaxPooling2D(
        self,
        pool_size: Size = 2,
        strides: Size | None = None,
        padding: str = "valid",
        data_format: str = LAST,
        *,
        name: str,
    ) -> Call:
        label, kind = self.named(name, data_format), ops.MaxPool
        return lambda x: self.tracer.pooled(label, x, kind, pool_size, strides, padding)

    def AveragePooling2D(
        self,
        pool_size: Size,
        strides: Size | None = None,
        padding: str = "valid",
        data_format: str = LAST,
        *,
        name: str,
    ) -> Call:
        label, kind = self.named(name, data_format), ops.AvgPool
        return lambda x: self.tracer.pooled(label, x, kind, pool_size, strides, padding)

    def Permute(self, dims: tuple[int, ...], *, name: str) -> Call:
        self.named(name)
        if dims != (3, 1, 2):
            raise TraceError(f"{name}: dimensions in the order {dims}")
        return lambda x: Value(self.tracer, x.settled(name), moved=True)

    def Flatten(self, data_format: str = LAST, *, name: str) -> Call:
        self.named(name, data_format)
        return self.tracer.flattened

    def Add(self, *, name: str) -> Callable[[list[Value]], Value]:
        self.named(name)
        return lambda values: self.tracer.merged(JoinKind.ADD, values)

    def Multiply(self, *, name: str) -> Callable[[list[Value]], Value]:
        self.named(name)
        return lambda values: self.tracer.merged(JoinKind.MULTIPLY, values)

    def Concatenate(self, axis: int = -1, *, name: str) -> Callable[[list[Value]], Value]:
        self.named(name)
        if axis != -1:
            raise TraceError(f"{name}: a concatenation that is not of channels")
        return lambda values: self.tracer.merged(JoinKind.CONCAT, values)

    def named(self, name: str, data_format: str = LAST) -> str:
        if data_format != LAST:
            raise TraceError(f"{name}: channels are not last")
        return self.tracer.named(name)

    def channels_last(self, name: str, data_format: str) -> None:
        if data_format != LAST:
            raise TraceError(f"{name}: channels are not last")


class Functions:
    """`keras.ops`, as far as files use it."""

    def __init__(self, tracer: Tracer) -> None:
        self.tracer = tracer

    def pad(self, x: Any, pads: Sequence[tuple[int, int]], constant_values: float = 0.0) -> Any:
        batch, (top, bottom), (left, right), channels = pads
        sides: Sides = (top, bottom, left, right)
        if tuple(batch) != (0, 0):
            raise TraceError("a batch is padded")
        if isinstance(x, Share):
            return replace(x, pads=_plus(x.pads, sides))
        if tuple(channels) != (0, 0):
            if sides != NONE or constant_values != 0.0:
                raise TraceError("pixels and channels are padded at once, or not with zeros")
            return x.apply(ops.PadChannels(*channels))
        x = x.cropped()
        self.tracer.map("padding", x)
        if x.pads != NONE and x.fill != constant_values:
            raise TraceError("pixels are padded with different values")
        return replace(x, pads=_plus(x.pads, sides), fill=constant_values)

    def split(self, x: Value, count: int, axis: int) -> list[Value]:
        if axis != -1:
            raise TraceError("a split that is not of channels")
        terms = self.tracer.graph.shares(x.settled("a split"), count)
        return [Value(self.tracer, term) for term in terms]

    def ones_like(self, x: Value) -> Share:
        """Ones where `x` is, padding included that it has already."""
        return Share(x.inner, counted=x.pads, pads=x.pads)

    def average_pool(self, x: Value | Share, pool_size: Size, strides: Size) -> Mean:
        if isinstance(x, Value) and x.fill != 0.0 and x.pads != NONE:
            raise TraceError(f"a mean of a map padded with {x.fill}")
        kernel, stride = _pair(pool_size), _pair(strides)
        counted = x.counted if isinstance(x, Share) else NONE
        how = self.tracer.window(ops.AvgPool, x, kernel, stride, counted)
        return Mean(self.tracer, how, x.term if isinstance(x, Value) else None)


def vocabulary(tracer: Tracer) -> dict[str, Any]:
    """What `import` finds."""

    def given(shape: tuple[int, int, int], **_: Any) -> Value:
        height, width, channels = shape
        if (channels, height, width) != tracer.graph[0].shape:
            raise TraceError(f"the input is {shape}")
        return Value(tracer, 0)

    layers = Layers(tracer)
    keras = SimpleNamespace(
        layers=layers,
        ops=Functions(tracer),
        Input=given,
        Model=Model,
        KerasTensor=Value,
        Initializer=Initial,
        initializers=INITIALIZERS,
        config=SimpleNamespace(image_data_format=lambda: LAST),
        saving=SimpleNamespace(register_keras_serializable=_registered),
    )
    return {"keras": keras}


def _registered(package: str) -> Callable[[Any], Any]:
    return lambda found: found
