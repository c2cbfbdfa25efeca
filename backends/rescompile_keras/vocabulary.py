"""Keras' layers with their arguments, written as source and read back by one table.

A layer takes the arguments that emitted files give it, in Keras' order, with a default only where a
file may leave one out: a number that matters is always written. `name` goes without saying.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from rescompile import ops
from rescompile.emit.functions.convolutions import DEPTHWISE_AXES
from rescompile.emit.functions.function import function as any_function
from rescompile.emit.functions.layer import ASIDE, BORDER, DRAWN, Layer
from rescompile.emit.layout import Call
from rescompile.emit.table import (
    AROUND,
    BOTH,
    FLOAT,
    LITERAL,
    NUMBER,
    OLD,
    SCALED,
    Argument,
    Form,
    by_name,
    choice,
    constant,
    extents,
    number,
    option,
    size_of,
)
from rescompile.ir.nodes import JoinKind
from rescompile.ops import Op

TENSOR = "KerasTensor"
# What emitted functions rely on: neither a network, nor a value of a block can be called so.
RESERVED = frozenset(
    (
        *("keras", "layers", "KerasTensor", "Callable", "math", "sys"),
        *("bool", "float", "int", "max", "min", "range", "round", "str", "tuple", "ValueError"),
    )
)
function = partial(any_function, tensor=TENSOR)


BORDERS = Form(  # or what `same` does
    lambda sides, dim: '"same"' if isinstance(sides, ops.Same) else AROUND.write(sides, dim),
    lambda given: ops.Same(given) if isinstance(given, str) else AROUND.read(given),
)
CONSTANT = Form(
    lambda value, dim: Call("keras.initializers.Constant", (number(value),)),
    lambda given: given.value,
)
FILTERS = Argument("filters", "channels")
PADDING = Argument("padding", (), BORDER, "valid")
BIAS = option("use_bias", "bias", LITERAL, True)
INITIAL = Argument("kernel_initializer", (), DRAWN, keyword=True)
EPSILON = Argument("epsilon", "epsilon", FLOAT, keyword=True)
BATCH = (Argument("momentum", "momentum", OLD, keyword=True), EPSILON)
THRESHOLD = Argument("threshold", "threshold", FLOAT)
RATE = Argument("rate", "rate", FLOAT)
KEEPDIMS = option("keepdims", "keepdims", LITERAL, False)
MODE = option("interpolation", "mode", choice(ops.Resampling), "nearest")
REPEATED = (("mode", ops.Resampling.NEAREST),)  # where a layer cannot interpolate
ALIGN = option("align_corners", "align_corners", LITERAL, False)
MOVED = (("Reshape", "split"), ("Permute", "swap"), ("Reshape", ""))
WEIGHTS, SCALES = {"weight": "kernel", "bias": "bias"}, {"weight": "gamma", "bias": "beta"}
VARIABLES: dict[type[Op], dict[str, str]] = {
    ops.Conv: WEIGHTS,
    ops.StdConv: WEIGHTS | {"gain": "gain"},
    ops.ConvTranspose: WEIGHTS,
    ops.Linear: WEIGHTS,
    ops.BatchNorm: SCALES | {"running_mean": "moving_mean", "running_var": "moving_variance"},
    ops.LayerNorm: SCALES,
    ops.GroupNorm: SCALES,
    ops.InstanceNorm: SCALES,
    ops.LayerScale: {"": "scale"},
    ops.Prelu: {"weight": "alpha"},
    ops.ChannelConv: WEIGHTS,
    ops.GlobalResponseNorm: SCALES,
}
FUNCTION_WORDS = (
    *(ops.Sigmoid, ops.HardSigmoid, ops.Tanh, ops.Silu, ops.HardSwish, ops.Gelu),
    *(ops.Selu, ops.Softplus, ops.Softsign, ops.Mish, ops.LogSoftmax),
)


def shared_axes(rank: int, shared: bool) -> list[int] | None:
    """Of a factor for each channel, or of one for all, by the rank of what it is multiplied by."""
    return [*range(1, rank + shared)] or None


def _layer(name: str, kind: type[Op], *arguments: Argument, **how: Any) -> Layer:
    found = {"module": "layers.", "variables": VARIABLES.get(kind, {}), **how}
    return Layer(name, kind, arguments, **found)


_own = partial(_layer, module="")  # what a file defines itself
DENSE = _layer("Dense", ops.Linear, Argument("units", "features"), BIAS, INITIAL)
NORM = _layer("BatchNormalization", ops.BatchNorm, *BATCH)
UNBIASED = _own("UnbiasedBatchNormalization", ops.BatchNorm, *BATCH, implied=(("unbiased", True),))
FLATTEN = _layer("Flatten", ops.Flatten)
SCALE = _own(
    *("LayerScale", ops.LayerScale, Argument("init", "init", FLOAT)),
    option("shared", "shared", LITERAL, False),
)
PRELU = _layer(
    *("PReLU", ops.Prelu, Argument("alpha_initializer", "init", CONSTANT, keyword=True)),
    Argument("shared_axes", (), ASIDE, None, keyword=True),
)
# What Keras 3.5 does not have, or not as a layer or an activation.
OWN_LAYERS = (
    _own("CELU", ops.Celu, Argument("alpha", "alpha", FLOAT, 1.0)),
    _own("LogSigmoid", ops.LogSigmoid),
    _own("HardTanh", ops.HardTanh),
    _own("HardShrink", ops.HardShrink, THRESHOLD),
    _own("SoftShrink", ops.SoftShrink, THRESHOLD),
    _own("TanhShrink", ops.TanhShrink),
    _own("Threshold", ops.Threshold, THRESHOLD, Argument("value", "value", FLOAT)),
    _own("ChannelMean", ops.ChannelMean),
    _own("ChannelMax", ops.ChannelMax),
    _own(
        *("ChannelConv", ops.ChannelConv, Argument("size", "size")),
        *(option("use_bias", "bias", LITERAL, False), INITIAL),
    ),
    _own(
        *("LocalResponseNormalization", ops.LocalResponseNorm, Argument("size", "size")),
        *(Argument(key, key, FLOAT) for key in ("alpha", "beta", "k")),
    ),
    _own("GlobalResponseNormalization", ops.GlobalResponseNorm, EPSILON),
    _own("GlobalAttentionPooling", ops.GlobalAttentionPool, KEEPDIMS),
    _own("L2Normalization", ops.L2Norm, option("epsilon", "epsilon", LITERAL, 1e-12)),
)
# Layers for maps of any number of axes.
COMMON = (
    *(DENSE, NORM, FLATTEN, SCALE, UNBIASED, PRELU),
    _layer("LayerNormalization", ops.LayerNorm, EPSILON),
    _layer("GroupNormalization", ops.InstanceNorm, Argument("groups", (), constant(-1)), EPSILON),
    _layer("GroupNormalization", ops.GroupNorm, Argument("groups", "groups"), EPSILON),
    _layer("ReLU", ops.Relu, Argument("max_value", (), constant(None), None)),
    _layer("ReLU", ops.Relu6, Argument("max_value", (), constant(6.0), None)),
    _layer("LeakyReLU", ops.LeakyRelu, Argument("negative_slope", "slope", FLOAT, keyword=True)),
    _layer("ELU", ops.Elu),
    *OWN_LAYERS,
    _layer("Softmax", ops.Softmax),
    *(
        _layer("Activation", op, Argument("activation", (), constant(op.word)))
        for op in FUNCTION_WORDS
    ),
    _layer("Dropout", ops.Dropout, RATE, option("noise_shape", (), constant(None), None)),
    _layer("Rescaling", ops.Scale, Argument("scale", "factor", FLOAT)),
)
# Functions that files define for an operation.
FUNCTIONS = (
    _own("channel_shuffle", ops.ChannelShuffle, Argument("groups", "groups"), parts=MOVED),
    _own("depth_to_space", ops.DepthToSpace, Argument("scale", "scale"), parts=MOVED),
    _own("space_to_depth", ops.SpaceToDepth, Argument("scale", "scale"), parts=MOVED),
    _own(
        *("unflatten", ops.Unflatten, Argument("size", "size", BOTH)),
        parts=(("Reshape", "maps"), ("Permute", "")),
    ),
    _own(
        *("split_softmax", ops.SplitSoftmax, Argument("splits", "splits")),
        Argument("groups", "groups"),
        parts=(("Reshape", "split"), ("Softmax", "softmax"), ("Reshape", "")),
    ),
)
# What is no operation by itself.
PERMUTE = _layer("Permute", Op, Argument("dims", (), ASIDE))
JOINS = {
    JoinKind.ADD: _layer("Add", Op),
    JoinKind.MULTIPLY: _layer("Multiply", Op),
    JoinKind.CONCAT: _layer("Concatenate", Op),
}
ASIDES = (PERMUTE, *JOINS.values())
# What asks for the extents of a map while a model is built.
SIZED = (
    *(ops.AdaptivePool, ops.ChannelShuffle, ops.DepthToSpace, ops.SpaceToDepth),
    *(ops.SplitSoftmax, ops.Pad, ops.UpsampleTo),
)
# What a file defines for layers that are called more than once.
PART, AFTER = "shared_layers", "After"


def _for_images(strides: Argument, dilation: Argument, groups: Argument) -> tuple[Layer, ...]:
    """What files define for operations that are for images alone."""
    standard = (
        *(FILTERS, Argument("kernel_size", "kernel", BOTH), strides),
        *(Argument("padding", "padding", BORDERS, keyword=True), dilation, groups, BIAS),
        *(option("epsilon", "epsilon", FLOAT, 1e-6), *SCALED, INITIAL),
    )
    return (
        _own("StdConv2D", ops.StdConv, *standard),
        _own("Interpolation2D", ops.UpsampleTo, size_of("1:3"), MODE, ALIGN),
    )


class Vocabulary:
    """Keras' layers for maps of so many axes, by the names of classes with that number in them."""

    def __init__(self, n: int) -> None:
        each = extents(n)
        kernel = Argument("kernel_size", "kernel", each)
        strides = Argument("strides", "stride", each, 1)
        dilation = option("dilation_rate", "dilation", each, 1)
        slides = (kernel, strides, PADDING, dilation)
        groups = option("groups", "groups", NUMBER, 1)
        window = (
            Argument("pool_size", "kernel", each),
            Argument("strides", "stride", each, None, like="pool_size"),
            option("padding", (), BORDER, "valid"),
        )
        size = Argument("output_size", "size", BOTH)
        sample = option("noise_shape", (), constant((None, *(1,) * (n + 1))), None)
        scale = Argument("size", "scale")
        more, alone = ((MODE,), ()) if n == 2 else ((), REPEATED)
        self.axes = n
        self.conv = _layer(f"Conv{n}D", ops.Conv, FILTERS, *slides, groups, BIAS, INITIAL)
        self.depthwise = _layer(
            *(f"DepthwiseConv{n}D", ops.Conv, *slides),
            *(option("depth_multiplier", "channels", NUMBER, 1), BIAS),
            Argument("depthwise_initializer", (), DRAWN, keyword=True),
            depthwise=True,
        )
        spread = (FILTERS, kernel, strides, BIAS, INITIAL)
        self.transposed = _layer(f"Conv{n}DTranspose", ops.ConvTranspose, *spread)
        self.max = _layer(f"MaxPooling{n}D", ops.MaxPool, *window)
        self.mean = _layer(f"AveragePooling{n}D", ops.AvgPool, *window)
        self.zeros = _layer(f"ZeroPadding{n}D", Op, Argument("padding", (), ASIDE))
        self.crop = _layer(f"Cropping{n}D", Op, Argument("cropping", (), ASIDE))
        own: tuple[Layer, ...] = (
            _own(f"AdaptiveAveragePooling{n}D", ops.AdaptiveAvgPool, size),
            _own(f"AdaptiveMaxPooling{n}D", ops.AdaptiveMaxPool, size),
            _own(
                *(f"BorderPadding{n}D", ops.Pad, Argument("padding", "padding", AROUND)),
                Argument("mode", "mode", choice(ops.PadMode)),
            ),
        )
        own += _for_images(strides, dilation, groups) if n == 2 else ()
        # Layers that are operations; the first of those of one kind is the usual one.
        self.rows: tuple[Layer, ...] = (
            *(self.conv, *[self.depthwise] * (n in DEPTHWISE_AXES), self.transposed),
            *(self.max, self.mean, *own),
            _layer(f"GlobalAveragePooling{n}D", ops.GlobalAvgPool, KEEPDIMS),
            _layer(f"GlobalMaxPooling{n}D", ops.GlobalMaxPool, KEEPDIMS),
            _layer(f"UpSampling{n}D", ops.Upsample, scale, *more, implied=alone),
            _layer("Dropout", ops.StochasticDepth, RATE, sample),
        )
        self.usual = {row.kind: row for row in reversed((*COMMON, *self.rows, *FUNCTIONS))}
        self.asides = (self.zeros, self.crop)
        self.layers = by_name((*COMMON, *self.rows, *ASIDES, *self.asides))


WORDS = {n: Vocabulary(n) for n in (2, 1, 3)}
ROWS = (*COMMON, *(row for words in WORDS.values() for row in words.rows))
LAYERS = by_name((*ROWS, *ASIDES, *(row for words in WORDS.values() for row in words.asides)))
# Layers that a file defines itself, and all that it may define.
OWN = tuple(name for name, (row, *_) in LAYERS.items() if not row.module)
FIXED = (*OWN, *(row.name for row in FUNCTIONS), PART, AFTER)
