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
    SCALED,
    Argument,
    Form,
    Render,
    choice,
    constant,
    entering,
    extents,
    option,
    size_of,
)
from rescompile.emit.table import sides as padding_sides
from rescompile.expr.polynomial import product
from rescompile.ir.structure import IN_CHANNELS
from rescompile.ops import Op


def _layer_scale(op: ops.LayerScale, site: Site) -> Code:
    axes = ["1" if op.shared else site.channels, *("1" for _ in range(1, site.rank))]
    axes = axes[:1] if op.vector else [] if op.shared else axes
    shape = f"({axes[0]},)" if len(axes) == 1 else f"({', '.join(axes)})"
    return Call("nn.Parameter", (Call("torch.full", (shape, repr(op.init))),))


def _prelu(op: ops.Prelu, site: Site) -> Code:
    return PRELU.call(op, replace(site, channels="1") if op.shared else site, "nn")


def _permute(op: ops.Permute, site: Site) -> Code:
    return Call("Permute", tuple(map(str, to_last(site.rank) if op.last else to_first(site.rank))))


def to_last(rank: int) -> tuple[int, ...]:
    """The dimensions of N x C x H x W, say, with the channels last."""
    return (0, *range(2, rank + 1), 1)


def to_first(rank: int) -> tuple[int, ...]:
    """And back."""
    return (0, rank, *range(1, rank))


def _turned(sides: tuple[Any, ...]) -> tuple[Any, ...]:
    """Padding in the order of `F.pad`, the last axis first: left, right, top, bottom."""
    return tuple(side for i in range(len(sides) - 2, -1, -2) for side in sides[i : i + 2])


def _edges(padding: Any, dim: Render) -> Code:
    return Items("(", ")", tuple(map(dim, _turned(padding))))


def _write_around(sides: Any, dim: Render) -> Code:
    """Padding in that order; one number where all sides are the same."""
    same = all(side == sides[0] for side in sides)
    return dim(sides[0]) if same else _edges(sides, dim)


def _read_around(given: Any, axes: int) -> Any:
    return _turned(given if isinstance(given, tuple) else (given,) * 2 * axes)


def _around(mode: ops.PadMode, axes: int) -> Argument:
    """Padding of one mode."""
    form = Form(
        lambda value, dim: _write_around(value[0], dim),
        lambda given: (_read_around(given, axes), mode),
        lambda value: value[1] is mode and len(value[0]) == 2 * axes,
    )
    return Argument("padding", ("padding", "mode"), form)


def _depths(axes: int) -> Form:
    """Padding of the channels, of none of so many axes behind them."""

    def write(padding: Any, dim: Render) -> Code:
        return Items("(", ")", (*("0",) * 2 * axes, *map(dim, padding)))

    def read(padding: tuple[int, ...]) -> tuple[int, int]:
        *sides, before, after = padding
        if any(sides) or len(sides) != 2 * axes:
            raise ValueError("pixels of zeros")
        return before, after

    return Form(write, read)


def _uncropped(given: Any) -> Any:
    if any(side > 0 for side in given):
        raise ValueError("zeros around the map")
    return tuple(-side for side in _turned(given))


EDGES = Form(_edges, _turned)
# What is padded by less than nothing is cut.
CUT_OFF = Form(lambda sides, dim: _edges([product((-1, side)) for side in sides], dim), _uncropped)

MAP = Form(
    lambda size, dim: Items("(", ")", ("-1", *map(dim, size))), lambda given: tuple(given[1:])
)
GROUPS = option("groups", "groups", NUMBER, 1)
BIAS = option("bias", "bias", LITERAL, True)
LINEAR = (entering("in_features"), Argument("out_features", "features"), BIAS)
ROUND = option("padding", "padding", Form(_write_around, lambda given: _read_around(given, 2)), 0)
STANDARD = (option("eps", "epsilon", LITERAL, 1e-6), *SCALED)
COUNTED = option("count_include_pad", "count_include_pad", LITERAL, True)
EPSILON = option("eps", "epsilon", LITERAL, 1e-05)
BATCH = (entering("num_features"), EPSILON, option("momentum", "momentum", LITERAL, 0.1))
LAYER = (entering("normalized_shape"), EPSILON)
GROUP = (Argument("num_groups", "groups"), entering("num_channels"), EPSILON)
AFFINE = Argument("affine", (), constant(True), keyword=True)
SLOPE = Argument("negative_slope", "slope", LITERAL, 0.01)
ALPHA = Argument("alpha", "alpha", LITERAL, 1.0)
LAMBDA = Argument("lambd", "threshold", LITERAL, 0.5)
OVER_CHANNELS = Argument("dim", (), constant(1), None, keyword=True)
ONE_PIXEL = Argument("output_size", (), constant(1))
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


