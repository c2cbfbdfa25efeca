"""Every operation as the constructor of a PyTorch module: one table, which is read both ways.

The set is closed: `MODULES` has an entry for each op of the IR. Emission writes an op as the first
module that can say it; the stand-in takes the calls of an emitted file for what they mean here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rescompile import ops
from rescompile.emit.classes.table import Module, Site, Writes, writers
from rescompile.emit.layout import Call, Code, Items
from rescompile.emit.table import (
    LITERAL,
    NUMBER,
    PAIR,
    SIDES,
    Argument,
    Form,
    Render,
    choice,
    constant,
    entering,
    option,
)
from rescompile.ir.structure import IN_CHANNELS
from rescompile.ops import Op


def _layer_scale(op: ops.LayerScale, site: Site) -> Code:
    shape = f"({site.channels}, 1, 1)" if site.rank == 3 else f"({site.channels},)"
    return Call("nn.Parameter", (Call("torch.full", (shape, repr(op.init))),))


def _prelu(op: ops.Prelu, site: Site) -> Code:
    return PRELU.call(op, replace(site, channels="1") if op.shared else site, "nn")


def _conv(op: ops.Conv, site: Site) -> Code:
    if isinstance(op.padding, ops.Same):
        return SAMED.call(op, site, "nn")
    return PADDED_CONVS[ops.Conv](op, site)


def _permute(op: ops.Permute, site: Site) -> Code:
    return Call("Permute", tuple(map(str, TO_LAST if op.last else TO_FIRST)))


TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


def _edges(padding: Any, dim: Render) -> Code:
    """Padding in the order of `F.pad`: left, right, top, bottom."""
    return Items("(", ")", tuple(dim(padding[i]) for i in (2, 3, 0, 1)))


def _write_around(sides: Any, dim: Render) -> Code:
    """Padding in that order; one number where all sides are the same."""
    same = all(side == sides[0] for side in sides)
    return dim(sides[0]) if same else _edges(sides, dim)


def _read_around(given: Any) -> Any:
    left, right, top, bottom = given if isinstance(given, tuple) else (given,) * 4
    return top, bottom, left, right


AROUND = Form(_write_around, _read_around)


def _around(mode: ops.PadMode) -> Form:
    """Padding of one mode."""
    return Form(
        lambda value, dim: _write_around(value[0], dim),
        lambda given: (_read_around(given), mode),
        lambda value: value[1] is mode,
    )


def _around_by(mode: ops.PadMode) -> Argument:
    return Argument("padding", ("padding", "mode"), _around(mode))


def _depths(padding: Any, dim: Render) -> Code:
    before, after = padding
    return f"(0, 0, 0, 0, {dim(before)}, {dim(after)})"


def _read_depths(padding: tuple[int, ...]) -> tuple[int, int]:
    *sides, before, after = padding
    if any(sides):
        raise ValueError("rows or columns of zeros")
    return before, after


EDGES = Form(_edges, lambda given: (*given[2:], *given[:2]))
DEPTHS = Form(_depths, _read_depths)

MAP = Form(
    lambda size, dim: Items("(", ")", ("-1", *map(dim, size))), lambda given: tuple(given[1:])
)
SIZE, STRIDE = Argument("kernel_size", "kernel", PAIR), option("stride", "stride", PAIR, 1)
PADDING, CUT = option("padding", "padding", SIDES, 0), option("padding", "padding", PAIR, 0)
PADDED = option("padding", "padding", EDGES, (0, 0, 0, 0))
MORE = option("output_padding", "output_padding", PAIR, 0)
DILATION, GROUPS = option("dilation", "dilation", PAIR, 1), option("groups", "groups", NUMBER, 1)
BIAS = option("bias", "bias", LITERAL, True)
CONV = (entering("in_channels"), Argument("out_channels", "channels"), SIZE, STRIDE)
LINEAR = (entering("in_features"), Argument("out_features", "features"), BIAS)
ROUND = option("padding", "padding", AROUND, 0)
STANDARD = (
    option("eps", "epsilon", LITERAL, 1e-6),
    option("gain", "gain", LITERAL, False),
    option("gamma", "gamma", LITERAL, 1.0),
)
STEP = option("stride", "stride", PAIR, None, like="kernel_size")
POOL = (SIZE, STEP, PADDING, option("ceil_mode", "ceil_mode", LITERAL, False))
COUNTED = option("count_include_pad", "count_include_pad", LITERAL, True)
EPSILON = option("eps", "epsilon", LITERAL, 1e-05)
BATCH = (entering("num_features"), EPSILON, option("momentum", "momentum", LITERAL, 0.1))
LAYER = (entering("normalized_shape"), EPSILON)
GROUP = (Argument("num_groups", "groups"), entering("num_channels"), EPSILON)
AFFINE = Argument("affine", (), constant(True), keyword=True)
SLOPE = Argument("negative_slope", "slope", LITERAL, 0.01)
ALPHA = Argument("alpha", "alpha", LITERAL, 1.0)
OVER_CHANNELS = Argument("dim", (), constant(1), None, keyword=True)
ONE_PIXEL = Argument("output_size", (), constant(1))
PIXELS = Argument("output_size", "size", PAIR)
RANGE = (Argument("start", "start"), Argument("stop", "stop"))
NO_BIAS = option("bias", "bias", LITERAL, False)
RESPONSE = (
    Argument("size", "size"),
    option("alpha", "alpha", LITERAL, 1e-4),
    option("beta", "beta", LITERAL, 0.75),
    option("k", "k", LITERAL, 1.0),
)
CHANNELS = (entering("channels"), option("eps", "epsilon", LITERAL, 1e-6))
SCALE = option("scale_factor", "scale", NUMBER, None)
MODE = option("mode", "mode", choice(ops.Resampling), "nearest")


ALIGN = option("align_corners", "align_corners", replace(LITERAL, read=bool, absent=False), None)


def _module(name: str, kind: type[Op], *arguments: Argument, **how: Any) -> Module:
    return Module(name, kind, arguments, **how)


PRELU = _module(
    *("PReLU", ops.Prelu, Argument("num_parameters", IN_CHANNELS, default=1)),
    option("init", "init", LITERAL, 0.25),
)
SAMED = _module(  # where the calls of a block differ in the pixels that `same` means
    *("SameConv2d", ops.Conv, *CONV, DILATION, GROUPS, BIAS),
    implied=(("padding", ops.Same.SAME),),
    own=True,
)
TABLE = (
    _module("StdConv2d", ops.StdConv, *CONV, ROUND, DILATION, GROUPS, BIAS, *STANDARD, own=True),
    _module("Conv2d", ops.Conv, *CONV, PADDING, DILATION, GROUPS, BIAS),
    SAMED,
    _module("PaddedConv2d", ops.Conv, *CONV, PADDED, DILATION, GROUPS, BIAS, own=True),
    _module("ConvTranspose2d", ops.ConvTranspose, *CONV, CUT, MORE, GROUPS, BIAS),
    _module("Linear", ops.Linear, *LINEAR, last=True),
    _module("BatchNorm2d", ops.BatchNorm, *BATCH, rank=3),
    _module("BatchNorm1d", ops.BatchNorm, *BATCH, rank=1),
    _module("LayerNorm2d", ops.LayerNorm, *LAYER, rank=3, own=True),
    _module("LayerNorm", ops.LayerNorm, *LAYER, last=True),
    _module("GroupNorm", ops.GroupNorm, *GROUP),
    _module("InstanceNorm2d", ops.InstanceNorm, entering("num_features"), EPSILON, AFFINE),
    _module("ReLU", ops.Relu, inplace="inplace"),
    _module("ReLU6", ops.Relu6, inplace="inplace"),
    _module("LeakyReLU", ops.LeakyRelu, SLOPE, inplace="inplace"),
    PRELU,
    _module("Sigmoid", ops.Sigmoid),
    _module("Hardsigmoid", ops.HardSigmoid),
    _module("Tanh", ops.Tanh),
    _module("SiLU", ops.Silu, inplace="inplace"),
    _module("Hardswish", ops.HardSwish, inplace="inplace"),
    _module("GELU", ops.Gelu),
    _module("ELU", ops.Elu),
    _module("CELU", ops.Celu, ALPHA, inplace="inplace"),
    _module("SELU", ops.Selu, inplace="inplace"),
    _module("Softplus", ops.Softplus),
    _module("Softsign", ops.Softsign),
    _module("Mish", ops.Mish, inplace="inplace"),
    _module("LogSigmoid", ops.LogSigmoid),
    _module("Hardtanh", ops.HardTanh, inplace="inplace"),
    _module("Softmax", ops.Softmax, OVER_CHANNELS),
    _module("MaxPool2d", ops.MaxPool, *POOL),
    _module("AvgPool2d", ops.AvgPool, *POOL, COUNTED),
    _module("AdaptiveAvgPool2d", ops.GlobalAvgPool, ONE_PIXEL, implied=(("keepdims", True),)),
    _module("AdaptiveMaxPool2d", ops.GlobalMaxPool, ONE_PIXEL, implied=(("keepdims", True),)),
    # And what those of 1 mean.
    _module("AdaptiveAvgPool2d", ops.AdaptiveAvgPool, PIXELS),
    _module("AdaptiveMaxPool2d", ops.AdaptiveMaxPool, PIXELS),
    _module("Flatten", ops.Flatten),
    _module("Dropout", ops.Dropout, Argument("p", "rate", NUMBER, 0.5)),
    _module("StochasticDepth", ops.StochasticDepth, Argument("rate", "rate"), own=True),
    _module("Scale", ops.Scale, Argument("factor", "factor"), own=True),
    _module("ZeroPad3d", ops.PadChannels, Argument("padding", ("before", "after"), DEPTHS)),
    _module("ReflectionPad2d", ops.Pad, _around_by(ops.PadMode.REFLECT)),
    _module("ReplicationPad2d", ops.Pad, _around_by(ops.PadMode.REPLICATE)),
    _module(
        *("Unflatten", ops.Unflatten, Argument("dim", (), constant(1))),
        Argument("unflattened_size", "size", MAP),
        rank=1,
    ),
    _module("SliceChannels", ops.SliceChannels, *RANGE, own=True),
    _module("ChannelShuffle", ops.ChannelShuffle, Argument("groups", "groups")),
    _module("PixelShuffle", ops.DepthToSpace, Argument("upscale_factor", "scale")),
    _module("PixelUnshuffle", ops.SpaceToDepth, Argument("downscale_factor", "scale")),
    _module("SplitSoftmax", ops.SplitSoftmax, Argument("splits", "splits"), GROUPS, own=True),
    _module("ChannelMean", ops.ChannelMean, own=True),
    _module("ChannelMax", ops.ChannelMax, own=True),
    _module("ChannelConv", ops.ChannelConv, Argument("size", "size"), NO_BIAS, own=True),
    _module("LocalResponseNorm", ops.LocalResponseNorm, *RESPONSE),
    _module("GlobalResponseNorm2d", ops.GlobalResponseNorm, *CHANNELS, rank=3, own=True),
    _module("GlobalResponseNorm", ops.GlobalResponseNorm, *CHANNELS, last=True, own=True),
    _module("Upsample", ops.Upsample, SCALE, MODE, ALIGN),
)
# The size is that of the last axes of another tensor.
LIKE = Form(lambda value, dim: f"{value[0]}.shape[-2:]", lambda size: ("", tuple(size)))
INTERPOLATE = _module(
    *("interpolate", ops.UpsampleTo, Argument("size", ("to", "extents"), LIKE)), MODE, ALIGN
)
PADDED_CONVS = writers((one for one in TABLE if one is not SAMED), "nn")
MODULES: dict[type[Op], Writes] = {
    **PADDED_CONVS,
    ops.Conv: _conv,
    ops.Prelu: _prelu,
    ops.LayerScale: _layer_scale,
    ops.Permute: _permute,
    **writers([INTERPOLATE], "F"),
}
# Modules that emitted files define themselves, since PyTorch has none: by the op that needs them.
HELPERS = ("Permute", *(one.name for one in TABLE if one.own))
