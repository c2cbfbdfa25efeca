"""ONNX's operators with their attributes, written as source and read back by one table.

A row is a call `op.Relu(x, ..., name=...)` of an operator, or one of a function of the file, which
may give an operator its weights. What such a function does with operators is proved with the rest
of the file; those of `FIXED` are known by their text.
"""

from __future__ import annotations

from typing import Any

from rescompile import ops
from rescompile.emit.layout import Code, Items
from rescompile.emit.table import (
    LITERAL,
    NUMBER,
    Argument,
    Constructor,
    Form,
    Render,
    choice,
    constant,
    option,
)
from rescompile.ir.structure import JoinKind
from rescompile.ops import Same

OPSET = 21  # the first in which GroupNormalization has a scale for each channel


def _list(values: Any, dim: Render) -> Code:
    shown = tuple(map(dim, values))
    if len({*shown}) == 1 and not shown[0].isalnum():
        return f"{len(shown)} * [{shown[0]}]"
    return Items("[", "]", shown)


def _sides(values: Any) -> Any:
    """From top, bottom, left, right to top, left, bottom, right, and back."""
    first, second, third, fourth = values
    return first, third, second, fourth


def _read_cut(given: Any) -> Any:
    if given[:2] != given[2:]:
        raise ValueError(f"{given} cuts more off one side")
    return tuple(given[:2])


def _old(momentum: float) -> float:
    """The weight of the old statistics, without rounding dust."""
    return round(1 - momentum, 15)


LIST = Form(_list, tuple)
SIDES = Form(lambda v, dim: _list(_sides(v), dim), _sides, lambda v: v is not Same.SAME)
SAME = Form(lambda v, dim: '"SAME_UPPER"', {"SAME_UPPER": Same.SAME}.get, lambda v: v is Same.SAME)
CUT = Form(lambda v, dim: _list((*v, *v), dim), _read_cut)
OLD = Form(lambda v, dim: repr(_old(v)), _old)
ONE = Form(lambda v, dim: Items("[", "]", (dim(v),)), lambda v: v[0])
FLAG = Form(lambda v, dim: str(int(v)), bool)
SIXTH = Form(lambda v, dim: "1 / 6", constant(1 / 6).read)


def _always(name: str, value: Any, keyword: bool = True) -> Argument:
    return Argument(name, (), constant(value), keyword=keyword)


SIZE = (Argument("channels", "channels"), Argument("kernel", "kernel", LIST))
STRIDES = option("strides", "stride", LIST, [1, 1])
PADS = option("pads", "padding", SIDES, [0, 0, 0, 0])
DILATIONS = option("dilations", "dilation", LIST, [1, 1])
MORE = (option("group", "groups", NUMBER, 1), option("bias", "bias", LITERAL, False))
OUTPUT = option("output_padding", "output_padding", LIST, [0, 0])
EPSILON = option("epsilon", "epsilon", LITERAL, 1e-05)
WINDOW = (Argument("kernel_shape", "kernel", LIST, keyword=True), STRIDES, PADS)
CEILED = option("ceil_mode", "ceil_mode", FLAG, 0)
COUNTED = option("count_include_pad", "count_include_pad", FLAG, 0)
CHANNELS = _always("axes", [1], keyword=False)
NO_VALUE = _always("value", None, keyword=False)


def _bounds(least: float, most: float) -> tuple[Argument, ...]:
    return _always("min", least, keyword=False), _always("max", most, keyword=False)


