"""Every operation in Flax: a module that a constructor makes, or a function that is applied.

The table is read both ways: emission writes an op as the first row that can say it, the stand-in
takes the calls of an emitted file for what they mean here. Channels are last throughout.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from rescompile import ops
from rescompile.emit.classes.table import Module
from rescompile.emit.layout import Code
from rescompile.emit.naming import snake_case
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
    Render,
    by_kind,
    choice,
    constant,
    entering,
    option,
    size_of,
    tupled,
    write_extents,
)
from rescompile.expr.polynomial import total
from rescompile.ops import Op, Same
from rescompile.ops.window import ends


def _write_sides(padding: Any, dim: Render) -> Code:
    return '"SAME"' if isinstance(padding, Same) else AROUND.write(padding, dim)


def _read_sides(given: Any) -> Any:
    if isinstance(given, str):
        return {"SAME": Same.SAME, "VALID": 0}[given]
    return given if isinstance(given, int) else AROUND.read(given)


def _write_short(padding: Any, dim: Render) -> Code:
    """One number where all sides agree, which pools do not take."""
    same = not isinstance(padding, Same) and len({*map(dim, padding)}) == 1
    return dim(padding[0]) if same else _write_sides(padding, dim)


def _width(first: int, count: int, rank: int) -> Form:
    """What `jnp.pad` takes: a pair for each axis, of which those from the first on are padded."""

    def write(padding: Any, dim: Render) -> Code:
        axes = [*[(0, 0)] * first, *ends(padding), *[(0, 0)] * (rank - first - count)]
        return tupled(*(tupled(*map(dim, pair)) for pair in axes))

    def read(given: Any) -> Any:
        inner = given[first : first + count]
        if [*given] != [*[(0, 0)] * first, *inner, *[(0, 0)] * (rank - first - count)]:
            raise ValueError(f"other axes are padded by {given}")
        return tuple(side for pair in inner for side in pair)

    return Form(write, read)


def _apart(sides: Form) -> Form:
    """Padding before and after all axes, as a transposed convolution has it, by that of sides."""

    def read(given: Any) -> Any:
        found = sides.read(given)
        return (found, found) if isinstance(found, int) else (found[::2], found[1::2])

    def write(pads: Any, dim: Render) -> Code:
        return sides.write(tuple(side for both in zip(*pads, strict=True) for side in both), dim)

    return Form(write, read)


EXTENTS = Form(write_extents)  # one number is each of them
SIDES, SHORT = Form(_write_sides, _read_sides), Form(_write_short, _read_sides)
DRAW = Form(lambda _, dim: "", lambda given: ())  # written by who knows the network

IN, OUT = entering("in_features"), Argument("out_features", "channels")
KERNEL, STRIDES = Argument("kernel_size", "kernel", BOTH), option("strides", "stride", EXTENTS, 1)
PADDING = Argument("padding", "padding", SHORT, keyword=True)
DILATION = option("kernel_dilation", "dilation", EXTENTS, 1)
GROUPED = option("feature_group_count", "groups", NUMBER, 1)
DRAWN = Argument("kernel_init", (), DRAW, keyword=True)
WEIGHTED = (option("use_bias", "bias", LITERAL, True), DRAWN)
SLIDES = (IN, OUT, KERNEL, STRIDES, PADDING, DILATION, GROUPED)
SPACED = (IN, OUT, KERNEL, Argument("strides", "stride", EXTENTS, keyword=True))
SPREAD = Argument("padding", ("padding", "output_padding"), _apart(SHORT), keyword=True)
SWAPPED = Argument("transpose_kernel", (), constant(True), keyword=True)
# The fast variance is wrong by 15% at mean 100 and standard deviation 0.1.
EXACT = Argument("use_fast_variance", (), constant(False), keyword=True)
NORMED, EPSILON = entering("num_features"), option("epsilon", "epsilon", FLOAT, 1e-6)
NORM = (EPSILON, EXACT)
BATCH = (NORMED, option("momentum", "momentum", OLD, 0.99), replace(EPSILON, default=1e-5), EXACT)
EDGE = (
    Argument("window_shape", "kernel", BOTH, keyword=True),
    Argument("strides", "stride", BOTH, keyword=True),
    Argument("padding", "padding", SIDES, keyword=True),
)
WINDOW = (*EDGE[:2], replace(EDGE[2], default="VALID"))
COUNTED = option("count_include_pad", "count_include_pad", LITERAL, True)
KEEPDIMS = option("keepdims", "keepdims", LITERAL, False)
ALONG = Argument("axis", (), constant(-1), keyword=True)
ACROSS = (ALONG, Argument("keepdims", (), constant(True), keyword=True))
SLICE = (
    Argument("start_index", "start", keyword=True),
    Argument("limit_index", "stop", keyword=True),
    ALONG,
)
RATE = Argument("rate", "rate")
THRESHOLD = option("threshold", "threshold", FLOAT, 0.5)
LEVEL = option("level", "threshold", FLOAT, 0.5)
SCALE, GROUPS, SPLITS, SIZE = (
    Argument(name, name, keyword=True) for name in ("scale", "groups", "splits", "size")
)
CELLS, MAP = (Argument(name, "size", BOTH, keyword=True) for name in ("output_size", "size"))
METHOD = option("method", "mode", choice(ops.Resampling), "linear")
NEAREST: dict[str, Any] = {"mode": ops.Resampling.NEAREST, "align_corners": False}
ALIGNED: dict[str, Any] = {"mode": ops.Resampling.BILINEAR, "align_corners": True}
MODE = Argument("mode", "mode", choice(ops.PadMode, replicate="edge"), keyword=True)
RESPONSE = (
    SIZE,
    option("alpha", "alpha", FLOAT, 1e-4),
    option("beta", "beta", FLOAT, 0.75),
    option("k", "k", FLOAT, 1.0),
)
# What is said once in a file: always, or where most layers agree.
SAID, SHARED = (EXACT, SWAPPED, DRAWN), ("use_bias", "momentum", "epsilon")


class Row(Module):
    """A module or a function, by the name that emitted files have for it; without a dot their own.

    What all modules of a kind have in common is said once, where the file calls that `preset`.
    """

    @property
    def is_function(self) -> bool:
        return not self.name.rpartition(".")[2][0].isupper()

    @property
    def preset(self) -> str:
        said = any(argument in SAID for argument in self.arguments)
        return snake_case(self.name.rpartition(".")[2]) if said else ""


def spread(op: ops.ConvTranspose) -> ops.ConvTranspose:
    """Padding as Flax has it: of the pixels when they are apart, before and after them."""
    before = tuple(total((k, -1), cut) for k, _, cut, _ in op.spreads)
    after = (total((b, more)) for b, more in zip(before, op.output_padding, strict=True))
    return replace(op, padding=before, output_padding=tuple(after))


def gathered(op: ops.ConvTranspose) -> ops.ConvTranspose:
    """Padding as the IR has it, from Flax's."""
    pads = zip(op.kernel, op.padding, op.output_padding, strict=True)
    cut, more = zip(*((total((k, -1), b), total((a,), b)) for k, b, a in pads), strict=True)
    return replace(op, padding=cut, output_padding=more)


