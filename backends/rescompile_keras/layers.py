"""Every operation as Keras layers applied to a tensor: one entry an operation, in one table.

Most are the layer that the vocabulary has for them. What is more has a rule of its own: it tells
the values that a variable takes, one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from rescompile import ops
from rescompile.emit.borders import cuts
from rescompile.emit.channels_last import Proofs
from rescompile.emit.functions.conv_helper import ConvHelper, ConvLayers
from rescompile.emit.functions.convolutions import served
from rescompile.emit.functions.layer import Layer
from rescompile.emit.functions.syntax import Place, Values
from rescompile.emit.layout import Call, Code, Items
from rescompile.ir.analysis import Analysis
from rescompile.ops import Op
from rescompile.ops.window import ends

from . import vocabulary as words
from .initialise import initializer
from .pooling import PoolHelper, Pools, SamePool
from .vocabulary import FUNCTIONS, WORDS


@dataclass
class Style:
    """What the whole file agrees on: helper functions and constants."""

    analysis: Analysis

    def __post_init__(self) -> None:
        analysis = self.analysis
        proofs = Proofs(analysis.elaborated)
        initial = partial(initializer, analysis.network.conv_init)
        self.words = WORDS[len(analysis.network.input) - 1]
        rows = (self.words.conv, self.words.depthwise, self.words.zeros, self.words.max)
        target = ConvLayers("Keras", words.TENSOR, *rows, initial)
        self.convs = [ConvHelper(name, group, target) for name, group in served(analysis).items()]
        self.conv_of = {key: helper for helper in self.convs for key in helper.sites}
        self.pools = Pools(analysis, proofs.negative, self.words)
        self.ordered = proofs.ordered
        found = [traces[0].node.op for traces in analysis.traces.values()]
        norms = Counter(op for op in found if isinstance(op, ops.BatchNorm))
        self.norm = norms.most_common(1)[0][0] if norms else None
        self.several_norms = norms.total() > 1
        self.several_linears = sum(isinstance(op, ops.Linear) for op in found) > 1

    @property
    def helpers(self) -> list[ConvHelper | PoolHelper | SamePool]:
        """What several layers share."""
        convs = (helper for helper in self.convs if helper.is_function)
        return [*convs, *self.pools.helpers.values(), *self.pools.same.values()]

    def helper_names(self) -> set[str]:
        """The functions of the file that are no block's."""
        made = {helper.name for helper in self.helpers}
        fixed = (*words.FIXED, "batch_norm", "dense_init")
        return {*made, *fixed, "make_divisible", "BN_MOMENTUM", "BN_EPSILON"}


CONSTANTS: dict[str, Code] = {"momentum": "BN_MOMENTUM", "epsilon": "BN_EPSILON"}
Rule = Callable[[Any, Place, Style], "Code | Values"]


def apply(at: Place, style: Style) -> Values:
    """The values that the place's variable takes, each with a comment."""
    made = TABLE[type(at.node.op)](at.node.op, at, style)
    return made if isinstance(made, list) else [(made, "")]


def _said(op: Op, at: Place, style: Style) -> dict[str, Code]:
    """The arguments that the vocabulary tells."""
    return style.words.usual[type(op)].codes(op, at.scope.dim)


def _layer(op: Op, at: Place, style: Style) -> Code:
    return style.words.usual[type(op)].applied(at, _said(op, at, style))


def _function(op: Op, at: Place, style: Style) -> Code:
    """A function that the file defines, applied."""
    given = (at.source, *_said(op, at, style).values(), at.label.keyword())
    return Call(style.words.usual[type(op)].name, given)


def _conv(op: ops.Conv, at: Place, style: Style) -> Values:
    return style.conv_of[at.node.id].apply(at)


def _conv_transpose(op: ops.ConvTranspose, at: Place, style: Style) -> Values:
    """Without padding, then cut: `same` would cut elsewhere, and give another size."""
    init: dict[str, Code] = {"kernel_initializer": initializer(style.analysis.network.conv_init)}
    made: Values = [(style.words.transposed.applied(at, _said(op, at, style) | init), "")]
    cut = cuts(op)
    if any(side != 0 for pads in cut for side in pads):
        cropping = {"cropping": at.scope.sides(cut)}
        made.append((style.words.crop.applied(at, cropping, at.target, "_crop"), ""))
    return made


