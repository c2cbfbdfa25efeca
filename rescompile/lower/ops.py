"""Lowering of single operations: from a step's options to an op of the IR, defaults filled in.

`OPERATIONS` maps each word of the language to its rule. A rule gets the options, a reader for
numbers and expressions, the words in force, and the channels at this point (None if not known).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops
from ..errors import Diagnostic, Location, SpecError
from ..expr.dims import Dim, binary
from ..language import models
from ..language.hints import word_help
from ..language.models import Defaults
from ..ops import Op, Pair, Quad
from ..record import record

Reader = Callable[[Any, str], Dim]
Rule = Callable[[Any, Reader, "Words", "Dim | None"], "Op | None"]


@record
class Words:
    """The spec's defaults, and what a word with a sigil stands for."""

    defaults: Defaults
    look_up: Callable[[str, Location | None], Any]
    number: Callable[[Any, models.Model, str], Dim]

    def kind(self, options: models.Norm | models.Activation) -> str:
        """The kind that options ask for, or else the defaults. Raises `SpecError`."""
        is_norm = isinstance(options, models.Norm)
        known = models.NORMS if is_norm else models.ACTIVATIONS
        given: Any = options
        if options.kind is None:
            given = self.defaults.norm if is_norm else self.defaults.activation
        at = given.at("kind")
        found = self.look_up(given.kind, at)
        if found not in known:
            what = "norm" if is_norm else "activation"
            message = f"'{given.kind}' is {found!r}, which is no kind of {what}"
            raise SpecError([Diagnostic("E207", message, at, help=word_help(str(found), known))])
        return str(found)


def _pair(value: Any, dim: Reader, key: str) -> Pair:
    if isinstance(value, tuple):
        return dim(value[0], key), dim(value[1], key)
    both = dim(value, key)
    return both, both


def _quad(value: Any, dim: Reader) -> Quad:
    if isinstance(value, tuple) and len(value) == 4:
        top, bottom, left, right = (dim(v, "padding") for v in value)
        return top, bottom, left, right
    vertical, horizontal = _pair(value, dim, "padding")
    return vertical, vertical, horizontal, horizontal


def _half(kernel: Dim, dilation: Dim) -> Dim:
    return binary("*", binary("//", binary("-", kernel, 1), 2), dilation)


def _window(
    options: models.Conv | models.DepthwiseConv, dim: Reader, words: Words
) -> tuple[Pair, Pair, Quad | ops.Same, Pair, bool]:
    """Kernel, stride, padding, dilation and bias of a convolution."""
    kernel = _pair(options.kernel, dim, "kernel")
    dilation = _pair(options.dilation, dim, "dilation")
    padding: Any = options.padding
    if padding is None:
        padding = {"none": 0, "same": "same"}.get(words.defaults.padding)
    pads: Quad | ops.Same
    if padding == "same":
        pads = ops.Same.SAME
    elif padding is None:
        rows, columns = (_half(k, d) for k, d in zip(kernel, dilation, strict=True))
        pads = (rows, rows, columns, columns)
    else:
        pads = _quad(padding, dim)
    bias = words.defaults.bias if options.bias is None else options.bias
    return kernel, _pair(options.stride, dim, "stride"), pads, dilation, bias


def _conv(o: models.Conv, dim: Reader, words: Words, x: Dim | None) -> Op:
    kernel, stride, padding, dilation, bias = _window(o, dim, words)
    out, groups = dim(o.channels, "channels"), dim(o.groups, "groups")
    return ops.Conv(out, kernel, stride, padding, dilation, groups, bias)


def _depthwise(o: models.DepthwiseConv, dim: Reader, words: Words, x: Dim | None) -> Op:
    if x is None:
        message = "the channels that enter this depthwise convolution are not known"
        help = "write `conv:` with `groups:` instead"
        raise SpecError([Diagnostic("E205", message, o.at(), help=help)])
    kernel, stride, padding, dilation, bias = _window(o, dim, words)
    out = binary("*", x, dim(o.multiplier, "multiplier"))
    return ops.Conv(out, kernel, stride, padding, dilation, x, bias)


def _conv_transpose(o: models.ConvTranspose, dim: Reader, words: Words, x: Dim | None) -> Op:
    given = {key: _pair(getattr(o, key), dim, key) for key in ("kernel", "stride", "padding")}
    more = _pair(o.output_padding, dim, "output_padding")
    out, groups = dim(o.channels, "channels"), dim(o.groups, "groups")
    bias = words.defaults.bias if o.bias is None else o.bias
    return ops.ConvTranspose(out, **given, output_padding=more, groups=groups, bias=bias)


