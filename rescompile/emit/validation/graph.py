"""Values as terms: which operation with which attributes and weights met which values.

Two terms of one graph are the same number exactly where they are the same function of the
network's input, up to the order of two summands or factors. Each operation has one canonical form
here, whatever a framework calls it and however it says its padding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import Enum
from typing import Any, cast

from ...ir.joining import spread
from ...ir.nodes import JoinKind
from ...ir.structure import INPUT
from ...ops import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    BatchNorm,
    Conv,
    ConvTranspose,
    Crop,
    Flatten,
    GlobalAvgPool,
    GlobalMaxPool,
    GlobalPool,
    GlobalResponseNorm,
    LayerNorm,
    LayerScale,
    Linear,
    Op,
    PadChannels,
    Permute,
    Pool,
    Prelu,
    Resampled,
    Same,
    Shape,
    SliceChannels,
    UpsampleTo,
    show_shape,
)
from ...ops.window import ends
from ...record import record

Key = tuple[object, ...]
DIGITS = 9  # of floats that are compared: what rounding leaves of a rate or an epsilon


@record
class Term:
    """A value: what made it of which others, and where its weights are."""

    what: str
    key: Key
    inputs: tuple[int, ...]
    weights: str
    shape: Shape
    nonnegative: bool

    def __str__(self) -> str:
        return self.what


@record
class Window:
    """A pool by what it reads: where windows start and end, and which pixels count for a mean."""

    kind: type[Pool]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    output: Shape
    counted: tuple[int, ...]


@dataclass
class Graph:
    """All terms of one comparison; `index` finds the one that is there already.

    `inputs` are those of the network, by their names. `updates` has, for each norm with running
    statistics, what it made in the order of execution.
    """

    terms: list[Term] = field(default_factory=list)
    index: dict[Key, int] = field(default_factory=dict)
    inputs: dict[str, int] = field(default_factory=dict)
    updates: dict[str, list[int]] = field(default_factory=dict)

    def __getitem__(self, value: int) -> Term:
        return self.terms[value]

    def input(self, shape: Shape, name: str = INPUT) -> int:
        """An input of the network."""
        what = "the input" if name == INPUT else f"the input '{name}'"
        self.inputs[name] = self.intern(Term(what, ("input", name), (), "", shape, False))
        return self.inputs[name]

    def intern(self, term: Term) -> int:
        found = (term.key, term.inputs, term.weights)
        if found not in self.index:
            self.index[found] = len(self.terms)
            self.terms.append(term)
        return self.index[found]

    def apply(self, op: Op, x: int, weights: str = "") -> int:
        """`op`, with numbers for attributes, of `x`. Raises `ShapeError` where it does not fit.

        `weights` is where the target keeps its tensors; it does not matter where it has none.
        """
        given = self.terms[x]
        if isinstance(op, Permute) or op == PadChannels(0, 0):
            return x  # where the channels stand in memory is the target's business
        if isinstance(op, GlobalPool) and not op.keepdims:
            return self.apply(Flatten(), self.apply(replace(op, keepdims=True), x))
        if isinstance(op, Pool):
            return self.pool(window(op, given.shape), x)
        if isinstance(op, Crop):
            cut = self.cut(op, x)
            if cut is not None:
                return cut
        op = canonical(op, given.shape)
        owns = bool(op.parameters(given.shape))
        positive = op.nonnegative or (given.nonnegative and op.keeps_sign)
        made = Term(
            describe(op), key(op), (x,), weights if owns else "", op.output(given.shape), positive
        )
        value = self.intern(made)
        if isinstance(op, BatchNorm):
            self.updates.setdefault(weights, []).append(value)
        return value

    def taken_updates(self) -> Mapping[str, list[int]]:
        """The updates of running statistics up to here, which are forgotten."""
        found, self.updates = self.updates, {}
        return found

    def pool(self, how: Window, x: int) -> int:
        """A pool of `x`, given by its windows."""
        shape = self.terms[x].shape
        word = f"{how.kind.word}, kernel {how.kernel}, stride {how.stride}, padding {how.before}"
        if how.kind is AvgPool:
            word += f", counted {how.counted}"
        word += f", to {show_shape(how.output)}"
        positive = self.terms[x].nonnegative
        return self.intern(
            Term(word, (how,), (x,), "", (shape[0], *how.output), positive),
        )

    def cut(self, op: Crop, x: int) -> int | None:
        """The border taken off, where that is the padding of the transposed convolution `x`."""
        term = self.terms[x]
        if not any(cast(Any, op.cropping)):
            return x
        if term.key[0] is not ConvTranspose:
            return None
        whole: Any = ConvTranspose(*cast(Any, term.key[1:]))
        axes = list(zip(whole.output_padding, whole.stride, ends(op.cropping), strict=True))
        more = tuple(given + before - after for given, _, (before, after) in axes)
        if not all(0 <= n < stride for n, (_, stride, _) in zip(more, axes, strict=True)):
            return None
        pads = (
            pad + cut for pad, cut in zip(whole.padding, cast(Any, op.cropping)[::2], strict=True)
        )
        made = replace(whole, padding=tuple(pads), output_padding=more)
        return self.apply(made, term.inputs[0], term.weights)

    def combine(self, kind: JoinKind, values: list[int]) -> int:
        """Values added, multiplied or concatenated, from the first to the last."""
        shapes = [self.terms[value].shape for value in values]
        positive = all(self.terms[value].nonnegative for value in values)
        if kind is JoinKind.CONCAT:
            shape = (sum(shape[0] for shape in shapes), *shapes[0][1:])
            return self.intern(Term("concat", (kind,), tuple(values), "", shape, positive))
        made = values[0]
        for value in values[1:]:
            pair_of = [self.terms[made].shape, self.terms[value].shape]
            whole = spread(pair_of)
            if whole is None:
                told = " and ".join(map(show_shape, pair_of))
                raise ValueError(f"{told} do not fit together")
            pair = (min(made, value), max(made, value))  # a + b is b + a
            made = self.intern(Term(kind.value, (kind,), pair, "", whole, positive))
        return made

    def shares(self, x: int, count: int) -> list[int]:
        """The channels of `x` in equal parts."""
        each = self.terms[x].shape[0] // count
        cuts = [SliceChannels(i * each, (i + 1) * each) for i in range(count)]
        return [self.apply(cut, x) for cut in cuts]

    def reachable(self, values: Iterable[int]) -> set[int]:
        """Values, with all that they are made of."""
        found, ahead = set[int](), list(values)
        while ahead:
            value = ahead.pop()
            if value not in found:
                found.add(value)
                ahead.extend(self[value].inputs)
        return found


def canonical(op: Op, x: Shape) -> Op:
    """`op` in the one form that all targets share."""
    if isinstance(op, Conv):
        return replace(op, padding=op.pads(x))
    if isinstance(op, AdaptiveAvgPool) and set(op.size) == {1}:
        return GlobalAvgPool(keepdims=True)
    if isinstance(op, AdaptiveMaxPool) and set(op.size) == {1}:
        return GlobalMaxPool(keepdims=True)
    if isinstance(op, (GlobalResponseNorm, LayerNorm, Linear)):
        return replace(op, positions=isinstance(op, Linear) and len(x) > 1)
    if isinstance(op, Resampled):
        _, *extents = op.output(x)
        return UpsampleTo("", op.mode, op.align_corners, tuple(extents))
    if isinstance(op, LayerScale):  # in which shape it is kept is the tensor's
        return replace(op, shared=op.shared or x[0] == 1, vector=False)
    if isinstance(op, Prelu) and x[0] == 1:
        return replace(op, shared=True)
    return op


def window(op: Pool, x: Shape) -> Window:
    """What a pool reads of `x`: in ceil mode more than its padding, with a remainder less."""
    made: Any = op
    mean = isinstance(op, AvgPool) and op.count_include_pad
    pads = op.pads(x)
    counted = pads if mean else (0,) * len(pads)
    before, extent = pads[::2], op.output(x)[1:]
    return Window(type(op), made.kernel, made.stride, before, extent, counted)


def key(op: Op) -> Key:
    """An operation and its attributes, floats up to rounding."""
    return (type(op), *(_rounded(value) for _, value in attributes(op)))


def attributes(op: Op) -> list[tuple[str, Any]]:
    """Name and value of each attribute."""
    made: Any = op
    return [(f.name, getattr(op, f.name)) for f in fields(made)]


def _rounded(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(map(_rounded, value))
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def describe(op: Op) -> str:
    """An operation in words, for a message."""
    shown = (f"{name} {_shown(value)}" for name, value in attributes(op))
    return ", ".join([op.word, *shown])


def _shown(value: object) -> str:
    return str(value.value) if isinstance(value, (Enum, Same)) else str(value)
