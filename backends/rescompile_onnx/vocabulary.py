"""ONNX's operators with their attributes, written as source and read back by one table.

A row is a call `op.Relu(x, ..., name=...)` of an operator, or one of a function of the file, which
is known by its text and mostly gives an operator its weights.
"""

from __future__ import annotations

from dataclasses import replace
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
from rescompile.ops import Op, Same

OPSET = 21  # the first in which GroupNormalization has a scale for each channel


def _list(values: Any, dim: Render) -> Code:
    shown = tuple(map(dim, values))
    if len({*shown}) == 1 and not shown[0].isalnum():
        return f"{len(shown)} * [{shown[0]}]"
    return Items("[", "]", shown)


def _apart(values: Any) -> Any:
    """From before and after axis by axis to all before and all after."""
    return (*values[::2], *values[1::2])


def _together(values: Any) -> Any:
    """And back."""
    half = len(values) // 2
    return tuple(side for both in zip(values[:half], values[half:], strict=True) for side in both)


def _read(given: Any) -> Any:
    return tuple(given) if isinstance(given, list) else given


def _read_sides(given: Any) -> Any:
    return _together(given) if isinstance(given, list) else given


def _read_cut(given: Any) -> Any:
    if not isinstance(given, list):
        return given
    half = len(given) // 2
    if given[:half] != given[half:]:
        raise ValueError(f"{given} cuts more off one side")
    return tuple(given[:half])


def _old(momentum: float) -> float:
    """The weight of the old statistics, without rounding dust."""
    return round(1 - momentum, 15)


LIST = Form(_list, _read)
SIDES = Form(lambda v, dim: _list(_apart(v), dim), _read_sides, lambda v: v is not Same.SAME)
SAME = Form(lambda v, dim: '"SAME_UPPER"', {"SAME_UPPER": Same.SAME}.get, lambda v: v is Same.SAME)
CUT = Form(lambda v, dim: _list((*v, *v), dim), _read_cut)
OLD = Form(lambda v, dim: repr(_old(v)), _old)
ONE = Form(lambda v, dim: Items("[", "]", (dim(v),)), lambda v: v[0])
EDGES = {"reflect": ops.PadMode.REFLECT, "edge": ops.PadMode.REPLICATE}
EDGE = Form(lambda v, dim: next(f'"{key}"' for key, mode in EDGES.items() if mode is v), EDGES.get)
FLAG = Form(lambda v, dim: str(int(v)), bool)
SIXTH = Form(lambda v, dim: "1 / 6", constant(1 / 6).read)

SIZE = (Argument("channels", "channels"), Argument("kernel", "kernel", LIST))
STRIDES = option("strides", "stride", LIST, 1)
PADS = option("pads", "padding", SIDES, 0)
AUTO = Argument("auto_pad", "padding", SAME, keyword=True)
CUTS = option("pads", "padding", CUT, 0)
OUTPUT = option("output_padding", "output_padding", LIST, 0)
DILATIONS = option("dilations", "dilation", LIST, 1)
MORE = (option("group", "groups", NUMBER, 1), option("bias", "bias", LITERAL, False))
EPSILON = option("epsilon", "epsilon", LITERAL, 1e-05)
STANDARD = (
    option("epsilon", "epsilon", LITERAL, 1e-06),
    option("gain", "gain", LITERAL, False),
    option("gamma", "gamma", LITERAL, 1.0),
)
MOMENTUM = option("momentum", "momentum", OLD, 0.9)
WINDOW = (Argument("kernel_shape", "kernel", LIST, keyword=True), STRIDES, PADS)
CEILED = option("ceil_mode", "ceil_mode", FLAG, 0)
COUNTED = option("count_include_pad", "count_include_pad", FLAG, 0)
MODE = option("mode", "mode", choice(ops.Resampling), "nearest")
ALIGN = option("align_corners", "align_corners", LITERAL, False)
# The size is that of the last axes of another value.
LIKE = Form(lambda value, dim: f"{value[0]}.shape[2:]", lambda size: ("", tuple(size)))


def _row(name: str, kind: type[Op], *arguments: Argument, **implied: Any) -> Constructor:
    return Constructor(name, kind, arguments, tuple(implied.items()))


def _same(name: str, value: Any, keyword: bool = False) -> Argument:
    """An argument that is always the same."""
    return Argument(name, (), constant(value), keyword=keyword)


def _pad(axes: int) -> Constructor:
    """Padding of maps of so many axes."""
    around = replace(SIDES, fits=lambda sides: len(sides) == 2 * axes)
    return _row(
        *("Pad", ops.Pad, Argument("pads", "padding", around), _same("value", None)),
        _same("axes", [*range(2, axes + 2)]),
        Argument("mode", "mode", EDGE, keyword=True),
    )


def _given(*names: str, form: Form = NUMBER) -> tuple[Argument, ...]:
    """Arguments by position, which are called like attributes."""
    return tuple(Argument(name, name, form) for name in names)


