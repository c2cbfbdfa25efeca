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
from rescompile.emit.layout import Code, Items
from rescompile.emit.table import (
    FLOAT,
    LITERAL,
    NUMBER,
    OLD,
    Argument,
    Form,
    Render,
    choice,
    constant,
    entering,
    option,
    write_extents,
)
from rescompile.expr.polynomial import total
from rescompile.ops import Op, Same
from rescompile.ops.window import ends
from rescompile.record import record


def _tuple(*items: Code) -> Items:
    return Items("(", ")", items)


def _write_sides(padding: Any, dim: Render) -> Code:
    if isinstance(padding, Same):
        return '"SAME"'
    return _tuple(*(_tuple(dim(before), dim(after)) for before, after in ends(padding)))


def _read_sides(given: Any) -> Any:
    if isinstance(given, str):
        return {"SAME": Same.SAME, "VALID": 0}[given]
    return given if isinstance(given, int) else tuple(side for pads in given for side in pads)


def _write_short(padding: Any, dim: Render) -> Code:
    """One number where all sides agree, which pools do not take."""
    same = not isinstance(padding, Same) and len({*map(dim, padding)}) == 1
    return dim(padding[0]) if same else _write_sides(padding, dim)


def _depths(axes: int) -> Form:
    """Channels of zeros behind those of maps of so many axes."""
    none = [(0, 0)] * (axes + 1)

    def read(given: Any) -> Any:
        *others, depths = given
        if others != none:
            raise ValueError("pixels of zeros")
        return depths

    return Form(lambda pads, dim: _tuple(*map(str, none), _tuple(*map(dim, pads))), read)


def _write_around(padding: Any, dim: Render) -> Code:
    pairs = (_tuple(dim(before), dim(after)) for before, after in ends(padding))
    return _tuple("(0, 0)", *pairs, "(0, 0)")


def _read_around(given: Any) -> Any:
    samples, *pairs, depths = given
    if samples != (0, 0) or depths != (0, 0):
        raise ValueError("samples or channels that are mirrored")
    return _read_sides(pairs)


def _write_apart(pads: Any, dim: Render) -> Code:
    return _write_sides(_joined(pads), dim)


def _write_spread(pads: Any, dim: Render) -> Code:
    return _write_short(_joined(pads), dim)


def _joined(pads: Any) -> tuple[Any, ...]:
    """The pixels before and those after, axis by axis."""
    return tuple(side for both in zip(*pads, strict=True) for side in both)


def _read_spread(given: Any) -> Any:
    sides = _read_sides(given)
    return (sides, sides) if isinstance(sides, int) else (sides[::2], sides[1::2])


EXTENTS = Form(write_extents)  # one number is each of them
BOTH = Form(lambda pair, dim: _tuple(*map(dim, pair)), tuple)
SIDES, SHORT = Form(_write_sides, _read_sides), Form(_write_short, _read_sides)
AROUND = Form(_write_around, _read_around)
MODES = {ops.PadMode.REFLECT: "reflect", ops.PadMode.REPLICATE: "edge"}
MODE = Form(lambda mode, dim: f'"{MODES[mode]}"', {v: k for k, v in MODES.items()}.__getitem__)
SPREADS = Form(_write_spread, _read_spread)
FAST = "use_fast_variance"  # which is wrong by 15% at mean 100 and standard deviation 0.1
INITIAL = Form(lambda _, dim: "", lambda given: ())  # written by who knows the network