# Functions that give an operator its weights, by the operator.
WEIGHTED = {
    "Conv": (
        Constructor("conv", ops.Conv, (*SIZE, STRIDES, PADS, DILATIONS, *MORE)),
        Constructor(
            "conv",
            ops.Conv,
            (*SIZE, STRIDES, Argument("auto_pad", "padding", SAME, keyword=True), DILATIONS, *MORE),
        ),
    ),
    "ConvTranspose": (
        Constructor(
            "conv_transpose",
            ops.ConvTranspose,
            (*SIZE, STRIDES, option("pads", "padding", CUT, [0, 0, 0, 0]), OUTPUT, *MORE),
        ),
    ),
    "Gemm": (
        Constructor(
            "linear",
            ops.Linear,
            (Argument("features", "features"), option("bias", "bias", LITERAL, True)),
        ),
    ),
    "BatchNormalization": (
        Constructor(
            "batch_norm", ops.BatchNorm, (EPSILON, option("momentum", "momentum", OLD, 0.9))
        ),
    ),
    "LayerNormalization": (Constructor("layer_norm", ops.LayerNorm, (EPSILON,)),),
    "GroupNormalization": (
        Constructor("group_norm", ops.GroupNorm, (Argument("num_groups", "groups"), EPSILON)),
    ),
    "InstanceNormalization": (Constructor("instance_norm", ops.InstanceNorm, (EPSILON,)),),
    "Mul": (Constructor("layer_scale", ops.LayerScale, (Argument("start", "init", LITERAL),)),),
}
# Functions that stand for an operation by themselves.
FIXED = (
    Constructor("silu", ops.Silu),
    Constructor("log_sigmoid", ops.LogSigmoid),
    Constructor("celu", ops.Celu, (Argument("alpha", "alpha", LITERAL),)),
    Constructor("channel_shuffle", ops.ChannelShuffle, (Argument("groups", "groups"),)),
    Constructor("space_to_depth", ops.SpaceToDepth, (Argument("scale", "scale"),)),
    Constructor("stochastic_depth", ops.StochasticDepth, (Argument("rate", "rate"),)),
    Constructor("adaptive_average_pool", ops.AdaptiveAvgPool, (Argument("size", "size", LIST),)),
    Constructor(
        "upsample",
        ops.Upsample,
        (Argument("scale", "scale"), option("mode", "mode", choice(ops.Resampling), "nearest")),
    ),
)
OPERATORS = (
    *(
        Constructor(name, kind)
        for name, kind in {
            "Relu": ops.Relu,
            "Sigmoid": ops.Sigmoid,
            "Tanh": ops.Tanh,
            "HardSwish": ops.HardSwish,
            "Gelu": ops.Gelu,
            "Elu": ops.Elu,
            "Selu": ops.Selu,
            "Softplus": ops.Softplus,
            "Softsign": ops.Softsign,
            "Mish": ops.Mish,
            "Flatten": ops.Flatten,
        }.items()
    ),
    Constructor("LeakyRelu", ops.LeakyRelu, (option("alpha", "slope", LITERAL, 0.01),)),
    Constructor("HardSigmoid", ops.HardSigmoid, (Argument("alpha", (), SIXTH, keyword=True),)),
    Constructor("Clip", ops.Relu6, _bounds(0.0, 6.0)),
    Constructor("Clip", ops.HardTanh, _bounds(-1.0, 1.0)),
    Constructor("Softmax", ops.Softmax, (_always("axis", 1),)),
    Constructor("MaxPool", ops.MaxPool, (*WINDOW, CEILED)),
    Constructor("AveragePool", ops.AvgPool, (*WINDOW, CEILED, COUNTED)),
    Constructor("GlobalAveragePool", ops.GlobalAvgPool, implied=(("keepdims", True),)),
    Constructor("GlobalMaxPool", ops.GlobalMaxPool, implied=(("keepdims", True),)),
    Constructor("Dropout", ops.Dropout, (Argument("ratio", "rate"),)),
    Constructor("Mul", ops.Scale, (Argument("factor", "factor"),)),
    Constructor(
        "Pad", ops.PadChannels, (Argument("pads", ("before", "after"), LIST), NO_VALUE, CHANNELS)
    ),
    Constructor(
        "Slice",
        ops.SliceChannels,
        (Argument("starts", "start", ONE), Argument("ends", "stop", ONE), CHANNELS),
    ),
    Constructor(
        "DepthToSpace",
        ops.DepthToSpace,
        (Argument("blocksize", "scale", keyword=True), _always("mode", "CRD")),
    ),
)
JOINS = {JoinKind.ADD: "Add", JoinKind.MULTIPLY: "Mul", JoinKind.CONCAT: "Concat"}
TO_LAST, TO_FIRST = [0, 2, 3, 1], [0, 3, 1, 2]
