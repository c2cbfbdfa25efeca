"""Every operation as Keras layers applied to a tensor.

The set is closed: `LAYERS` has a rule for each op of the IR. A rule gets a `Site` and yields the
statements that give the site's target its new value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rescompile.backend.layout import Arg, Call, Code, Items, Keyword, statement
from rescompile.ir import ops
from rescompile.ir.expr import Dim
from rescompile.ir.facts import Facts
from rescompile.ir.ops import Op, Pair
from rescompile.ir.structure import Layer

from .facts import Pads, all_layers, is_depthwise, is_regular, plain_flattens, pool_pads, same_pool
from .helpers import ConvHelper


@dataclass
class Style:
    """What the whole file agrees on: helper functions and constants, and which are used."""

    facts: Facts
    uses: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        layers = list(all_layers(self.facts.network))
        convs = [n for n in layers if isinstance(n.op, ops.Conv) and id(n) in self.facts.traces]
        depthwise = [n for n in convs if is_depthwise(self.facts, n)]
        self.depthwise = {id(n) for n in depthwise}
        regular = [n for n in convs if is_regular(self.facts, n)]
        self.conv = ConvHelper(self.facts, [n for n in regular if id(n) not in self.depthwise])
        self.depthwise_conv = ConvHelper(
            self.facts, [n for n in regular if id(n) in self.depthwise], depthwise=True
        )
        self.norms = {n.op for n in layers if isinstance(n.op, ops.BatchNorm)}
        self.plain = plain_flattens(self.facts.network)

    @property
    def one_norm(self) -> bool:
        """Whether all batch norms agree, so that constants and a helper serve them."""
        return len(self.norms) == 1


@dataclass(frozen=True)
class Site:
    """Where an op is applied: `target` = layers(`source`), by the layer name `name`."""

    style: Style
    node: Layer
    target: str
    source: str
    name: str  # as source text, quotes included
    indent: int
    dim: Callable[[Dim], str]
    nonnegative: bool
    comment: str = ""

    @property
    def facts(self) -> Facts:
        return self.style.facts

    def keyword(self, suffix: str = "") -> Keyword:
        """The `name=` argument, perhaps of a helper layer beside the one that has the weights."""
        return Keyword("name", self.name[:-1] + suffix + '"' if suffix else self.name)

    def assign(self, code: Code, last: bool = True) -> str:
        comment = self.comment if last else ""
        return statement(code, before=f"{self.target} = ", indent=self.indent, comment=comment)

    def layer(self, layer: str, *args: Arg, source: str | None = None) -> str:
        """A layer, applied."""
        made = Call(f"layers.{layer}", (*args, self.keyword()))
        return self.assign(Call(made, (source or self.source,)))

    def pad(self, pads: Pads, suffix: str = "_pad") -> str:
        made = Call("layers.ZeroPadding2D", (_pads(pads), self.keyword(suffix)))
        return self.assign(Call(made, (self.source,)), last=False)


Rule = Callable[[Op, Site], Iterator[str]]


def apply(op: Op, site: Site) -> Iterator[str]:
    """Statements that apply an op."""
    return LAYERS[type(op)](op, site)


def _pair(pair: Pair, dim: Callable[[Dim], str]) -> str:
    return dim(pair[0]) if pair[0] == pair[1] else f"({dim(pair[0])}, {dim(pair[1])})"


def _pads(pads: Pads) -> str:
    (top, bottom), (left, right) = pads
    if top == bottom == left == right:
        return str(top)
    if top == bottom and left == right:
        return f"({top}, {left})"
    return f"(({top}, {bottom}), ({left}, {right}))"


def _conv(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.Conv)
    depthwise = id(site.node) in site.style.depthwise
    helper = site.style.depthwise_conv if depthwise else site.style.conv
    if id(site.node) in helper.nodes:
        yield site.assign(helper.call(op, site.source, site.keyword(), site.dim))
        return
    yield from _plain_conv(op, site, depthwise)


def _plain_conv(op: ops.Conv, site: Site, depthwise: bool) -> Iterator[str]:
    """A convolution written out, with its own padding before it."""
    dim, source = site.dim, site.source
    options: list[Arg] = []
    if op.stride != (1, 1):
        options.append(Keyword("strides", _pair(op.stride, dim)))
    if isinstance(op.padding, ops.Same):
        options.append(Keyword("padding", '"same"'))
    elif any(side != 0 for side in op.padding):
        top, bottom, left, right = (dim(side) for side in op.padding)
        pads = f"(({top}, {bottom}), ({left}, {right}))"
        made = Call("layers.ZeroPadding2D", (pads, site.keyword("_pad")))
        yield site.assign(Call(made, (source,)), last=False)
        source = site.target
    if op.dilation != (1, 1):
        options.append(Keyword("dilation_rate", _pair(op.dilation, dim)))
    if depthwise:
        trace = site.facts.traces[id(site.node)][0]
        multiplier = trace.y[0] // trace.x[0]
        options += [Keyword("depth_multiplier", str(multiplier))] if multiplier != 1 else []
        options += [] if op.bias else [Keyword("use_bias", "False")]
        options.append(Keyword("depthwise_initializer", "DEPTHWISE_INIT"))
        site.style.uses.add("DEPTHWISE_INIT")
        yield site.layer("DepthwiseConv2D", _pair(op.kernel, dim), *options, source=source)
        return
    options += [Keyword("groups", dim(op.groups))] if op.groups != 1 else []
    options += [] if op.bias else [Keyword("use_bias", "False")]
    options.append(Keyword("kernel_initializer", "CONV_INIT"))
    site.style.uses.add("CONV_INIT")
    filters = dim(op.out_channels)
    yield site.layer("Conv2D", filters, _pair(op.kernel, dim), *options, source=source)


def _linear(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.Linear)
    bias = () if op.bias else (Keyword("use_bias", "False"),)
    site.style.uses.add("DENSE_INIT")
    init = Keyword("kernel_initializer", "DENSE_INIT")
    yield site.layer("Dense", site.dim(op.features), *bias, init)


def _batch_norm(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.BatchNorm)
    if site.style.one_norm:
        site.style.uses.add("batch_norm")
        yield site.assign(Call("batch_norm", (site.source, site.keyword())))
        return
    momentum = Keyword("momentum", repr(keras_momentum(op.momentum)))
    yield site.layer("BatchNormalization", momentum, Keyword("epsilon", repr(op.epsilon)))


def keras_momentum(momentum: float) -> float:
    """Keras' momentum is the weight of the old statistics; 0.9 for 0.1, without rounding dust."""
    return float(f"{1 - momentum:.12g}")