IN, OUT = entering("in_features"), Argument("out_features", "channels")
KERNEL, STRIDES = Argument("kernel_size", "kernel", BOTH), option("strides", "stride", EXTENTS, 1)
SLIDES = (IN, OUT, KERNEL, STRIDES)
SPACED = (IN, OUT, KERNEL, Argument("strides", "stride", EXTENTS, keyword=True))
PADDING = Argument("padding", "padding", SHORT, keyword=True)
DILATION = option("kernel_dilation", "dilation", EXTENTS, 1)
GROUPED = option("feature_group_count", "groups", NUMBER, 1)
BIAS = option("use_bias", "bias", LITERAL, True)
DRAWN = Argument("kernel_init", (), INITIAL, keyword=True)
WEIGHTED = (BIAS, DRAWN)
SPREAD = Argument("padding", ("padding", "output_padding"), SPREADS, keyword=True)
APART = replace(SPREAD, form=replace(SPREADS, write=_write_apart))
SWAPPED = Argument("transpose_kernel", (), constant(True), keyword=True)
ONE, BIASED, UNBIASED = (("groups", 1),), (("unbiased", False),), (("unbiased", True),)
NORMED, EXACT = entering("num_features"), Argument(FAST, (), constant(False), keyword=True)
NORM, NUM_GROUPS = (
    (option("epsilon", "epsilon", FLOAT, 1e-6), EXACT),
    Argument("num_groups", "groups"),
)
MOMENTUM, EPSILON = (
    option("momentum", "momentum", OLD, 0.99),
    option("epsilon", "epsilon", FLOAT, 1e-5),
)
BATCH = (NORMED, MOMENTUM, EPSILON, EXACT)
WINDOW = (
    Argument("window_shape", "kernel", BOTH, keyword=True),
    Argument("strides", "stride", BOTH, keyword=True),
    option("padding", "padding", SIDES, "VALID"),
)
EDGE = (*WINDOW[:2], Argument("padding", "padding", SIDES, keyword=True))
COUNTED = option("count_include_pad", "count_include_pad", LITERAL, True)
CEIL, FLOOR = (("ceil_mode", True),), (("ceil_mode", False),)
OVER_CHANNELS = (
    Argument("axis", (), constant(-1), keyword=True),
    Argument("keepdims", (), constant(True), keyword=True),
)
KEEPDIMS = option("keepdims", "keepdims", LITERAL, False)
SLICE = (
    Argument("start_index", "start", keyword=True),
    Argument("limit_index", "stop", keyword=True),
    Argument("axis", (), constant(-1), keyword=True),
)
SCALE, GROUPS = (Argument(name, name, keyword=True) for name in ("scale", "groups"))
SIZE = Argument("output_size", "size", BOTH, keyword=True)
RESPONSE = (
    Argument("size", "size", keyword=True),
    option("alpha", "alpha", FLOAT, 1e-4),
    option("beta", "beta", FLOAT, 0.75),
    option("k", "k", FLOAT, 1.0),
)
# What is said once in a file: always, or where most layers agree.
SAID, SHARED = (EXACT, SWAPPED, DRAWN), ("use_bias", "momentum", "epsilon")


@record
class Row(Module):
    """A module of Flax's or a file's own; or a function, whose name tells where it is found.

    What all modules of a kind have in common is said once, where the file calls that `preset`.
    """

    preset: str = ""

    @property
    def is_function(self) -> bool:
        return not self.name[0].isupper()

    @property
    def found(self) -> str:
        """What the file calls it."""
        return self.name if self.own or self.is_function else f"nnx.{self.name}"

    def says(self, op: Op, rank: int) -> bool:
        """Whether it has all values of an op, those included that no argument says."""
        there = not self.ranks or rank in self.ranks
        return there and all(getattr(op, name) == value for name, value in self.implied)


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


def _row(name: str, kind: type[Op], *arguments: Argument, **how: Any) -> Row:
    return Row(name, kind, arguments, **how)


_own = partial(_row, own=True)  # what a file defines itself


def _of_axes(n: int) -> tuple[Row, ...]:
    """What tells how many axes a map has."""
    samples, ranks = tuple(range(1, n + 2)), (n + 1,)
    positions = Argument("axis", (), constant(samples[:-1] if n > 1 else 1), keyword=True)
    whole = Argument("broadcast_dims", (), constant(samples), keyword=True)
    depths = Argument("pad_width", ("before", "after"), _depths(n), keyword=True)
    return (
        _row("jnp.mean", ops.GlobalAvgPool, positions, KEEPDIMS, ranks=ranks),
        _row("jnp.max", ops.GlobalMaxPool, positions, KEEPDIMS, ranks=ranks),
        _row("Dropout", ops.StochasticDepth, Argument("rate", "rate"), whole, ranks=ranks),
        _row("jnp.pad", ops.PadChannels, depths, ranks=ranks),
    )