def _between(axes: int) -> Argument:
    return Argument("padding", ("before", "after"), _depths(axes))


def _module(name: str, kind: type[Op], *arguments: Argument, **how: Any) -> Module:
    return Module(name, kind, arguments, **how)


PRELU = _module(
    *("PReLU", ops.Prelu, Argument("num_parameters", IN_CHANNELS, default=1)),
    option("init", "init", LITERAL, 0.25),
)
DEPTHS = ("StochasticDepth", "StochasticDepth1d", "StochasticDepth3d")
# Where the calls of a block differ in the pixels that this means.
SAMED: dict[str, Any] = {"implied": (("padding", ops.Same.SAME),)}


def _of_axes(n: int) -> tuple[Module, ...]:
    """The modules for maps of so many axes."""
    each, sides, rank = extents(n), padding_sides(n), (n + 1,)
    stride, dilation = (option(name, name, each, 1) for name in ("stride", "dilation"))
    conv = (
        *(entering("in_channels"), Argument("out_channels", "channels")),
        *(Argument("kernel_size", "kernel", each), stride),
    )
    even = option("padding", "padding", sides, 0)
    padded = option("padding", "padding", EDGES, (0, 0) * n)
    cut, more = (option(name, name, each, 0) for name in ("padding", "output_padding"))
    window = (
        Argument("kernel_size", "kernel", each),
        option("stride", "stride", each, None, "kernel_size"),
    )
    pool = (*window, even, option("ceil_mode", "ceil_mode", LITERAL, False))
    steps = Argument("stride", "stride", each)
    size = Argument("output_size", "size", each)
    whole: dict[str, Any] = {"implied": (("keepdims", True),), "ranks": rank}
    own: dict[str, Any] = {"own": True, "ranks": rank}
    instance = (entering("num_features"), EPSILON, AFFINE)
    # Vectors have the norm of one axis.
    normal = (1, 2) if n == 1 else rank
    spaced = (dilation, GROUPS, BIAS)
    return (
        _module(f"Conv{n}d", ops.Conv, *conv, even, *spaced),
        _module(f"SameConv{n}d", ops.Conv, *conv, *spaced, **SAMED, **own),
        _module(f"PaddedConv{n}d", ops.Conv, *conv, padded, *spaced, **own),
        *(
            _module(name, ops.StdConv, *conv, ROUND, *spaced, *STANDARD, **own)
            for name in ["StdConv2d"] * (n == 2)
        ),
        _module(f"ConvTranspose{n}d", ops.ConvTranspose, *conv, cut, more, GROUPS, BIAS),
        _module(f"BatchNorm{n}d", ops.BatchNorm, *BATCH, ranks=normal),
        _module(f"LayerNorm{n}d", ops.LayerNorm, *LAYER, **own),
        _module(f"InstanceNorm{n}d", ops.InstanceNorm, *instance, ranks=rank),
        _module(f"MaxPool{n}d", ops.MaxPool, *pool),
        _module(f"AvgPool{n}d", ops.AvgPool, *pool, COUNTED),
        _module(f"SameMaxPool{n}d", ops.MaxPool, *window, **SAMED, **own),
        _module(f"SameAvgPool{n}d", ops.AvgPool, window[0], steps, COUNTED, **SAMED, **own),
        _module(f"AdaptiveAvgPool{n}d", ops.GlobalAvgPool, ONE_PIXEL, **whole),
        _module(f"AdaptiveMaxPool{n}d", ops.GlobalMaxPool, ONE_PIXEL, **whole),
        _module(f"GlobalAttentionPool{n}d", ops.GlobalAttentionPool, own=True, **whole),
        # And what those of 1 mean.
        _module(f"AdaptiveAvgPool{n}d", ops.AdaptiveAvgPool, size),
        _module(f"AdaptiveMaxPool{n}d", ops.AdaptiveMaxPool, size),
        _module(f"ReflectionPad{n}d", ops.Pad, _around(ops.PadMode.REFLECT, n)),
        _module(f"ZeroPad{n}d", ops.Crop, Argument("padding", "cropping", CUT_OFF), ranks=rank),
        _module(f"ReplicationPad{n}d", ops.Pad, _around(ops.PadMode.REPLICATE, n)),
    )


