"""Lowering of single operations: from a step's options to an op of the IR, defaults filled in.

One rule serves all, by what an operation's class declares. By hand is sugar: what a step means that
leaves a padding, a bias or a stride open, and the steps that are no operation of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .. import ops
from ..errors import Diagnostic, Location, SpecError
from ..expr.dims import Dim, binary
from ..language import models
from ..language.hints import word_help
from ..language.models import Defaults
from ..ops import AXIS_NAMES, EACH, Attribute, Extents, Kind, Op, Sides, attributes, show_axes
from ..record import record

Reader = Callable[..., Dim]  # of a value, its key, and whether that is true or false


@record
class Words:
    """The spec's defaults, how many axes its maps have, and what a word with a sigil stands for."""

    defaults: Defaults
    axes: int
    look_up: Callable[[str, Location | None], Any]
    number: Callable[[Any, models.Model, str], Dim]
    several: Callable[[Any], Any]

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


def _extents(value: Any, read: Callable[[Any], Dim], axes: int) -> Extents:
    """A number for each axis, or one for all. Raises `ValueError` for another count."""
    if not isinstance(value, tuple):
        return (read(value),) * axes
    if len(value) != axes:
        raise ValueError
    return tuple(map(read, value))


def _sides(value: Any, read: Callable[[Any], Dim], axes: int) -> Sides:
    """The two sides of each axis, or a number for both."""
    if isinstance(value, tuple) and len(value) == 2 * axes:
        return tuple(map(read, value))
    return tuple(side for both in _extents(value, read, axes) for side in (both, both))


def _half(kernel: Dim, dilation: Dim) -> Dim:
    return binary("*", binary("//", binary("-", kernel, 1), 2), dilation)


def _read(declared: Attribute, value: Any, dim: Reader, options: models.Model, words: Words) -> Any:
    """What a spec says of an attribute, as the operation has it. Raises `SpecError`."""
    kind, name = declared.kind, declared.name
    if kind in (Kind.POSITIVE, Kind.WHOLE, Kind.RATE, Kind.FACTOR):
        return dim(value, name)
    if kind in EACH:
        if value == "same":
            return ops.Same.SAME
        given, alike = words.several(value), kind is Kind.POOL_PADDING  # on opposite sides
        try:
            read = _extents if alike or EACH[kind] == 1 else _sides
            made = read(given, lambda one: dim(one, name), words.axes)
            return tuple(side for side in made for _ in range(2)) if alike else made
        except ValueError:
            each = 1 if alike else EACH[kind]
            raise _count(given, each, options.at(name), words.axes) from None
    if kind is Kind.FLAG:
        return dim(value, name, bool)
    if kind in (Kind.BOOL, Kind.STEP):
        return value
    return float(value) if isinstance(kind, Kind) else kind(value)


def _count(given: tuple[Any, ...], each: int, at: Location | None, axes: int) -> SpecError:
    """A list that is too short or too long for the axes of the maps."""
    along = " x ".join(AXIS_NAMES[axes])
    message = f"{show_axes(axes)} ({along}) take no list of {len(given)}"
    both = f", or {2 * axes} for the sides before and after each" if each == 2 else ""
    help = f"write one number for all, or {axes} in a list{both}"
    return SpecError([Diagnostic("E112", message, at, help=help)])


def _made(kind: type[Op], options: Any, dim: Reader, words: Words, **given: Any) -> Op:
    """An operation of a class; `given` are the attributes that are no options."""
    declared = attributes(kind)
    for name, one in declared.items():
        if name in given or (value := getattr(options, name)) is None:
            continue
        if value != "causal" or one.kind is not Kind.PADDING:
            given[name] = _read(one, value, dim, options, words)
    if getattr(options, "padding", None) == "causal" and "padding" not in given:
        given["padding"] = _causal(given, options.at("padding"), words)
    for name in declared.keys() - given.keys():
        given[name] = ABSENT[name](given, words)
    return kind(**given)


def _padding(given: dict[str, Any], words: Words) -> Sides | ops.Same:
    """The padding of a convolution where it says none: the one of the defaults."""
    if words.defaults.padding == "same":
        return ops.Same.SAME
    if words.defaults.padding == "none":
        return (0,) * 2 * words.axes
    halves = map(_half, given["kernel"], given["dilation"])
    return tuple(side for half in halves for side in (half, half))


