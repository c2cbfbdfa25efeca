"""Every operation as the constructor of a PyTorch module.

The set is closed: `MODULES` has a rule for each op of the IR. A rule gets the op, the channels that
enter it as source text, the rank of its input, and a function that renders expressions.
"""

from __future__ import annotations

from collections.abc import Callable

from rescompile import ops
from rescompile.emit.layout import Arg, Call, Code, Items, Keyword
from rescompile.expr.dims import Dim
from rescompile.ops import Op, Pair, Quad
from rescompile.record import record


@record
class Site:
    """Where an op stands: channels that enter it, rank of its input, whether it may be in place."""

    channels: str
    is_map: bool
    inplace: bool
    dim: Callable[[Dim], str]


Rule = Callable[[Op, Site], Code]


def module(op: Op, site: Site) -> Code:
    """The constructor call for an op."""
    return MODULES[type(op)](op, site)


def _pair(pair: Pair, dim: Callable[[Dim], str]) -> Code:
    first, second = pair
    return dim(first) if first == second else Items("(", ")", (dim(first), dim(second)))


def _sides(padding: Quad) -> Pair | None:
    """Symmetric padding as a pair, or None."""
    top, bottom, left, right = padding
    return (top, left) if top == bottom and left == right else None


def _options(**given: tuple[Code, Code]) -> tuple[Keyword, ...]:
    """Keywords whose value differs from PyTorch's default."""
    return tuple(Keyword(k, value) for k, (value, default) in given.items() if value != default)


def _conv(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.Conv)
    dim = site.dim
    assert not isinstance(op.padding, ops.Same), "resolved before emission"
    sides = _sides(op.padding)
    options = _options(
        stride=(_pair(op.stride, dim), "1"),
        padding=(_pair(sides, dim) if sides else _quad(op.padding, dim), "0"),
        dilation=(_pair(op.dilation, dim), "1"),
        groups=(dim(op.groups), "1"),
        bias=(str(op.bias), "True"),
    )
    name = "nn.Conv2d" if sides else "PaddedConv2d"
    return Call(name, (site.channels, dim(op.channels), _pair(op.kernel, dim), *options))


def _quad(padding: Quad, dim: Callable[[Dim], str]) -> Code:
    """Asymmetric padding in the order of `F.pad`: left, right, top, bottom."""
    top, bottom, left, right = padding
    return Items("(", ")", tuple(dim(side) for side in (left, right, top, bottom)))


def _conv_transpose(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.ConvTranspose)
    dim = site.dim
    options = _options(
        stride=(_pair(op.stride, dim), "1"),
        padding=(_pair(op.padding, dim), "0"),
        output_padding=(_pair(op.output_padding, dim), "0"),
        groups=(dim(op.groups), "1"),
        bias=(str(op.bias), "True"),
    )
    given = (site.channels, dim(op.channels), _pair(op.kernel, dim))
    return Call("nn.ConvTranspose2d", (*given, *options))


def _linear(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.Linear)
    options = _options(bias=(str(op.bias), "True"))
    return Call("nn.Linear", (site.channels, site.dim(op.features), *options))


def _batch_norm(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.BatchNorm)
    options = _options(eps=(repr(op.epsilon), "1e-05"), momentum=(repr(op.momentum), "0.1"))
    return Call("nn.BatchNorm2d" if site.is_map else "nn.BatchNorm1d", (site.channels, *options))


def _layer_norm(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.LayerNorm)
    options = _options(eps=(repr(op.epsilon), "1e-05"))
    last = op.positions or not site.is_map
    return Call("nn.LayerNorm" if last else "LayerNorm2d", (site.channels, *options))


def _group_norm(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.GroupNorm)
    options = _options(eps=(repr(op.epsilon), "1e-05"))
    return Call("nn.GroupNorm", (site.dim(op.groups), site.channels, *options))


def _leaky_relu(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.LeakyRelu)
    return Call("nn.LeakyReLU", (repr(op.slope), *_inplace(site)))


def _inplace(site: Site) -> tuple[Arg, ...]:
    return (Keyword("inplace", "True"),) if site.inplace else ()


