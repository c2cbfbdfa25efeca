"""Receptive fields: which part of the input one element of a layer's output sees.

A window of k, dilated by d, sees d (k - 1) + 1 pixels, and a stride of s multiplies the distance of
neighbours; before them the same is asked of each pixel that is seen (Araujo, Norris and Sim 2019,
Computing Receptive Fields of Convolutional Neural Networks, distill.pub). A join sees from the
first to the last pixel that any of its branches sees. After an upsampling that depends on the
position: the size told is that of the elements that see most. After a global pool or a linear layer
the field is the whole image. Fields are in pixels of the input and not clipped to it. Statistics of
normalisation are not windows, and not counted.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from functools import reduce
from itertools import zip_longest

from ..ir.nodes import is_several
from ..ir.trace import (
    CallTrace,
    FromTrace,
    GroupTrace,
    Instance,
    JoinTrace,
    OpTrace,
    ResidualTrace,
    Trace,
    turns,
)
from ..ops import Op, Shape
from ..ops.axis import Axis
from ..record import record


@record
class ReceptiveField:
    """How a part of a network widens the field, along each axis.

    On its own it is the receptive field of a network that starts here.
    """

    axes: tuple[Axis, ...] = ()  # of axes that are not told an element sees its own pixel
    full: bool = False

    def then(self, after: ReceptiveField) -> ReceptiveField:
        """This part, followed by `after`."""
        axes = zip_longest(self.axes, after.axes, fillvalue=Axis())
        return ReceptiveField(tuple(a.then(b) for a, b in axes), self.full or after.full)

    def beside(self, other: ReceptiveField) -> ReceptiveField:
        """A join of this part and `other`, which start from the same place."""
        axes = zip_longest(self.axes, other.axes, fillvalue=Axis())
        return ReceptiveField(tuple(a.beside(b) for a, b in axes), self.full or other.full)

    @property
    def size(self) -> tuple[int, ...] | None:
        """The extents of the receptive field in pixels; None for the whole image."""
        return None if self.full else tuple(axis.size for axis in self.axes)

    @property
    def stride(self) -> tuple[float, ...]:
        """The cumulative stride in pixels; meaningful where the output has neighbours."""
        return tuple(_number(axis.jump) for axis in self.axes)


def _number(extent: Fraction) -> float:
    return int(extent) if extent == int(extent) else float(extent)


START = ReceptiveField()
WHOLE = ReceptiveField(full=True)


def op_receptive_field(op: Op, x: Shape) -> ReceptiveField:
    """How one operation widens the field, for input shape `x`."""
    axes = op.sees(x)
    return WHOLE if axes is None else ReceptiveField(axes)


Named = dict[str, ReceptiveField]  # the fields of the steps of one scope, by name
Fields = list[ReceptiveField]


class ReceptiveFields:
    """How the parts of one network widen the field, remembered for each distinct instance."""

    def __init__(self) -> None:
        self._known: dict[Instance, ReceptiveField] = {}

    def total(
        self, items: Iterable[Trace], start: ReceptiveField = START, named: Named | None = None
    ) -> ReceptiveField:
        """The field after traces one after the other, which begin from `start`.

        `named` is what is known of the scope where they stand; their own fields are added to it.
        """
        named = {} if named is None else named
        for item in items:
            start = self.after(item, start, named)
        return start

    def after(self, item: Trace, start: ReceptiveField, named: Named) -> ReceptiveField:
        """The field of what leaves one trace, from its input's `start`.

        Of a single turn of a repetition that is given several values, `named` is told what the next
        turn is given, by the same names.
        """
        if isinstance(item, FromTrace):
            return named[item.node.source]
        if is_several(item.node):
            *_, fields = self.turns(item, start, named)
            named.update(zip(item.node.leaving, fields, strict=False))
            if isinstance(item, CallTrace) and item.node.repeat is not None:
                named.update(zip(item.node.sources, fields, strict=True))  # of the next turn
            field = fields[0]
        elif isinstance(item, (JoinTrace, ResidualTrace)):
            field = self.joined(item, start, named)
        elif isinstance(item, GroupTrace):
            inside: Named = {}
            field = start.then(self.total(item.items, named=inside))
            named |= {f"{item.name}.{name}": start.then(one) for name, one in inside.items()}
        else:
            field = start.then(self.trace(item))
        named[item.name] = field
        return field

    def turns(self, item: Trace, start: ReceptiveField, named: Named) -> list[Fields]:
        """The fields of what enters each turn of a call that takes or gives several values, and
        last those of what leaves it.
        """
        sources = item.node.sources if is_several(item.node) else ()
        found = [[named[source] for source in sources] or [start]]
        for call in turns(item):
            block, fields = call.instance.block, found[-1]
            inner = dict(zip(block.entering, fields, strict=True))
            last = self.total(call.instance.items, fields[0], inner)
            found.append([inner[output] for output in block.outputs.values()] or [last])
        return found

    def trace(self, item: OpTrace | GroupTrace | CallTrace) -> ReceptiveField:
        """How one trace, with all that is inside, widens the field."""
        if isinstance(item, OpTrace):
            return op_receptive_field(item.op, item.x)
        if isinstance(item, GroupTrace):
            return self.total(item.items)
        known = self._known.get(item.instance)
        if known is None:
            named = dict.fromkeys(item.instance.block.entering, START)
            known = self._known[item.instance] = self.total(item.instance.items, START, named)
        return known

    def joined(
        self, item: JoinTrace | ResidualTrace, start: ReceptiveField, named: Named
    ) -> ReceptiveField:
        """The field of what a join makes, from its input's `start`."""
        if isinstance(item, JoinTrace):
            ends = [self.total(branch, start, named) for branch in item.branches]
            return reduce(ReceptiveField.beside, ends)
        tapped = self.total(item.pre, start, named)
        field = self.total(item.branch, tapped, named)
        if item.shortcut is None:
            return field
        return field.beside(self.total(item.shortcut, _tap(item, start, tapped), named))

    def starts(
        self, item: JoinTrace | ResidualTrace, start: ReceptiveField
    ) -> tuple[ReceptiveField, ...]:
        """Where the parts of a join begin, in the order of execution, from its input's `start`."""
        if isinstance(item, JoinTrace):
            return (start,) * len(item.branches)
        tapped = self.total(item.pre, start)
        return start, _tap(item, start, tapped), tapped


def _tap(item: ResidualTrace, start: ReceptiveField, tapped: ReceptiveField) -> ReceptiveField:
    return tapped if item.shortcut and item.node.tap_pre else start