ROWS = (
    _row("Conv", ops.Conv, *SLIDES, PADDING, DILATION, GROUPED, BIAS, DRAWN, preset="conv"),
    _row(
        "ConvTranspose",
        ops.ConvTranspose,
        *SPACED,
        SPREAD,
        SWAPPED,
        *WEIGHTED,
        implied=ONE,
        preset="conv_transpose",
    ),
    _own(
        *("GroupedConvTranspose", ops.ConvTranspose, *SPACED, APART, GROUPS, *WEIGHTED),
        preset="grouped_conv_transpose",
    ),
    _row(
        "Linear", ops.Linear, IN, Argument("out_features", "features"), *WEIGHTED, preset="linear"
    ),
    _row("BatchNorm", ops.BatchNorm, *BATCH, implied=BIASED, preset="batch_norm"),
    _own(
        *("UnbiasedBatchNorm", ops.BatchNorm, *BATCH),
        implied=UNBIASED,
        preset="unbiased_batch_norm",
    ),
    _row("LayerNorm", ops.LayerNorm, NORMED, *NORM, preset="layer_norm"),
    _row("GroupNorm", ops.GroupNorm, NORMED, NUM_GROUPS, *NORM, preset="group_norm"),
    _row("InstanceNorm", ops.InstanceNorm, NORMED, *NORM, preset="instance_norm"),
    _row("nnx.relu", ops.Relu),
    _row("nnx.relu6", ops.Relu6),
    _row("nnx.leaky_relu", ops.LeakyRelu, option("negative_slope", "slope", FLOAT, 0.01)),
    _own(
        *("PReLU", ops.Prelu, NORMED, option("negative_slope_init", "init", FLOAT, 0.25)),
        option("shared", "shared", LITERAL, False),
    ),
    _row("nnx.sigmoid", ops.Sigmoid),
    _row("nnx.hard_sigmoid", ops.HardSigmoid),
    _row("nnx.tanh", ops.Tanh),
    _row("nnx.silu", ops.Silu),
    _row("nnx.hard_swish", ops.HardSwish),
    _row("nnx.gelu", ops.Gelu, Argument("approximate", (), constant(False), keyword=True)),
    _row("nnx.elu", ops.Elu),
    _row("nnx.celu", ops.Celu, option("alpha", "alpha", FLOAT, 1.0)),
    _row("nnx.selu", ops.Selu),
    _row("nnx.softplus", ops.Softplus),
    _row("nnx.soft_sign", ops.Softsign),
    _row("jax.nn.mish", ops.Mish),
    _row("nnx.log_sigmoid", ops.LogSigmoid),
    _row("nnx.hard_tanh", ops.HardTanh),
    _row("nnx.softmax", ops.Softmax),
    _row("nnx.max_pool", ops.MaxPool, *WINDOW, implied=FLOOR),
    _own("ceil_max_pool", ops.MaxPool, *EDGE, implied=CEIL),
    _row("nnx.avg_pool", ops.AvgPool, *WINDOW, COUNTED, implied=FLOOR),
    _own("ceil_avg_pool", ops.AvgPool, *EDGE, COUNTED, implied=CEIL),
    _own("adaptive_avg_pool", ops.AdaptiveAvgPool, SIZE),
    _own("adaptive_max_pool", ops.AdaptiveMaxPool, SIZE),
    _own("flatten", ops.Flatten),
    _own("unflatten", ops.Unflatten, Argument("size", "size", BOTH, keyword=True)),
    _row("Dropout", ops.Dropout, Argument("rate", "rate")),
    *(row for n in (2, 1, 3) for row in _of_axes(n)),
    _row("Param", ops.LayerScale),  # a tensor, by which values are multiplied
    _row("jnp.multiply", ops.Scale, Argument("factor", "factor")),
    _row(
        *("jnp.pad", ops.Pad, Argument("pad_width", "padding", AROUND, keyword=True)),
        Argument("mode", "mode", MODE, keyword=True),
    ),
    _row("jax.lax.slice_in_dim", ops.SliceChannels, *SLICE),
    _own("channel_shuffle", ops.ChannelShuffle, GROUPS),
    _own(
        "upsample", ops.Upsample, SCALE, option("method", "mode", choice(ops.Resampling), "nearest")
    ),
    _own("depth_to_space", ops.DepthToSpace, SCALE),
    _own("space_to_depth", ops.SpaceToDepth, SCALE),
    _own(
        *("split_softmax", ops.SplitSoftmax, Argument("splits", "splits", keyword=True)),
        option("groups", "groups", NUMBER, 1),
    ),
    _row("jnp.mean", ops.ChannelMean, *OVER_CHANNELS),
    _row("jnp.max", ops.ChannelMax, *OVER_CHANNELS),
    _own(
        *("ChannelConv", ops.ChannelConv, Argument("size", "size"), *WEIGHTED),
        preset="channel_conv",
    ),
    _own("local_response_norm", ops.LocalResponseNorm, *RESPONSE),
    _own(
        *("GlobalResponseNorm", ops.GlobalResponseNorm, NORMED),
        option("epsilon", "epsilon", FLOAT, 1e-6),
    ),
)
TABLE: dict[type[Op], tuple[Row, ...]] = {
    **{one.kind: tuple(row for row in ROWS if row.kind is one.kind) for one in ROWS},
    ops.Permute: (),  # channels are last throughout
}
# What files define themselves.
HELPERS = tuple(row.name for row in ROWS if row.own)