def _layer_norm(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.LayerNorm)
    yield site.layer("LayerNormalization", Keyword("epsilon", repr(op.epsilon)))


def _group_norm(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.GroupNorm)
    yield site.layer(
        "GroupNormalization", site.dim(op.groups), Keyword("epsilon", repr(op.epsilon))
    )


def _named(layer: str, *args: Arg) -> Rule:
    return lambda op, site: iter([site.layer(layer, *args)])


def _leaky_relu(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.LeakyRelu)
    yield site.layer("LeakyReLU", Keyword("negative_slope", repr(op.slope)))


def _max_pool(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.MaxPool)
    window = _window(op, site)
    traces = site.facts.traces[id(site.node)]
    pads = pool_pads(traces[0])
    if all(same_pool(t) for t in traces):
        same = () if op.kernel == (1, 1) else (Keyword("padding", '"same"'),)
        yield site.layer("MaxPooling2D", *window, *same)
    elif pads == ((0, 0), (0, 0)):
        yield site.layer("MaxPooling2D", *window)
    elif site.nonnegative:
        yield site.pad(pads) + ("" if site.comment else "  # zeros never win: x >= 0 here")
        yield site.layer("MaxPooling2D", *window, source=site.target)
    else:
        (top, bottom), (left, right) = pads
        sides = f"((0, 0), ({top}, {bottom}), ({left}, {right}), (0, 0))"
        infinity = Keyword("constant_values", 'float("-inf")')
        yield site.assign(Call("keras.ops.pad", (site.source, sides, infinity)), last=False)
        yield site.layer("MaxPooling2D", *window, source=site.target)