def _linear(o: models.Linear, dim: Reader, words: Words, x: Dim | None) -> Op:
    return ops.Linear(dim(o.features, "features"), o.bias)


def _norm(o: models.Norm, dim: Reader, words: Words, x: Dim | None) -> Op | None:
    default = words.defaults.norm
    kind = words.kind(o)
    epsilon = default.epsilon if o.epsilon is None else o.epsilon
    momentum = default.momentum if o.momentum is None else o.momentum
    unbiased = default.unbiased if o.unbiased is None else o.unbiased
    if kind == "batch":
        return ops.BatchNorm(float(epsilon), float(momentum), unbiased)
    if kind == "layer":
        return ops.LayerNorm(float(epsilon))
    return ops.GroupNorm(_groups(o, dim, words), float(epsilon)) if kind == "group" else None


def _groups(o: models.Norm, dim: Reader, words: Words) -> Dim:
    """How many groups a group normalisation has. Raises `SpecError` where nothing says it."""
    if o.groups is not None:
        return dim(o.groups, "groups")
    default = words.defaults.norm
    if default.groups is None:
        message = "group normalisation needs the number of groups"
        at = default.at() if o.at() is None else o.at()
        raise SpecError([Diagnostic("E111", message, at, help="add `groups: 32`, say")])
    return words.number(default.groups, default, "groups")


def normalisation(words: Words) -> Op | None:
    """The norm of the defaults; None where they have none. Raises `SpecError`."""
    return _norm(models.Norm.model_construct(), lambda value, key: value, words, None)


def convolution(channels: Dim, stride: Pair, bias: bool) -> Op:
    """The 1x1 convolution of a projection."""
    return ops.Conv(channels, (1, 1), stride, (0, 0, 0, 0), bias=bias)


def average(stride: Pair) -> Op:
    """The average pool before a projection (ResNet-D); the rest at the border is kept."""
    return ops.AvgPool(stride, stride, ceil_mode=True)


def subsample(stride: Pair) -> Op:
    """Every stride-th pixel, as a pool of one."""
    return ops.AvgPool((1, 1), stride)


def _activation(o: models.Activation, dim: Reader, words: Words, x: Dim | None) -> Op | None:
    kind = words.kind(o)
    if kind == "none":
        return None
    if kind == "leaky_relu":
        slope = words.defaults.activation.slope if o.slope is None else o.slope
        return ops.LeakyRelu(float(slope))
    return ops.ACTIVATIONS[kind]()


def _max_pool(o: models.MaxPool, dim: Reader, words: Words, x: Dim | None) -> Op:
    return ops.MaxPool(*_pool(o, dim))


def _avg_pool(o: models.AvgPool, dim: Reader, words: Words, x: Dim | None) -> Op:
    return ops.AvgPool(*_pool(o, dim), o.count_include_pad)


def _pool(o: models.MaxPool, dim: Reader) -> tuple[Pair, Pair, Quad, bool]:
    kernel = _pair(o.kernel, dim, "kernel")
    stride = kernel if o.stride is None else _pair(o.stride, dim, "stride")
    return kernel, stride, _quad(o.padding, dim), o.ceil_mode


def _simple(make: Callable[[Any, Reader], Op]) -> Rule:
    return lambda o, dim, words, x: make(o, dim)


OPERATIONS: dict[str, Rule] = {
    "conv": _conv,
    "depthwise_conv": _depthwise,
    "conv_transpose": _conv_transpose,
    "linear": _linear,
    "norm": _norm,
    "activation": _activation,
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "global_avg_pool": _simple(lambda o, dim: ops.GlobalAvgPool(o.keepdims)),
    "flatten": _simple(lambda o, dim: ops.Flatten()),
    "dropout": _simple(lambda o, dim: ops.Dropout(dim(o.rate, "rate"))),
    "stochastic_depth": _simple(lambda o, dim: ops.StochasticDepth(dim(o.rate, "rate"))),
    "layer_scale": _simple(lambda o, dim: ops.LayerScale(float(o.init))),
    "pad_channels": _simple(
        lambda o, dim: ops.PadChannels(dim(o.before, "before"), dim(o.after, "after"))
    ),
    "slice_channels": _simple(
        lambda o, dim: ops.SliceChannels(dim(o.start, "start"), dim(o.stop, "stop"))
    ),
    "channel_shuffle": _simple(lambda o, dim: ops.ChannelShuffle(dim(o.groups, "groups"))),
    "upsample": _simple(lambda o, dim: ops.Upsample(dim(o.scale, "scale"), ops.Resampling(o.mode))),
}