TABLE = (
    *(module for n in (2, 1, 3) for module in _of_axes(n)),
    _module("Linear", ops.Linear, *LINEAR, last=True),
    _module("LayerNorm", ops.LayerNorm, *LAYER, last=True),
    _module("GroupNorm", ops.GroupNorm, *GROUP),
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
    _module("Hardshrink", ops.HardShrink, LAMBDA),
    _module("Softshrink", ops.SoftShrink, LAMBDA),
    _module("Tanhshrink", ops.TanhShrink),
    _module(
        *("Threshold", ops.Threshold, Argument("threshold", "threshold", LITERAL)),
        Argument("value", "value", LITERAL),
    ),
    _module("Softmax", ops.Softmax, OVER_CHANNELS),
    _module("LogSoftmax", ops.LogSoftmax, OVER_CHANNELS),
    _module("Flatten", ops.Flatten),
    _module("Dropout", ops.Dropout, Argument("p", "rate", NUMBER, 0.5)),
    *(
        _module(name, ops.StochasticDepth, Argument("rate", "rate"), own=True, ranks=(rank,))
        for rank, name in (
            (3, "StochasticDepth"),
            (2, "StochasticDepth1d"),
            (4, "StochasticDepth3d"),
        )
    ),
    _module("Scale", ops.Scale, Argument("factor", "factor"), own=True),
    *(  # the channels are padded as an axis before those of the map
        _module(name, ops.PadChannels, _between(axes), own=axes == 3, ranks=(axes + 1,))
        for axes, name in ((2, "ZeroPad3d"), (1, "ZeroPad2d"), (3, "ZeroPad4d"))
    ),
    _module(
        *("Unflatten", ops.Unflatten, Argument("dim", (), constant(1))),
        Argument("unflattened_size", "size", MAP),
        ranks=(1,),
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
    _module("L2Norm", ops.L2Norm, option("eps", "epsilon", LITERAL, 1e-12), own=True),
    _module("GlobalResponseNorm2d", ops.GlobalResponseNorm, *CHANNELS, ranks=(3,), own=True),
    _module("GlobalResponseNorm", ops.GlobalResponseNorm, *CHANNELS, last=True, own=True),
    _module("Upsample", ops.Upsample, SCALE, MODE, ALIGN),
)
INTERPOLATE = _module("interpolate", ops.UpsampleTo, size_of("-2:"), MODE, ALIGN)
MODULES: dict[type[Op], Writes] = {
    **writers(TABLE, "nn"),
    ops.Prelu: _prelu,
    ops.LayerScale: _layer_scale,
    ops.Permute: _permute,
    **writers([INTERPOLATE], "F"),
}
# Of those that emitted files define, the ones that are PyTorch's as well.
INHERITS = {f"{how}Conv{n}d": f"Conv{n}d" for n in (1, 2, 3) for how in ("Padded", "Same")}
INHERITS |= {f"Same{how}Pool{n}d": f"{how}Pool{n}d" for n in (1, 2, 3) for how in ("Max", "Avg")}
INHERITS |= {f"LayerNorm{n}d": "LayerNorm" for n in (1, 2, 3)} | {"ChannelConv": "Conv1d"}
# Modules that emitted files define themselves, since PyTorch has none: by the op that needs them.
HELPERS = ("Permute", *(one.name for one in TABLE if one.own))
