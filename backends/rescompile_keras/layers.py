"""Every operation as Keras layers applied to a tensor.

The set is closed: `LAYERS` has a rule for each op of the IR. A rule gets a `Site` and tells the
values that the site's variable takes, one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from rescompile import ops
from rescompile.emit.channels_last import Proofs
from rescompile.emit.layout import Arg, Call, Code, Items, Keyword
from rescompile.expr.dims import Dim, Expr, Function, binary
from rescompile.expr.polynomial import total
from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import Layer
from rescompile.ops import Op, Quad
from rescompile.record import record

from .convolution import find_sites
from .initialise import initializer
from .pooling import Pools
from .sharing import conv_helpers
from .view import Label, Scope, number

UNBIASED = "UnbiasedBatchNormalization"
HELPERS = (
    UNBIASED,
    "LayerScale",
    "channel_shuffle",
    "batch_norm",
    "dense_init",
)  # by their templates


@dataclass
class Style:
    """What the whole file agrees on: helper functions and constants, and which it needs."""

    analysis: Analysis
    templates: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        analysis = self.analysis
        self.convs = conv_helpers(find_sites(analysis), analysis.network.conv_init)
        proofs = Proofs(analysis.elaborated)
        self.pools = Pools(analysis, proofs.negative)
        self.ordered = proofs.ordered
        found = [traces[0].node.op for traces in analysis.traces.values()]
        norms = Counter(op for op in found if isinstance(op, ops.BatchNorm))
        self.norm = norms.most_common(1)[0][0] if norms else None
        self.several_norms = norms.total() > 1
        if any(op.unbiased for op in norms):
            self.templates.add(UNBIASED)
        self.several_linears = sum(isinstance(op, ops.Linear) for op in found) > 1

    def helper_names(self) -> set[str]:
        """The functions of the file that are no block's."""
        made = {helper.name for helper in self.convs if helper.is_function}
        made |= {function.name for function in self.pools.functions()}
        return {*made, *HELPERS, "make_divisible", "BN_MOMENTUM", "BN_EPSILON"}


@record
class Site:
    """Where an op is applied: to the variable `source`, by the layer name `label`."""

    style: Style
    node: Layer
    source: str
    target: str
    label: Label
    scope: Scope

    def layer(self, layer: str, *args: Arg, source: str | None = None) -> Code:
        """A layer, applied."""
        made = Call(f"layers.{layer}", (*args, self.label.keyword()))
        return Call(made, (source or self.source,))


Values = list[tuple[Code, str]]  # each with a comment for its line
Rule = Callable[[Op, Site], "Code | Values"]


def apply(op: Op, site: Site) -> Values:
    """The values that the site's variable takes."""
    made = LAYERS[type(op)](op, site)
    return made if isinstance(made, list) else [(made, "")]


def _conv(op: Op, site: Site) -> Values:
    (helper,) = (h for h in site.style.convs if site.node.id in h.sites)
    made = helper.apply(site.node, site.source, site.target, site.label, site.scope)
    return [(code, "") for code in made]


def _conv_transpose(op: Op, site: Site) -> Values:
    """Without padding, then cut: `same` would cut elsewhere, and give another size."""
    assert isinstance(op, ops.ConvTranspose)
    scope = site.scope
    stride = () if op.stride == (1, 1) else (scope.pair(op.stride),)
    bias = () if op.bias else (Keyword("use_bias", "False"),)
    init = Keyword("kernel_initializer", initializer(site.style.analysis.network.conv_init))
    given = (scope.dim(op.channels), scope.pair(op.kernel), *stride)
    made: Values = [(site.layer("Conv2DTranspose", *given, *bias, init), "")]
    cut = cuts(op)
    if any(side != 0 for side in cut):
        crop = Call("layers.Cropping2D", (scope.sides(cut), site.label.keyword("_crop")))
        made.append((Call(crop, (site.target,)), ""))
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
    if isinstance(beyond, Expr):
        beyond = Function("max", (beyond, 0))
    elif beyond < 0:
        beyond = 0
    return binary("-", total((beyond, pad)), more)


def _linear(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.Linear)
    bias = () if op.bias else (Keyword("use_bias", "False"),)
    how = initializer(site.style.analysis.network.linear_init)
    if site.style.several_linears:
        site.style.templates.add("dense_init")
        how = "dense_init()"
    init = Keyword("kernel_initializer", how)
    return site.layer("Dense", site.scope.dim(op.features), *bias, init)


def _batch_norm(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.BatchNorm)
    style = site.style
    if op == style.norm and style.several_norms:
        style.templates.add("batch_norm")
        return Call("batch_norm", (site.source, site.label.keyword()))
    momentum, epsilon = keras_momentum(op.momentum), number(op.epsilon)
    if op == style.norm:
        momentum, epsilon = "BN_MOMENTUM", "BN_EPSILON"
    given = (Keyword("momentum", momentum), Keyword("epsilon", epsilon), site.label.keyword())
    return Call(Call(norm_layer(op), given), (site.source,))