CHANNELS, CRD = _same("axes", [1]), _same("mode", "CRD", keyword=True)
# Functions that files define: those that give operators their weights, and those without any.
FUNCTIONS = (
    _row("conv", ops.Conv, *SIZE, STRIDES, PADS, DILATIONS, *MORE),
    _row("conv", ops.Conv, *SIZE, STRIDES, AUTO, DILATIONS, *MORE),
    _row("std_conv", ops.StdConv, *SIZE, STRIDES, PADS, DILATIONS, *MORE, *STANDARD),
    _row("std_conv", ops.StdConv, *SIZE, STRIDES, AUTO, DILATIONS, *MORE, *STANDARD),
    _row("conv_transpose", ops.ConvTranspose, *SIZE, STRIDES, CUTS, OUTPUT, *MORE),
    _row("linear", ops.Linear, *_given("features"), option("bias", "bias", LITERAL, True)),
    _row("batch_norm", ops.BatchNorm, EPSILON, MOMENTUM),
    _row("layer_norm", ops.LayerNorm, EPSILON),
    _row("group_norm", ops.GroupNorm, Argument("num_groups", "groups"), EPSILON),
    _row("instance_norm", ops.InstanceNorm, EPSILON),
    _row("layer_scale", ops.LayerScale, *_given("init", form=LITERAL)),
    _row(
        "prelu",
        ops.Prelu,
        *_given("init", form=LITERAL),
        option("shared", "shared", LITERAL, False),
    ),
    _row(
        "local_response_norm",
        ops.LocalResponseNorm,
        *_given("size"),
        *_given("alpha", "beta", "k", form=LITERAL),
    ),
    _row(
        "global_response_norm", ops.GlobalResponseNorm, option("epsilon", "epsilon", LITERAL, 1e-06)
    ),
    _row("l2_norm", ops.L2Norm, option("epsilon", "epsilon", LITERAL, 1e-12)),
    _row("channel_conv", ops.ChannelConv, *_given("size"), option("bias", "bias", LITERAL, False)),
    _row(
        "split_softmax", ops.SplitSoftmax, *_given("splits"), option("groups", "groups", NUMBER, 1)
    ),
    _row("unflatten", ops.Unflatten, *_given("size", form=LIST)),
    _row("silu", ops.Silu),
    _row("log_sigmoid", ops.LogSigmoid),
    _row("celu", ops.Celu, *_given("alpha", form=LITERAL)),
    _row("channel_shuffle", ops.ChannelShuffle, *_given("groups")),
    _row("space_to_depth", ops.SpaceToDepth, *_given("scale")),
    _row("stochastic_depth", ops.StochasticDepth, *_given("rate")),
    _row("adaptive_average_pool", ops.AdaptiveAvgPool, *_given("size", form=LIST)),
    _row("adaptive_max_pool", ops.AdaptiveMaxPool, *_given("size", form=LIST)),
    _row("upsample", ops.Upsample, *_given("scale"), MODE, ALIGN),
    _row("upsample_to", ops.UpsampleTo, Argument("size", ("to", "extents"), LIKE), MODE, ALIGN),
)
PLAIN: dict[str, type[Op]] = {
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
}
OPERATORS = (
    *(_row(name, kind) for name, kind in PLAIN.items()),
    _row("LeakyRelu", ops.LeakyRelu, option("alpha", "slope", LITERAL, 0.01)),
    _row("HardSigmoid", ops.HardSigmoid, Argument("alpha", (), SIXTH, keyword=True)),
    _row("Clip", ops.Relu6, _same("min", 0.0), _same("max", 6.0)),
    _row("Clip", ops.HardTanh, _same("min", -1.0), _same("max", 1.0)),
    _row("Softmax", ops.Softmax, _same("axis", 1, keyword=True)),
    _row("MaxPool", ops.MaxPool, *WINDOW, CEILED),
    _row("AveragePool", ops.AvgPool, *WINDOW, CEILED, COUNTED),
    _row("GlobalAveragePool", ops.GlobalAvgPool, keepdims=True),
    _row("GlobalMaxPool", ops.GlobalMaxPool, keepdims=True),
    _row("Dropout", ops.Dropout, *_given("rate")),
    _row("Mul", ops.Scale, *_given("factor")),
    _row(
        "Pad",
        ops.PadChannels,
        Argument("pads", ("before", "after"), LIST),
        _same("value", None),
        CHANNELS,
    ),
    *map(_pad, (1, 2, 3)),
    _row("ReduceMean", ops.ChannelMean, CHANNELS),
    _row("ReduceMax", ops.ChannelMax, CHANNELS),
    _row("Slice", ops.SliceChannels, *_given("start", "stop", form=ONE), CHANNELS),
    _row("DepthToSpace", ops.DepthToSpace, Argument("blocksize", "scale", keyword=True), CRD),
)
JOINS = {JoinKind.ADD: "Add", JoinKind.MULTIPLY: "Mul", JoinKind.CONCAT: "Concat"}


def to_last(axes: int) -> list[int]:
    """The order of N x C x H x W, say, with the channels last."""
    return [0, *range(2, axes + 2), 1]


def to_first(axes: int) -> list[int]:
    """And back."""
    return [0, axes + 1, *range(1, axes + 1)]
