"""Every operation in ONNX: an operator, or a class or function that emitted files define.

The table is read both ways: emission writes an op as the first row that can say it, the stand-in
takes the calls of an emitted file for what they mean here. The name of an operator begins with
`op.`, that of a function of the file is no class' name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rescompile import ops
from rescompile.emit.classes.table import Module
from rescompile.emit.layout import Code, Items
from rescompile.emit.table import (
    FLOAT,
    LITERAL,
    NUMBER,
    OLD,
    SCALED,
    Argument,
    Form,
    Render,
    by_kind,
    choice,
    constant,
    entering,
    option,
    size_of,
)
from rescompile.expr.dims import Expr
from rescompile.ops import Op, Same


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


def _read_cut(given: Any) -> Any:
    sides = _together(given) if isinstance(given, list) else (given, given)
    if sides[::2] != sides[1::2]:
        raise ValueError(f"{given} cuts more off one side")
    return sides[::2] if isinstance(given, list) else given


def _rate(value: Any, dim: Render) -> Code:
    return f"float({dim(value)})" if isinstance(value, Expr) else repr(float(value))


def _around(axes: int) -> Form:
    """Padding of maps of so many axes."""
    return replace(SIDES, fits=lambda sides: len(sides) == 2 * axes)


LIST = Form(_list, _read)
SIDES = Form(
    lambda v, dim: _list(_apart(v), dim),
    lambda given: _together(given) if isinstance(given, list) else given,
    lambda v: v is not Same.SAME,
)
CROPPED = replace(SIDES, fits=lambda v: True)
SAME = Form(lambda v, dim: '"SAME_UPPER"', {"SAME_UPPER": Same.SAME}.get, lambda v: v is Same.SAME)
CUT = Form(lambda v, dim: _list((*v, *v), dim), _read_cut)
ONE = Form(lambda v, dim: Items("[", "]", (dim(v),)), lambda v: v[0])
FLAG = Form(lambda v, dim: str(int(v)), bool)
SIXTH = Form(lambda v, dim: "1 / 6", constant(1 / 6).read)


def _same(name: str, value: Any, keyword: bool = True) -> Argument:
    """An argument that is always the same."""
    return Argument(name, (), constant(value), keyword=keyword)


def _given(*names: str, form: Form = NUMBER) -> tuple[Argument, ...]:
    """Arguments by position, which are called like attributes."""
    return tuple(Argument(name, name, form) for name in names)


def _row(name: str, kind: type[Op], *arguments: Argument, **how: Any) -> Module:
    return Module(name, kind, arguments, own=name[0].isupper(), **how)


IN, CHANNELS = entering("in_channels"), entering("channels")
BIAS = option("bias", "bias", LITERAL, False)
STRIDES = option("strides", "stride", LIST, 1)
PADS = option("pads", "padding", SIDES, 0)
AUTO = Argument("auto_pad", "padding", SAME, keyword=True)
SIZE = (IN, Argument("channels", "channels"), Argument("kernel", "kernel", LIST), STRIDES)
SPACED = (option("dilations", "dilation", LIST, 1), option("group", "groups", NUMBER, 1), BIAS)
CUTS = (option("pads", "padding", CUT, 0), option("output_padding", "output_padding", LIST, 0))
LINEAR = (entering("in_features"), *_given("features"), option("bias", "bias", LITERAL, True))
RESPONSE = _given("alpha", "beta", "k", form=FLOAT)
EPSILON = option("epsilon", "epsilon", FLOAT, 1e-5)
STANDARD = (option("epsilon", "epsilon", FLOAT, 1e-6), *SCALED)
SLIDES = (Argument("kernel_shape", "kernel", LIST, keyword=True), STRIDES)
COUNTED = option("count_include_pad", "count_include_pad", FLAG, 0)
CEILED = option("ceil_mode", "ceil_mode", FLAG, 0)
MODE = option("mode", "mode", choice(ops.Resampling), "nearest")
ALIGN = option("align_corners", "align_corners", LITERAL, False)
ACROSS, ALONG, LATER = _same("axes", [1], False), _same("axis", 1), _same("value", None, False)
EDGE = Argument("mode", "mode", choice(ops.PadMode, replicate="edge"), keyword=True)
GONE = Argument("keepdims", "keepdims", replace(FLAG, fits=lambda kept: not kept), keyword=True)
PLAIN = (
    *(ops.Relu, ops.Sigmoid, ops.Tanh, ops.HardSwish, ops.Gelu, ops.Elu, ops.Selu, ops.Softplus),
    *(ops.Softsign, ops.Mish, ops.Flatten),
)
TABLE = (
    *(_row(f"op.{kind.__name__}", kind) for kind in PLAIN),
    _row("op.LeakyRelu", ops.LeakyRelu, option("alpha", "slope", LITERAL, 0.01)),
    _row("op.HardSigmoid", ops.HardSigmoid, Argument("alpha", (), SIXTH, keyword=True)),
    _row("op.Clip", ops.Relu6, _same("min", 0.0, False), _same("max", 6.0, False)),
    _row("op.Clip", ops.HardTanh, _same("min", -1.0, False), _same("max", 1.0, False)),
    _row("op.Softmax", ops.Softmax, ALONG),
    _row("op.LogSoftmax", ops.LogSoftmax, ALONG),
    *(
        _row(name, kind, *SLIDES, *padding, *more)
        for name, kind, more in (
            ("op.MaxPool", ops.MaxPool, ()),
            ("op.AveragePool", ops.AvgPool, (COUNTED,)),
        )
        for padding in ((PADS, CEILED), (AUTO,))
    ),
    *(
        _row(
            f"op.Reduce{name}", kind, _same("axes", [*range(2, n + 2)], False), GONE, ranks=(n + 1,)
        )
        for name, kind in (("Mean", ops.GlobalAvgPool), ("Max", ops.GlobalMaxPool))
        for n in (1, 2, 3)
    ),
    _row("op.GlobalAveragePool", ops.GlobalAvgPool, implied=(("keepdims", True),)),
    _row("op.GlobalMaxPool", ops.GlobalMaxPool, implied=(("keepdims", True),)),
    _row(
        "global_attention_pool",
        ops.GlobalAttentionPool,
        option("keepdims", "keepdims", LITERAL, False),
    ),
    _row("op.Dropout", ops.Dropout, *_given("rate", form=Form(_rate))),
    _row("op.Mul", ops.Scale, *_given("factor")),
    _row("op.Pad", ops.PadChannels, Argument("pads", ("before", "after"), LIST), LATER, ACROSS),
    *(
        _row(
            *("op.Pad", ops.Pad, Argument("pads", "padding", _around(n)), LATER),
            *(_same("axes", [*range(2, n + 2)], False), EDGE),
        )
        for n in (1, 2, 3)
    ),
    _row("op.ReduceMean", ops.ChannelMean, ACROSS),
    _row("op.ReduceMax", ops.ChannelMax, ACROSS),
    _row("op.Slice", ops.SliceChannels, *_given("start", "stop", form=ONE), ACROSS),
    _row(
        *("op.DepthToSpace", ops.DepthToSpace, Argument("blocksize", "scale", keyword=True)),
        _same("mode", "CRD"),
    ),
    *(
        _row(name, kind, *SIZE, padding, *SPACED, *more)
        for name, kind, more in (("Conv", ops.Conv, ()), ("StdConv", ops.StdConv, STANDARD))
        for padding in (PADS, AUTO)
    ),
    _row("ConvTranspose", ops.ConvTranspose, *SIZE, *CUTS, *SPACED[1:]),
    _row("Linear", ops.Linear, *LINEAR, last=True),
    _row(
        *("BatchNormalization", ops.BatchNorm, CHANNELS, EPSILON),
        option("momentum", "momentum", OLD, 0.9),
    ),
    _row("InstanceNormalization", ops.InstanceNorm, CHANNELS, EPSILON),
    _row(
        *("GroupNormalization", ops.GroupNorm, CHANNELS, EPSILON),
        Argument("num_groups", "groups", keyword=True),
    ),
    *(
        _row(name, kind, CHANNELS, *axis, option("epsilon", "epsilon", FLOAT, usual), last=not axis)
        for name, kind, usual in (
            ("LayerNormalization", ops.LayerNorm, 1e-5),
            ("GlobalResponseNorm", ops.GlobalResponseNorm, 1e-6),
        )
        for axis in ((ALONG,), ())
    ),
    _row(
        *("PRelu", ops.Prelu, CHANNELS, option("start", "init", FLOAT, 0.25)),
        option("shared", "shared", LITERAL, False),
    ),
    _row("ChannelConv", ops.ChannelConv, *_given("size"), BIAS),
    _row("local_response_norm", ops.LocalResponseNorm, *_given("size"), *RESPONSE),
    _row("l2_norm", ops.L2Norm, option("epsilon", "epsilon", FLOAT, 1e-12)),
    _row(
        "split_softmax", ops.SplitSoftmax, *_given("splits"), option("groups", "groups", NUMBER, 1)
    ),
    _row("crop", ops.Crop, Argument("sides", "cropping", CROPPED)),
    _row("unflatten", ops.Unflatten, *_given("size", form=LIST)),
    _row("silu", ops.Silu),
    _row("log_sigmoid", ops.LogSigmoid),
    _row("hard_shrink", ops.HardShrink, *_given("threshold", form=FLOAT)),
    _row("soft_shrink", ops.SoftShrink, *_given("threshold", form=FLOAT)),
    _row("tanh_shrink", ops.TanhShrink),
    _row("threshold", ops.Threshold, *_given("threshold", "value", form=FLOAT)),
    _row("celu", ops.Celu, *_given("alpha", form=FLOAT)),
    _row("channel_shuffle", ops.ChannelShuffle, *_given("groups")),
    _row("space_to_depth", ops.SpaceToDepth, *_given("scale")),
    _row("stochastic_depth", ops.StochasticDepth, *_given("rate")),
    _row("adaptive_average_pool", ops.AdaptiveAvgPool, *_given("size", form=LIST)),
    _row("adaptive_max_pool", ops.AdaptiveMaxPool, *_given("size", form=LIST)),
    _row("upsample", ops.Upsample, *_given("scale"), MODE, ALIGN),
    _row("upsample_to", ops.UpsampleTo, size_of("2:"), MODE, ALIGN),
)
KINDS: dict[type[Op], tuple[Module, ...]] = {**by_kind(TABLE), ops.LayerScale: (), ops.Permute: ()}
# Functions of a file, which are given what adds operators to a graph, and a value.
FUNCTIONS = {row.name for row in TABLE if not (row.own or row.name.startswith("op."))}