def _window(op: ops.Pool, site: Site) -> tuple[Arg, ...]:
    kernel = _pair(op.kernel, site.dim)
    stride = _pair(op.stride, site.dim)
    return (kernel,) if stride == kernel else (kernel, Keyword("strides", stride))


def _avg_pool(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.AvgPool)
    window = _window(op, site)
    traces = site.facts.traces[id(site.node)]
    pads = pool_pads(traces[0])
    if pads == ((0, 0), (0, 0)):
        yield site.layer("AveragePooling2D", *window)
    elif op.count_include_pad:
        yield site.pad(pads)
        yield site.layer("AveragePooling2D", *window, source=site.target)
    elif all(same_pool(t) for t in traces):
        yield site.layer("AveragePooling2D", *window, Keyword("padding", '"same"'))
    else:
        site.style.uses.add("average_pool")
        args = (site.source, _pair(op.kernel, site.dim), _pair(op.stride, site.dim), _pads(pads))
        yield site.assign(Call("average_pool", (*args, site.keyword())))


def _global_avg_pool(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.GlobalAvgPool)
    keep = (Keyword("keepdims", "True"),) if op.keepdims else ()
    yield site.layer("GlobalAveragePooling2D", *keep)


def _flatten(op: Op, site: Site) -> Iterator[str]:
    traces = site.facts.traces[id(site.node)]
    ordered = id(site.node) in site.style.plain or all(t.y[0] == t.x[0] for t in traces)
    if ordered:
        yield site.layer("Flatten")
        return
    made = Call("layers.Permute", ("(3, 1, 2)", site.keyword("_permute")))
    yield site.assign(Call(made, (site.source,)), last=False)
    yield site.layer("Flatten", source=site.target)


def _dropout(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.Dropout)
    yield site.layer("Dropout", site.dim(op.rate))


def _stochastic_depth(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.StochasticDepth)
    whole = Keyword("noise_shape", "(None, 1, 1, 1)")
    yield site.layer("Dropout", site.dim(op.rate), whole)


def _layer_scale(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.LayerScale)
    site.style.uses.add("LayerScale")
    made = Call("LayerScale", (repr(op.init), site.keyword()))
    yield site.assign(Call(made, (site.source,)))


def _pad_channels(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.PadChannels)
    channels = f"({site.dim(op.before)}, {site.dim(op.after)})"
    sides = Items("(", ")", ("(0, 0)", "(0, 0)", "(0, 0)", channels))
    yield site.assign(Call("keras.ops.pad", (site.source, sides)))


def _slice_channels(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.SliceChannels)
    start = "" if op.start == 0 else site.dim(op.start)
    stop = site.dim(op.stop)
    gap = " " if " " in start + stop else ""
    yield site.assign(f"{site.source}[..., {start}{gap if start else ''}:{gap}{stop}]")


def _channel_shuffle(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.ChannelShuffle)
    site.style.uses.add("channel_shuffle")
    args = (site.source, site.dim(op.groups), site.keyword())
    yield site.assign(Call("channel_shuffle", args))


def _upsample(op: Op, site: Site) -> Iterator[str]:
    assert isinstance(op, ops.Upsample)
    how = () if op.mode is ops.Resampling.NEAREST else (Keyword("interpolation", '"bilinear"'),)
    yield site.layer("UpSampling2D", site.dim(op.scale), *how)


LAYERS: dict[type[Op], Rule] = {
    ops.Conv: _conv,
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
    ops.MaxPool: _max_pool,
    ops.AvgPool: _avg_pool,
    ops.GlobalAvgPool: _global_avg_pool,
    ops.Flatten: _flatten,
    ops.Dropout: _dropout,
    ops.StochasticDepth: _stochastic_depth,
    ops.LayerScale: _layer_scale,
    ops.PadChannels: _pad_channels,
    ops.SliceChannels: _slice_channels,
    ops.ChannelShuffle: _channel_shuffle,
    ops.Upsample: _upsample,
}