def _causal(given: dict[str, Any], at: Location | None, words: Words) -> Sides:
    """As many zeros before a sequence as an element sees elements before itself, none after."""
    if words.axes != 1:
        message = f"`causal` is for sequences, and here are {show_axes(words.axes)}"
        help = "write the pixels before and after each axis, as in `padding: [2, 0, 1, 1, 1, 1]`"
        raise SpecError([Diagnostic("E112", message, at, help=help)])
    (kernel,), (dilation,) = given["kernel"], given.get("dilation", (1,))
    return binary("*", binary("-", kernel, 1), dilation), 0


# What the rest of a spec says of an attribute that its step leaves open.
ABSENT: dict[str, Callable[[dict[str, Any], Words], Any]] = {
    "padding": _padding,
    "bias": lambda given, words: words.defaults.bias,
    "stride": lambda given, words: given["kernel"],
}


def _depthwise(o: models.DepthwiseConv, dim: Reader, words: Words, x: Dim | None) -> Op:
    if x is None:
        message = "the channels that enter this depthwise convolution are not known"
        help = "write `conv:` with `groups:` instead"
        raise SpecError([Diagnostic("E205", message, o.at(), help=help)])
    out = binary("*", x, dim(o.multiplier, "multiplier"))
    return _made(ops.Conv, o, dim, words, channels=out, groups=x)


def _of_kind(
    o: models.Norm | models.Activation, dim: Reader, words: Words, x: Dim | None
) -> Op | None:
    """A norm or an activation; what it leaves open the defaults say. Raises `SpecError`."""
    default: Any = words.defaults.norm
    known: dict[str, type[Op]] = {**ops.NORMS}
    if isinstance(o, models.Activation):
        default, known = words.defaults.activation, {**ops.ACTIVATIONS}
    kind = known.get(words.kind(o))
    if kind is None:
        return None
    given = {}
    for name, one in attributes(kind).items():
        if (value := getattr(o, name)) is not None:
            given[name] = _read(one, value, dim, o, words)
        elif (value := getattr(default, name)) is not None:
            said_there = partial(_number, words, default)
            given[name] = _read(one, value, said_there, default, words)
        else:
            message = "group normalisation needs the number of groups"
            at = default.at() if o.at() is None else o.at()
            raise SpecError([Diagnostic("E111", message, at, help="add `groups: 32`, say")])
    return kind(**given)


def _upsample(o: Any, dim: Reader, words: Words, x: Dim | None) -> Op:
    return _made(ops.Upsample if o.to is None else ops.UpsampleTo, o, dim, words)


def normalisation(words: Words) -> Op | None:
    """The norm of the defaults; None where they have none. Raises `SpecError`."""
    return _of_kind(models.Norm.model_construct(), lambda value, key: value, words, None)


def _number(words: Words, default: models.Model, value: Any, key: str) -> Dim:
    """A number that the defaults say."""
    return words.number(value, default, key)


def convolution(channels: Dim, stride: Extents, bias: bool) -> Op:
    """The convolution of a projection, whose kernel is one pixel."""
    return ops.Conv(channels, (1,) * len(stride), stride, bias=bias)


def average(stride: Extents) -> Op:
    """The average pool before a projection (ResNet-D); the rest at the border is kept."""
    return ops.AvgPool(stride, stride, ceil_mode=True)


def subsample(stride: Extents) -> Op:
    """Every stride-th pixel, as a pool of one."""
    return ops.AvgPool((1,) * len(stride), stride)


SUGAR: dict[str, Callable[[Any, Reader, Words, Dim | None], Op | None]] = {
    "depthwise_conv": _depthwise,
    "norm": _of_kind,
    "activation": _of_kind,
    "upsample": _upsample,
}
SAID = {kind.word: kind for kind in ops.OPS}


def operation(word: str, options: Any, dim: Reader, words: Words, x: Dim | None) -> Op | None:
    """The operation that a step means, None for a norm or an activation of kind `none`.

    `x` are the channels that enter it, None where they are not known. Raises `SpecError`.
    """
    if word in SUGAR:
        return SUGAR[word](options, dim, words, x)
    return _made(SAID[word], options, dim, words)
