"""Every operation as Keras layers applied to a tensor: one entry an operation, in one table.

An entry tells the layer, which argument gets which attribute, and what the layer's variables are
called. Emission writes it, the stand-in and the files of weights read it. What is no single layer
has a rule beside: it tells the values that a site's variable takes, one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rescompile import ops
from rescompile.emit.channels_last import Proofs
from rescompile.emit.layout import Call, Code, Items
from rescompile.expr.dims import Dim, Expr, Function, binary
from rescompile.expr.polynomial import total
from rescompile.ir.analysis import Analysis
from rescompile.ops import Op, Quad
from rescompile.record import record

from .conv_helper import conv_helpers
from .convolution import find_sites
from .initialise import initializer
from .place import Place
from .pooling import Pools
from .vocabulary import (
    CONV,
    DEPTHWISE,
    MAX,
    MEAN,
    NORM,
    OWN,
    TRANSPOSED,
    UNBIASED,
    complement,
    literal,
    number,
    source,
)


@dataclass
class Style:
    """What the whole file agrees on: helper functions and constants, and which it needs."""

    analysis: Analysis
    helpers: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        analysis = self.analysis
        proofs = Proofs(analysis.elaborated)
        self.convs = conv_helpers(find_sites(analysis), analysis.network.conv_init)
        self.conv_of = {key: helper for helper in self.convs for key in helper.sites}
        self.pools = Pools(analysis, proofs.negative)
        self.ordered = proofs.ordered
        found = [traces[0].node.op for traces in analysis.traces.values()]
        norms = Counter(op for op in found if isinstance(op, ops.BatchNorm))
        self.norm = norms.most_common(1)[0][0] if norms else None
        self.several_norms = norms.total() > 1
        self.several_linears = sum(isinstance(op, ops.Linear) for op in found) > 1
        if any(op.unbiased for op in norms):
            self.helpers.add(UNBIASED)

    def helper_names(self) -> set[str]:
        """The functions of the file that are no block's."""
        made = {helper.name for helper in self.convs if helper.is_function}
        made |= {function.name for function in self.pools.functions()}
        fixed = (*FUNCTIONS, "batch_norm", "dense_init", "make_divisible")
        return {*made, *OWN, *fixed, "BN_MOMENTUM", "BN_EPSILON"}


@record
class Site(Place):
    """A place with the style of its file, for an operation of the table."""

    style: Style

    @property
    def given(self) -> dict[str, Code]:
        """The arguments that the table tells, as source text."""
        op, entry = self.node.op, TABLE[type(self.node.op)]
        given = {name: source(getattr(op, key), self.scope) for name, key in entry.given.items()}
        return given | {name: literal(value) for name, value in entry.fixed.items()}


Values = list[tuple[Code, str]]  # each with a comment for its line
Rule = Callable[[Any, Site], "Code | Values"]


def apply(op: Op, site: Site) -> Values:
    """The values that the site's variable takes."""
    entry = TABLE[type(op)]
    made = entry.rule(op, site) if entry.rule else site.layer(entry.layer, site.given)
    return made if isinstance(made, list) else [(made, "")]


def _conv(op: ops.Conv, site: Site) -> Values:
    return [(code, "") for code in site.style.conv_of[site.node.id].apply(site)]


def _conv_transpose(op: ops.ConvTranspose, site: Site) -> Values:
    """Without padding, then cut: `same` would cut elsewhere, and give another size."""
    init = {"kernel_initializer": initializer(site.style.analysis.network.conv_init)}
    made: Values = [(site.layer(TRANSPOSED, site.given | init), "")]
    cut = cuts(op)
    if any(side != 0 for side in cut):
        cropping = {"cropping": site.scope.sides(cut)}
        made.append((site.layer("Cropping2D", cropping, site.target, "_crop"), ""))
    return made


def cuts(op: ops.ConvTranspose) -> Quad:
    """What is cut off above, below, left and right after Keras' layer without padding.

    Where the stride exceeds the kernel, Keras fills the last stride; PyTorch stops at the kernel.
    """
    axes = zip(op.kernel, op.stride, op.padding, op.output_padding, strict=True)
    rows, columns = ((pad, _after(k, s, pad, more)) for k, s, pad, more in axes)
    return (*rows, *columns)


def _after(kernel: Dim, stride: Dim, pad: Dim, more: Dim) -> Dim:
    beyond = binary("-", stride, kernel)
    positive = Function("max", (beyond, 0)) if isinstance(beyond, Expr) else max(beyond, 0)
    return binary("-", total((positive, pad)), more)


def _linear(op: ops.Linear, site: Site) -> Code:
    init = initializer(site.style.analysis.network.linear_init)
    if site.style.several_linears:
        site.style.helpers.add("dense_init")
        init = "dense_init()"
    return site.layer("Dense", site.given | {"kernel_initializer": init})


def _batch_norm(op: ops.BatchNorm, site: Site) -> Code:
    style = site.style
    given: dict[str, Code] = {"momentum": "BN_MOMENTUM", "epsilon": "BN_EPSILON"}
    if op != style.norm:
        given = site.given | {"momentum": number(complement(op.momentum))}
    elif style.several_norms:
        style.helpers.add("batch_norm")
        return Call("batch_norm", (site.source, site.label.keyword()))
    return site.layer(norm_layer(op), given)


def norm_layer(op: ops.BatchNorm) -> str:
    """The layer's class."""
    return UNBIASED if op.unbiased else NORM


