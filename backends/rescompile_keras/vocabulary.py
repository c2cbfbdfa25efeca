"""Keras' layers with their arguments, written as source and read back by one table.

A layer takes the arguments that emitted files give it, in Keras' order, with a default only where a
file may leave one out: a number that matters is always written. `name` goes without saying.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from rescompile import ops
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
    PAIR,
    Argument,
    Form,
    by_name,
    choice,
    constant,
    number,
    option,
)
from rescompile.ir.structure import JoinKind
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
# Of a factor for each channel, or of one for all, by the rank of what it is multiplied by.
SHARED_AXES = {(3, False): [1, 2], (3, True): [1, 2, 3], (1, False): None, (1, True): [1]}
FILTERS = Argument("filters", "channels")
KERNEL, STRIDES = Argument("kernel_size", "kernel", PAIR), Argument("strides", "stride", PAIR, 1)
PADDING = Argument("padding", (), BORDER, "valid")
DILATION = option("dilation_rate", "dilation", PAIR, 1)
BIAS = option("use_bias", "bias", LITERAL, True)
SLIDES = (KERNEL, STRIDES, PADDING, DILATION)
INITIAL = Argument("kernel_initializer", (), DRAWN, keyword=True)
EPSILON = Argument("epsilon", "epsilon", FLOAT, keyword=True)
BATCH = (Argument("momentum", "momentum", OLD, keyword=True), EPSILON)
WINDOW = (
    Argument("pool_size", "kernel", PAIR),
    Argument("strides", "stride", PAIR, None, like="pool_size"),
    option("padding", (), BORDER, "valid"),
)
RATE = Argument("rate", "rate", FLOAT)
KEEPDIMS = option("keepdims", "keepdims", LITERAL, False)
MODE = option("interpolation", "mode", choice(ops.Resampling), "nearest")
ALIGN = option("align_corners", "align_corners", LITERAL, False)
# The size is that of the axes in the middle of another tensor.
LIKE = Form(lambda value, dim: f"{value[0]}.shape[1:3]", lambda size: ("", tuple(size)))
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
WORDS = (
    *(ops.Sigmoid, ops.HardSigmoid, ops.Tanh, ops.Silu, ops.HardSwish, ops.Gelu),
    *(ops.Selu, ops.Softplus, ops.Softsign, ops.Mish),
)


def _layer(name: str, kind: type[Op], *arguments: Argument, **how: Any) -> Layer:
    found = {"module": "layers.", "variables": VARIABLES.get(kind, {}), **how}
    return Layer(name, kind, arguments, **found)


_own = partial(_layer, module="")  # what a file defines itself
CONV = _layer(
    *("Conv2D", ops.Conv, FILTERS, *SLIDES, option("groups", "groups", NUMBER, 1), BIAS, INITIAL)
)
DEPTHWISE = _layer(
    *("DepthwiseConv2D", ops.Conv, *SLIDES, option("depth_multiplier", "channels", NUMBER, 1)),
    *(BIAS, Argument("depthwise_initializer", (), DRAWN, keyword=True)),
    depthwise=True,
)
TRANSPOSED = _layer("Conv2DTranspose", ops.ConvTranspose, FILTERS, KERNEL, STRIDES, BIAS, INITIAL)
DENSE = _layer("Dense", ops.Linear, Argument("units", "features"), BIAS, INITIAL)
NORM = _layer("BatchNormalization", ops.BatchNorm, *BATCH)
UNBIASED = _own("UnbiasedBatchNormalization", ops.BatchNorm, *BATCH, implied=(("unbiased", True),))
MAX = _layer("MaxPooling2D", ops.MaxPool, *WINDOW)
MEAN = _layer("AveragePooling2D", ops.AvgPool, *WINDOW)
FLATTEN = _layer("Flatten", ops.Flatten)
ADAPTIVE = _own(
    "AdaptiveAveragePooling2D", ops.AdaptiveAvgPool, Argument("output_size", "size", BOTH)
)
SCALE = _own("LayerScale", ops.LayerScale, Argument("init", "init", FLOAT))
PRELU = _layer(
    *("PReLU", ops.Prelu, Argument("alpha_initializer", "init", CONSTANT, keyword=True)),
    option(
        "shared_axes",
        "shared",
        Form(lambda _, dim: "", lambda axes: axes in ([1, 2, 3], [1])),
        None,
    ),
)
# What Keras 3.5 does not have, or not as a layer or an activation.
OWN_LAYERS = (
    _own("CELU", ops.Celu, Argument("alpha", "alpha", FLOAT, 1.0)),
    _own("LogSigmoid", ops.LogSigmoid),
    _own("HardTanh", ops.HardTanh),
    _own("ChannelMean", ops.ChannelMean),
    _own("ChannelMax", ops.ChannelMax),
    _own(
        *("ChannelConv", ops.ChannelConv, Argument("size", "size")),
        *(option("use_bias", "bias", LITERAL, False), INITIAL),
    ),
    _own(
        *("StdConv2D", ops.StdConv, FILTERS, Argument("kernel_size", "kernel", BOTH), STRIDES),
        *(Argument("padding", "padding", BORDERS, keyword=True), DILATION),
        *(option("groups", "groups", NUMBER, 1), BIAS, option("epsilon", "epsilon", FLOAT, 1e-6)),
        *(option("gain", "gain", LITERAL, False), option("gamma", "gamma", FLOAT, 1.0), INITIAL),
    ),
    _own(
        *("LocalResponseNormalization", ops.LocalResponseNorm, Argument("size", "size")),
        *(Argument(key, key, FLOAT) for key in ("alpha", "beta", "k")),
    ),
    _own("GlobalResponseNormalization", ops.GlobalResponseNorm, EPSILON),
    _own("AdaptiveMaxPooling2D", ops.AdaptiveMaxPool, Argument("output_size", "size", BOTH)),
    _own(
        *("Interpolation2D", ops.UpsampleTo, Argument("size", ("to", "extents"), LIKE)),
        *(MODE, ALIGN),
    ),
    _own(
        *("BorderPadding2D", ops.Pad, Argument("padding", "padding", AROUND)),
        Argument("mode", "mode", choice(ops.PadMode)),
    ),
)
# Layers that are operations; the first of those of one kind is the usual one.
ROWS = (
    *(
        CONV,
        DEPTHWISE,
        TRANSPOSED,
        DENSE,
        NORM,
        UNBIASED,
        MAX,
        MEAN,
        ADAPTIVE,
        FLATTEN,
        SCALE,
        PRELU,
    ),
    _layer("LayerNormalization", ops.LayerNorm, EPSILON),
    _layer("GroupNormalization", ops.InstanceNorm, Argument("groups", (), constant(-1)), EPSILON),
    _layer("GroupNormalization", ops.GroupNorm, Argument("groups", "groups"), EPSILON),
    _layer("ReLU", ops.Relu, Argument("max_value", (), constant(None), None)),
    _layer("ReLU", ops.Relu6, Argument("max_value", (), constant(6.0), None)),
    _layer("LeakyReLU", ops.LeakyRelu, Argument("negative_slope", "slope", FLOAT, keyword=True)),
    _layer("ELU", ops.Elu),
    *OWN_LAYERS,
    _layer("Softmax", ops.Softmax),
    *(_layer("Activation", op, Argument("activation", (), constant(op.word))) for op in WORDS),
    *(
        _layer("Dropout", kind, RATE, option("noise_shape", (), constant(shape), None))
        for kind, shape in ((ops.Dropout, None), (ops.StochasticDepth, (None, 1, 1, 1)))
    ),
    _layer("Rescaling", ops.Scale, Argument("scale", "factor", FLOAT)),
    _layer("GlobalAveragePooling2D", ops.GlobalAvgPool, KEEPDIMS),
    _layer("GlobalMaxPooling2D", ops.GlobalMaxPool, KEEPDIMS),
    _layer("UpSampling2D", ops.Upsample, Argument("size", "scale"), MODE),
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
ZEROS = _layer("ZeroPadding2D", Op, Argument("padding", (), ASIDE))
CROP = _layer("Cropping2D", Op, Argument("cropping", (), ASIDE))
PERMUTE = _layer("Permute", Op, Argument("dims", (), ASIDE))
JOINS = {
    JoinKind.ADD: _layer("Add", Op),
    JoinKind.MULTIPLY: _layer("Multiply", Op),
    JoinKind.CONCAT: _layer("Concatenate", Op),
}
USUAL = {row.kind: row for row in reversed((*ROWS, *FUNCTIONS))}
LAYERS = by_name((*ROWS, ZEROS, CROP, PERMUTE, *JOINS.values()))
# What asks for the height and width of a map while a model is built.
SIZED = (
    *(ops.AdaptivePool, ops.ChannelShuffle, ops.DepthToSpace, ops.SpaceToDepth),
    *(ops.SplitSoftmax, ops.Pad, ops.UpsampleTo),
)
# What a file defines for layers that are called more than once.
PART, AFTER = "shared_layers", "After"
# Layers that a file defines itself.
OWN = (ADAPTIVE.name, SCALE.name, UNBIASED.name, *(row.name for row in OWN_LAYERS))