def _row(
    name: str, kind: type[Op], *arguments: Argument, ranks: tuple[int, ...] = (), **implied: Any
) -> Row:
    return Row(name, kind, arguments, tuple(implied.items()), ranks, own="." not in name)


def _of_axes(n: int) -> tuple[Row, ...]:
    """What tells how many axes a map has."""
    samples, row = tuple(range(1, n + 2)), partial(_row, ranks=(n + 1,))
    over = Argument("axis", (), constant(samples[:-1] if n > 1 else 1), keyword=True)
    depths, places = _width(n + 1, 1, n + 2), _width(1, n, n + 2)
    return (
        row("jnp.mean", ops.GlobalAvgPool, over, KEEPDIMS),
        row(
            *("nnx.Dropout", ops.StochasticDepth, RATE),
            Argument("broadcast_dims", (), constant(samples), keyword=True),
        ),
        row(
            *("jnp.pad", ops.PadChannels),
            Argument("pad_width", ("before", "after"), depths, keyword=True),
        ),
        row("jnp.pad", ops.Pad, Argument("pad_width", "padding", places, keyword=True), MODE),
    )


# Those that Flax calls as the language does, and which take nothing else.
WORDS = (
    *(ops.Relu, ops.Relu6, ops.Sigmoid, ops.HardSigmoid, ops.Tanh, ops.Silu, ops.HardSwish),
    *(ops.Elu, ops.Selu, ops.Softplus, ops.LogSigmoid, ops.HardTanh, ops.Softmax),
    ops.LogSoftmax,
)
ROWS = (
    _row("nnx.Conv", ops.Conv, *SLIDES, *WEIGHTED),
    _row("StdConv", ops.StdConv, *SLIDES, WEIGHTED[0], EPSILON, *SCALED, DRAWN),
    _row("nnx.ConvTranspose", ops.ConvTranspose, *SPACED, SPREAD, SWAPPED, *WEIGHTED, groups=1),
    _row(
        *("GroupedConvTranspose", ops.ConvTranspose, *SPACED),
        *(replace(SPREAD, form=_apart(SIDES)), GROUPS, *WEIGHTED),
    ),
    _row("nnx.Linear", ops.Linear, IN, Argument("out_features", "features"), *WEIGHTED),
    _row("nnx.BatchNorm", ops.BatchNorm, *BATCH, unbiased=False),
    _row("UnbiasedBatchNorm", ops.BatchNorm, *BATCH, unbiased=True),
    _row("nnx.LayerNorm", ops.LayerNorm, NORMED, *NORM),
    _row("nnx.GroupNorm", ops.GroupNorm, NORMED, Argument("num_groups", "groups"), *NORM),
    _row("nnx.InstanceNorm", ops.InstanceNorm, NORMED, *NORM),
    *(_row(f"nnx.{kind.word}", kind) for kind in WORDS),
    _row("nnx.soft_sign", ops.Softsign),
    _row("jax.nn.mish", ops.Mish),
    _row("nnx.leaky_relu", ops.LeakyRelu, option("negative_slope", "slope", FLOAT, 0.01)),
    _row("nnx.celu", ops.Celu, option("alpha", "alpha", FLOAT, 1.0)),
    _row("nnx.gelu", ops.Gelu, Argument("approximate", (), constant(False), keyword=True)),
    _row("hard_shrink", ops.HardShrink, THRESHOLD),
    _row("soft_shrink", ops.SoftShrink, THRESHOLD),
    _row("tanh_shrink", ops.TanhShrink),
    _row("threshold", ops.Threshold, LEVEL, option("value", "value", FLOAT, 0.0)),
    _row(
        *("PReLU", ops.Prelu, NORMED, option("negative_slope_init", "init", FLOAT, 0.25)),
        option("shared", "shared", LITERAL, False),
    ),
    _row("nnx.max_pool", ops.MaxPool, *WINDOW, ceil_mode=False),
    _row("ceil_max_pool", ops.MaxPool, *EDGE, ceil_mode=True),
    _row("nnx.avg_pool", ops.AvgPool, *WINDOW, COUNTED, ceil_mode=False),
    _row("ceil_avg_pool", ops.AvgPool, *EDGE, COUNTED, ceil_mode=True),
    _row("adaptive_avg_pool", ops.AdaptiveAvgPool, CELLS),
    _row("adaptive_max_pool", ops.AdaptiveMaxPool, CELLS),
    _row("global_attention_pool", ops.GlobalAttentionPool, KEEPDIMS),
    _row("global_max_pool", ops.GlobalMaxPool, KEEPDIMS),
    _row("crop", ops.Crop, Argument("cropping", "cropping", AROUND, keyword=True)),
    _row("flatten", ops.Flatten),
    _row("unflatten", ops.Unflatten, MAP),
    _row("nnx.Dropout", ops.Dropout, RATE),
    *(row for n in (2, 1, 3) for row in _of_axes(n)),
    _row("nnx.Param", ops.LayerScale),  # a tensor, by which values are multiplied
    _row("jnp.multiply", ops.Scale, Argument("factor", "factor")),
    _row("jax.lax.slice_in_dim", ops.SliceChannels, *SLICE),
    _row("channel_shuffle", ops.ChannelShuffle, GROUPS),
    *(
        row
        for kind, to in ((ops.Upsample, SCALE), (ops.UpsampleTo, size_of("1:3", keyword=True)))
        for row in (
            _row("upsample", kind, to, **NEAREST),
            _row("interpolate_aligned", kind, to, **ALIGNED),
            _row("interpolate", kind, to, METHOD, align_corners=False),
        )
    ),
    _row("depth_to_space", ops.DepthToSpace, SCALE),
    _row("space_to_depth", ops.SpaceToDepth, SCALE),
    _row("split_softmax", ops.SplitSoftmax, SPLITS, option("groups", "groups", NUMBER, 1)),
    _row("jnp.mean", ops.ChannelMean, *ACROSS),
    _row("channel_max", ops.ChannelMax),
    _row("ChannelConv", ops.ChannelConv, Argument("size", "size"), *WEIGHTED),
    _row("local_response_norm", ops.LocalResponseNorm, *RESPONSE),
    _row("l2_norm", ops.L2Norm, option("epsilon", "epsilon", LITERAL, 1e-12)),
    _row("GlobalResponseNorm", ops.GlobalResponseNorm, NORMED, EPSILON),
)
TABLE: dict[type[Op], tuple[Row, ...]] = {
    **by_kind(ROWS),
    ops.Permute: (),  # channels are last throughout
}
# What files define themselves.
HELPERS = ("Apply", *dict.fromkeys(row.name for row in ROWS if row.own))