def _pool(op: ops.Pool, site: Site) -> Values:
    return site.style.pools.apply(site, site.given)


def _flatten(op: ops.Flatten, site: Site) -> Values:
    if site.node.id not in site.style.ordered:
        return [(site.layer("Flatten", {}), "")]
    moved = site.layer("Permute", {"dims": "(3, 1, 2)"}, suffix="_permute")
    note = "channels first, as PyTorch flattens"
    return [(moved, note), (site.layer("Flatten", {}, site.target), "")]


def _pad_channels(op: ops.PadChannels, site: Site) -> Code:
    channels = f"({site.scope.dim(op.before)}, {site.scope.dim(op.after)})"
    sides = Items("(", ")", ("(0, 0)", "(0, 0)", "(0, 0)", channels))
    return Call("keras.ops.pad", (site.source, sides))


def _slice_channels(op: ops.SliceChannels, site: Site) -> Code:
    start = "" if op.start == 0 else site.scope.dim(op.start)
    stop = site.scope.dim(op.stop)
    gap = " " if not (start + stop).replace("_", "").isalnum() else ""
    return f"{site.source}[..., {start}{gap if start else ''}:{gap}{stop}]"


def _function(op: Op, site: Site) -> Code:
    """A function that the file defines, applied."""
    entry = TABLE[type(op)]
    site.style.helpers.add(entry.layer)
    return Call(entry.layer, (site.source, *site.given.values(), site.label.keyword()))


@record
class Entry:
    """How Keras has an operation.

    `given` tells which attribute an argument of the layer gets, `fixed` what others always are.
    `variables` are the tensors, in the order of files; `other` is the layer's class in some cases.
    A function that files define has `parts`: its layers, and what each adds to the name.
    """

    layer: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    rule: Rule | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    other: str = ""
    parts: tuple[tuple[str, str], ...] = ()


def _activation(word: str) -> Entry:
    return Entry("Activation", fixed={"activation": word})


CONVOLVED = {"filters": "channels", "kernel_size": "kernel", "strides": "stride"}
SPREAD = {"dilation_rate": "dilation", "groups": "groups"}
BIAS, EPSILON = {"use_bias": "bias"}, {"epsilon": "epsilon"}
POOLED = {"pool_size": "kernel", "strides": "stride"}
WEIGHTS = {"weight": "kernel", "bias": "bias"}
SCALES = {"weight": "gamma", "bias": "beta"}
RUNNING = {"running_mean": "moving_mean", "running_var": "moving_variance"}
MOMENTUM = {"momentum": "momentum"}
MOVED = (("Reshape", "split"), ("Permute", "swap"), ("Reshape", ""))
TABLE: dict[type[Op], Entry] = {
    ops.Conv: Entry(CONV, CONVOLVED | SPREAD | BIAS, {}, _conv, WEIGHTS, DEPTHWISE),
    ops.ConvTranspose: Entry(TRANSPOSED, CONVOLVED | BIAS, {}, _conv_transpose, WEIGHTS),
    ops.Linear: Entry("Dense", {"units": "features"} | BIAS, {}, _linear, WEIGHTS),
    ops.BatchNorm: Entry(NORM, MOMENTUM | EPSILON, {}, _batch_norm, SCALES | RUNNING, UNBIASED),
    ops.LayerNorm: Entry("LayerNormalization", EPSILON, variables=SCALES),
    ops.GroupNorm: Entry("GroupNormalization", {"groups": "groups"} | EPSILON, variables=SCALES),
    ops.Relu: Entry("ReLU"),
    ops.Relu6: Entry("ReLU", fixed={"max_value": 6.0}),
    ops.LeakyRelu: Entry("LeakyReLU", {"negative_slope": "slope"}),
    ops.Sigmoid: _activation("sigmoid"),
    ops.HardSigmoid: _activation("hard_sigmoid"),
    ops.Tanh: _activation("tanh"),
    ops.Silu: _activation("silu"),
    ops.HardSwish: _activation("hard_swish"),
    ops.Gelu: _activation("gelu"),
    ops.Elu: Entry("ELU"),
    ops.Softmax: Entry("Softmax"),
    ops.MaxPool: Entry(MAX, POOLED, rule=_pool),
    ops.AvgPool: Entry(MEAN, POOLED, rule=_pool),
    ops.GlobalAvgPool: Entry("GlobalAveragePooling2D", {"keepdims": "keepdims"}),
    ops.Flatten: Entry("Flatten", rule=_flatten),
    ops.Dropout: Entry("Dropout", {"rate": "rate"}),
    ops.StochasticDepth: Entry("Dropout", {"rate": "rate"}, {"noise_shape": (None, 1, 1, 1)}),
    ops.LayerScale: Entry("LayerScale", {"init": "init"}, variables={"": "scale"}),
    ops.PadChannels: Entry(rule=_pad_channels),
    ops.SliceChannels: Entry(rule=_slice_channels),
    ops.ChannelShuffle: Entry("channel_shuffle", {"groups": "groups"}, rule=_function, parts=MOVED),
    ops.DepthToSpace: Entry("depth_to_space", {"scale": "scale"}, rule=_function, parts=MOVED),
    ops.Permute: Entry(rule=lambda op, site: []),  # channels are last throughout
    ops.Upsample: Entry("UpSampling2D", {"size": "scale", "interpolation": "mode"}),
}
# The functions that files define for an operation, by their names.
FUNCTIONS = {entry.layer: kind for kind, entry in TABLE.items() if entry.parts}