def _activation(name: str, *args: Arg, inplace: bool = False) -> Rule:
    return lambda op, site: Call(f"nn.{name}", (*args, *(_inplace(site) if inplace else ())))


def _max_pool(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.MaxPool)
    return Call("nn.MaxPool2d", _pool(op, site))


def _avg_pool(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.AvgPool)
    padded = any(side != 0 for side in op.padding)
    include = _options(count_include_pad=(str(op.count_include_pad or not padded), "True"))
    return Call("nn.AvgPool2d", (*_pool(op, site), *include))


def _pool(op: ops.Pool, site: Site) -> tuple[Arg, ...]:
    sides = _sides(op.padding)
    assert sides is not None, "the padding of pools is symmetric"
    kernel = _pair(op.kernel, site.dim)
    options = _options(
        stride=(_pair(op.stride, site.dim), kernel),
        padding=(_pair(sides, site.dim), "0"),
        ceil_mode=(str(op.ceil_mode), "False"),
    )
    return (kernel, *options)


def _global_avg_pool(op: Op, site: Site) -> Code:
    return Call("nn.AdaptiveAvgPool2d", ("1",))


def _rate(name: str) -> Rule:
    def rule(op: Op, site: Site) -> Code:
        assert isinstance(op, (ops.Dropout, ops.StochasticDepth))
        return Call(name, (site.dim(op.rate),))

    return rule


def _layer_scale(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.LayerScale)
    shape = f"({site.channels}, 1, 1)" if site.is_map else f"({site.channels},)"
    return Call("nn.Parameter", (Call("torch.full", (shape, repr(op.init))),))


def _pad_channels(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.PadChannels)
    return Call("nn.ZeroPad3d", (f"(0, 0, 0, 0, {site.dim(op.before)}, {site.dim(op.after)})",))


def _slice_channels(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.SliceChannels)
    return Call("SliceChannels", (site.dim(op.start), site.dim(op.stop)))


def _channel_shuffle(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.ChannelShuffle)
    return Call("nn.ChannelShuffle", (site.dim(op.groups),))


def _permute(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.Permute)
    return Call("Permute", ("0", "2", "3", "1") if op.last else ("0", "3", "1", "2"))


def _upsample(op: Op, site: Site) -> Code:
    assert isinstance(op, ops.Upsample)
    mode = _options(mode=(repr(op.mode.value).replace("'", '"'), '"nearest"'))
    return Call("nn.Upsample", (Keyword("scale_factor", site.dim(op.scale)), *mode))


MODULES: dict[type[Op], Rule] = {
    ops.Conv: _conv,
    ops.ConvTranspose: _conv_transpose,
    ops.Linear: _linear,
    ops.BatchNorm: _batch_norm,
    ops.LayerNorm: _layer_norm,
    ops.GroupNorm: _group_norm,
    ops.Relu: _activation("ReLU", inplace=True),
    ops.Relu6: _activation("ReLU6", inplace=True),
    ops.LeakyRelu: _leaky_relu,
    ops.Sigmoid: _activation("Sigmoid"),
    ops.HardSigmoid: _activation("Hardsigmoid"),
    ops.Tanh: _activation("Tanh"),
    ops.Silu: _activation("SiLU", inplace=True),
    ops.HardSwish: _activation("Hardswish", inplace=True),
    ops.Gelu: _activation("GELU"),
    ops.Elu: _activation("ELU"),
    ops.Softmax: _activation("Softmax", Keyword("dim", "1")),
    ops.MaxPool: _max_pool,
    ops.AvgPool: _avg_pool,
    ops.GlobalAvgPool: _global_avg_pool,
    ops.Flatten: lambda op, site: Call("nn.Flatten"),
    ops.Dropout: _rate("nn.Dropout"),
    ops.StochasticDepth: _rate("StochasticDepth"),
    ops.LayerScale: _layer_scale,
    ops.PadChannels: _pad_channels,
    ops.SliceChannels: _slice_channels,
    ops.ChannelShuffle: _channel_shuffle,
    ops.Permute: _permute,
    ops.Upsample: _upsample,
}

# Modules that emitted files define themselves, since PyTorch has none: by the op that needs them.
HELPERS = ("PaddedConv2d", "LayerNorm2d", "Permute", "StochasticDepth", "SliceChannels")