def _linear(op: ops.Linear, at: Place, style: Style) -> Code:
    init = initializer(style.analysis.network.linear_init)
    drawn: Code = "dense_init()" if style.several_linears else init
    return words.DENSE.applied(at, _said(op, at, style) | {"kernel_initializer": drawn})


def _drawn(op: ops.ChannelConv | ops.StdConv, at: Place, style: Style) -> Code:
    """A layer that the file defines, whose kernel is a convolution's."""
    init: dict[str, Code] = {"kernel_initializer": initializer(style.analysis.network.conv_init)}
    return style.words.usual[type(op)].applied(at, _said(op, at, style) | init)


def _batch_norm(op: ops.BatchNorm, at: Place, style: Style) -> Code:
    if op != style.norm:
        return norm_layer(op).applied(at, _said(op, at, style))
    if style.several_norms:
        return Call("batch_norm", (at.source, at.label.keyword()))
    return norm_layer(op).applied(at, CONSTANTS)


def norm_layer(op: ops.BatchNorm) -> Layer:
    """The layer's class."""
    return words.UNBIASED if op.unbiased else words.NORM


def _pool(op: ops.Pool, at: Place, style: Style) -> Values:
    return style.pools.apply(at, _said(op, at, style))


def _prelu(op: ops.Prelu, at: Place, style: Style) -> Code:
    axes = words.shared_axes(len(style.analysis.traces[at.node.id][0].x), op.shared)
    return words.PRELU.applied(at, _said(op, at, style) | {"shared_axes": repr(axes)})


def _flatten(op: ops.Flatten, at: Place, style: Style) -> Values:
    if at.node.id not in style.ordered:
        return [(words.FLATTEN.applied(at, {}), "")]
    axes = style.words.axes
    dims = {"dims": str((axes + 1, *range(1, axes + 1)))}
    moved = words.PERMUTE.applied(at, dims, suffix="_permute")
    note = "channels first, as PyTorch flattens"
    return [(moved, note), (words.FLATTEN.applied(at, {}, at.target), "")]


def _upsample(op: ops.Upsample, at: Place, style: Style) -> Code:
    if not op.align_corners:
        return _layer(op, at, style)
    scale, (rows, columns) = at.scope.dim(op.scale), (f"{at.source}.shape[{i}]" for i in (1, 2))
    times = scale if scale.isalnum() else f"({scale})"
    size = Items("(", ")", (f"{times} * {rows}", f"{times} * {columns}"))
    row = style.words.usual[ops.UpsampleTo]
    given = row.codes(ops.UpsampleTo("", op.mode, op.align_corners), at.scope.dim)
    return row.applied(at, given | {"size": size})


def _pad_channels(op: ops.PadChannels, at: Place, style: Style) -> Code:
    channels = f"({at.scope.dim(op.before)}, {at.scope.dim(op.after)})"
    others = ("(0, 0)",) * (style.words.axes + 1)
    sides = Items("(", ")", (*others, channels))
    return Call("keras.ops.pad", (at.source, sides))


def _crop(op: ops.Crop, at: Place, style: Style) -> Code:
    return style.words.crop.applied(at, {"cropping": at.scope.sides([*ends(op.cropping)])})


def _slice_channels(op: ops.SliceChannels, at: Place, style: Style) -> Code:
    start = "" if op.start == 0 else at.scope.dim(op.start)
    stop = at.scope.dim(op.stop)
    gap = " " if not (start + stop).replace("_", "").isalnum() else ""
    return f"{at.source}[..., {start}{gap if start else ''}:{gap}{stop}]"


TABLE: dict[type[Op], Rule] = {
    **dict.fromkeys(WORDS[2].usual, _layer),
    **{row.kind: _function for row in FUNCTIONS},
    ops.Conv: _conv,
    ops.ConvTranspose: _conv_transpose,
    ops.Linear: _linear,
    ops.ChannelConv: _drawn,
    ops.StdConv: _drawn,
    ops.BatchNorm: _batch_norm,
    ops.MaxPool: _pool,
    ops.AvgPool: _pool,
    ops.Prelu: _prelu,
    ops.Upsample: _upsample,
    ops.Flatten: _flatten,
    ops.PadChannels: _pad_channels,
    ops.Crop: _crop,
    ops.SliceChannels: _slice_channels,
    ops.Permute: lambda op, at, style: [],  # channels are last throughout
}