def norm_layer(op: ops.BatchNorm) -> str:
    """The layer's class, as source text."""
    return UNBIASED if op.unbiased else "layers.BatchNormalization"


def keras_momentum(momentum: float) -> str:
    """Keras' momentum is the weight of the old statistics: 0.9 for 0.1, without rounding dust."""
    return number(float(1 - Decimal(repr(momentum))))


def _layer_norm(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.LayerNorm)
    return site.layer("LayerNormalization", Keyword("epsilon", number(op.epsilon)))


def _group_norm(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.GroupNorm)
    groups, epsilon = site.scope.dim(op.groups), Keyword("epsilon", number(op.epsilon))
    return site.layer("GroupNormalization", groups, epsilon)


def _named(layer: str, *args: Arg) -> Rule:
    return lambda op, site: site.layer(layer, *args)


def _leaky_relu(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.LeakyRelu)
    return site.layer("LeakyReLU", Keyword("negative_slope", number(op.slope)))


def _pool(op: Op, site: Site) -> Values:
    return site.style.pools.apply(site.node, site.source, site.target, site.label, site.scope)


def _global_avg_pool(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.GlobalAvgPool)
    keep = (Keyword("keepdims", "True"),) if op.keepdims else ()
    return site.layer("GlobalAveragePooling2D", *keep)


def _flatten(op: Op, site: Site) -> Values:
    if site.node.id not in site.style.ordered:
        return [(site.layer("Flatten"), "")]
    made = Call("layers.Permute", ("(3, 1, 2)", site.label.keyword("_permute")))
    note = "channels first, as PyTorch flattens"
    return [(Call(made, (site.source,)), note), (site.layer("Flatten", source=site.target), "")]


def _dropout(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.Dropout)
    return site.layer("Dropout", site.scope.dim(op.rate))


def _stochastic_depth(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.StochasticDepth)
    whole = Keyword("noise_shape", "(None, 1, 1, 1)")
    return site.layer("Dropout", site.scope.dim(op.rate), whole)


def _layer_scale(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.LayerScale)
    site.style.templates.add("LayerScale")
    return Call(Call("LayerScale", (number(op.init), site.label.keyword())), (site.source,))


def _pad_channels(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.PadChannels)
    channels = f"({site.scope.dim(op.before)}, {site.scope.dim(op.after)})"
    sides = Items("(", ")", ("(0, 0)", "(0, 0)", "(0, 0)", channels))
    return Call("keras.ops.pad", (site.source, sides))


def _slice_channels(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.SliceChannels)
    start = "" if op.start == 0 else site.scope.dim(op.start)
    stop = site.scope.dim(op.stop)
    gap = " " if not (start + stop).replace("_", "").isalnum() else ""
    return f"{site.source}[..., {start}{gap if start else ''}:{gap}{stop}]"


def _channel_shuffle(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.ChannelShuffle)
    site.style.templates.add("channel_shuffle")
    groups = site.scope.dim(op.groups)
    return Call("channel_shuffle", (site.source, groups, site.label.keyword()))


def _upsample(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.Upsample)
    how = () if op.mode is ops.Resampling.NEAREST else (Keyword("interpolation", '"bilinear"'),)
    return site.layer("UpSampling2D", site.scope.dim(op.scale), *how)


LAYERS: dict[type[Op], Rule] = {
    ops.Conv: _conv,
    ops.ConvTranspose: _conv_transpose,
    ops.Linear: _linear,
    ops.BatchNorm: _batch_norm,
    ops.LayerNorm: _layer_norm,
    ops.GroupNorm: _group_norm,
    ops.Relu: _named("ReLU"),
    ops.Relu6: _named("ReLU", "6.0"),
    ops.LeakyRelu: _leaky_relu,
    ops.Sigmoid: _named("Activation", '"sigmoid"'),
    ops.HardSigmoid: _named("Activation", '"hard_sigmoid"'),
    ops.Tanh: _named("Activation", '"tanh"'),
    ops.Silu: _named("Activation", '"silu"'),
    ops.HardSwish: _named("Activation", '"hard_swish"'),
    ops.Gelu: _named("Activation", '"gelu"'),
    ops.Elu: _named("ELU"),
    ops.Softmax: _named("Softmax"),
    ops.MaxPool: _pool,
    ops.AvgPool: _pool,
    ops.GlobalAvgPool: _global_avg_pool,
    ops.Flatten: _flatten,
    ops.Dropout: _dropout,
    ops.StochasticDepth: _stochastic_depth,
    ops.LayerScale: _layer_scale,
    ops.PadChannels: _pad_channels,
    ops.SliceChannels: _slice_channels,
    ops.ChannelShuffle: _channel_shuffle,
    ops.Permute: lambda op, site: [],  # channels are last throughout
    ops.Upsample: _upsample,
}
