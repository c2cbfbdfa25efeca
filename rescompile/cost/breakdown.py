"""The rows of a report: a network, its stages, its blocks, or its layers, in order of execution.

Rows of one view never overlap and cover the network, so their costs add up to its cost.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import groupby
from math import prod

from ..ir.nodes import Call, Group, Loop, is_several
from ..ir.structure import Block, Form, Path, Stage
from ..ir.trace import (
    CallTrace,
    Elaborated,
    FromTrace,
    GroupTrace,
    Instance,
    JoinTrace,
    OpTrace,
    Trace,
    is_again,
    is_call,
    standing,
    turns,
    walk_traces,
)
from ..ops import Shape
from ..record import record
from .cost import Cost, Costs, join_cost, without_parameters
from .describe import describe_call, describe_join, describe_op, describe_owner, describe_run
from .receptive_field import START, Named, ReceptiveField, ReceptiveFields


@record
class Row:
    """A part of a network: what it is, what it puts out, and what it costs.

    `blocks` counts the block calls that it is made of, at least one; `output` is channels-first.
    `field` is the receptive field of its output in the network's input.
    """

    name: str
    what: str
    blocks: int
    output: Shape
    cost: Cost
    field: ReceptiveField

    @property
    def stride(self) -> tuple[float, ...] | None:
        """Pixels of the input between neighbours of the output; None where it has none."""
        return self.field.stride if prod(self.output[1:]) > 1 else None


@record
class Unit:
    """Traces that make one row, and the path of the scope where they stand.

    `instance` is the block where the traces are one call of it.
    """

    path: Path
    items: tuple[Trace, ...]
    instance: Instance | None = None
    block: bool = False

    @property
    def label(self) -> str:
        names = [name for item in self.items for name in _names(item)]
        last = f"-{names[-1]}" if names[-1:] != names[:1] else ""
        return ".".join((*self.path, "".join(names[:1]) + last))


class Rows:
    """The views of one network; costs and fields are remembered for each distinct instance."""

    def __init__(self, elaborated: Elaborated) -> None:
        self.network, self.owners = elaborated.network, elaborated.owners
        self.root, self.input = elaborated.root.items, elaborated.root.x
        self.stages = tuple(zip(self.network.stages, elaborated.stages, strict=True))
        self.costs = Costs()
        self.fields = ReceptiveFields()
        # The fields of the inputs and steps of each scope that is opened.
        self.scopes: dict[Path, Named] = {(): dict.fromkeys(elaborated.network.inputs, START)}
        self.inline: dict[int, list[Instance]] = {}
        for found in elaborated.instances.values():
            for instance in found:
                if instance.block.form is Form.INLINE and instance.items:
                    self.inline.setdefault(id(instance.items[0]), []).append(instance)

    def by_network(self) -> Iterator[Row]:
        """One row for the whole."""
        whole = Unit((), self.root)
        name, title = self.network.name, self.network.title or self.network.name
        yield self._row(whole, name, title, START, self._count(whole))

    def by_stage(self) -> Iterator[Row]:
        """A row for each stage. One that is a single named group is opened: see `_open`."""
        field = START
        for stage, items in self.stages:
            units = self._open(stage, items)
            for unit in units:
                label = stage.label if len(units) == 1 else unit.label
                row = self._row(unit, label, describe_run(unit.items), field, self._count(unit))
                field = row.field
                yield row

    def by_block(self) -> Iterator[Row]:
        """A row for each block call, each group without calls, and each run of operations between.

        A block that does nothing but repeat another is opened.
        """
        field = START
        for stage, items in self.stages:
            for unit in self._units(items, ()):
                alone = not unit.path and not unit.block and len(unit.items) == len(items) > 1
                what = self._what(unit)
                row = self._row(unit, stage.label if alone else unit.label, what, field, 1)
                field = row.field
                yield row

    def _what(self, unit: Unit) -> str:
        """A call with its arguments, or a run of operations."""
        if unit.instance is None:
            return describe_run(unit.items)
        again = describe_run(unit.items) + ": " if is_again(unit.items[0]) else ""
        return again + describe_call(unit.instance)

    def by_layer(self) -> Iterator[Row]:
        """A row for each operation, and one for each join."""
        named = dict.fromkeys(self.network.inputs, START)
        yield from self._layers(self.root, (), START, named=named)

    def _row(self, unit: Unit, name: str, what: str, before: ReceptiveField, blocks: int) -> Row:
        named = self.scopes.setdefault(unit.path, {})
        after = self.fields.total(unit.items, before, named)
        if len(unit.path) == 1:  # later steps of the network may go back to those of its groups
            inside = {f"{unit.path[0]}.{name}": field for name, field in named.items()}
            self.scopes.setdefault((), {}).update(inside)
        for depth, name_there in enumerate(unit.path):  # so far, the groups around end here as well
            self.scopes.setdefault(unit.path[:depth], {})[name_there] = after
        last = unit.items[-1].node if unit.items else None
        if unit.path and last is not None and is_several(last):  # a turn: all so far end here
            inner, outer = self.scopes[unit.path], self.scopes[unit.path[:-1]]
            given = (inner[source] for source in last.sources)
            outer.update(zip(last.leaving, given, strict=False))
        output = unit.items[-1].y if unit.items else self.input
        return Row(name, what, blocks, output, self.costs.total(unit.items), after)

    def _count(self, unit: Unit) -> int:
        found = sum(inner.block for inner in self._units(unit.items, unit.path))
        return max(1, found)

    def _open(self, stage: Stage, items: tuple[Trace, ...]) -> list[Unit]:
        """The rows of a stage: itself, or what stands in its only, named group.

        There, successive traces of one call or group make a row, and so do successive operations.
        """
        if not items:
            return []
        group = items[0]
        whole = [Unit((), items)]
        if len(stage.body) > 1 or not isinstance(group, GroupTrace):
            return whole
        if not isinstance(group.node, Group) or group.node.name is None or is_again(group):
            return whole
        path = (group.name,)
        units = [
            Unit(path, tuple(item for unit in same for item in unit.items))
            for _, same in groupby(self.pieces(group.items, path, whole=True), key=_row_key)
        ]
        return units if len(units) > 1 else whole

    def pieces(self, items: tuple[Trace, ...], path: Path, whole: bool) -> Iterator[Unit]:
        """Each trace by itself, but those of an inline call together.

        Inline calls that hold block calls count where `whole` says so.
        """
        i = 0
        while i < len(items):
            inline = [found for found in self.inline.get(id(items[i]), ()) if _at(found, items, i)]
            if not whole:
                inline = [found for found in inline if not any(map(_calls, found.items))]
            instance = max(inline, key=lambda found: len(found.items), default=None)
            size = len(instance.items) if instance else 1
            yield Unit(path, items[i : i + size], instance, block=instance is not None)
            i += size

    def _units(self, items: tuple[Trace, ...], path: Path) -> Iterator[Unit]:
        """The rows of the block view in one scope and the groups that hold calls."""
        run: list[Trace] = []
        for piece in self.pieces(items, path, whole=False):
            item = piece.items[0]
            if not piece.block and not isinstance(item, GroupTrace) and not _calls(item):
                run.append(item)
                continue
            if run:
                yield Unit(path, tuple(run))
                run = []
            if piece.block:
                yield piece
            elif is_again(item):  # it is one, whatever it holds
                instance = item.instance if isinstance(item, CallTrace) else None
                yield Unit(path, (item,), instance, block=_calls(item))
            elif isinstance(item, CallTrace) and _only_repeats(item.instance.block):
                yield from self._units(item.instance.items, (*path, item.name))
            elif isinstance(item, GroupTrace) and self._holds(item):
                if is_several(item.node):
                    outer = self.scopes.get(path, {})
                    given = {name: outer[name] for name in item.node.sources if name in outer}
                    self.scopes[(*path, item.name)] = given
                yield from self._units(item.items, (*path, item.name))
            else:
                instance = item.instance if isinstance(item, CallTrace) else None
                yield Unit(path, (item,), instance, block=_calls(item))
        if run:
            yield Unit(path, tuple(run))

    def _holds(self, group: GroupTrace) -> bool:
        """Whether a group holds block calls, inline ones included."""
        return _calls(group) or any(id(item) in self.inline for item in group.items)

    def _layers(
        self,
        items: tuple[Trace, ...],
        path: Path,
        start: ReceptiveField,
        deep: bool = True,
        named: Named | None = None,
    ) -> Iterator[Row]:
        """Rows of single operations and joins; `deep` where they count as the network's depth.

        `named` are the fields of the inputs of their scope, and of the steps before them.
        """
        named = {} if named is None else named
        after = start
        for item in items:
            before, after = after, self.fields.after(item, after, named)
            inner = (*path, item.name)
            if isinstance(item, OpTrace):
                cost, what = self.costs.trace(item), describe_op(item.op, item.x)
                if inner in self.owners:
                    cost = without_parameters(cost)
                    what += describe_owner(item, self.owners[inner])
                cost = cost if deep else replace(cost, layers=0)
                yield Row(".".join(inner), what, 1, item.y, cost, after)
            elif is_several(item.node):
                found = self.fields.turns(item, before, named)
                for call, fields in zip(turns(item), found, strict=False):
                    given = dict(zip(call.instance.block.entering, fields, strict=True))
                    at = inner if call is item else (*inner, call.name)
                    yield from self._layers(call.instance.items, at, fields[0], deep, given)
            elif isinstance(item, (CallTrace, GroupTrace)):
                inputs = item.instance.block.entering if isinstance(item, CallTrace) else ()
                given = dict.fromkeys(inputs, before)
                yield from self._layers(item.parts[0], inner, before, deep, given)
            elif not isinstance(item, FromTrace):
                starts, depths = self.fields.starts(item, before), self.costs.depth(item)
                for part, begin, depth in zip(item.parts, starts, depths, strict=True):
                    yield from self._layers(part, path, begin, deep and depth > 0, named)
                if isinstance(item, JoinTrace) or item.shortcut is not None:
                    name = ".".join((*path, item.node.name))
                    yield Row(name, describe_join(item), 1, item.y, join_cost(item), after)


def _at(instance: Instance, items: tuple[Trace, ...], i: int) -> bool:
    """Whether the traces of an inline instance are those at `items[i]`."""
    here = items[i : i + len(instance.items)]
    return len(here) == len(instance.items) and all(map(operator.is_, here, instance.items))


def _row_key(unit: Unit) -> tuple[str, int]:
    """What successive pieces of an opened stage share when they make one row."""
    item = unit.items[0]
    if unit.instance is not None:
        return "inline", id(item)
    plain = not isinstance(item, GroupTrace) and not _calls(item)
    return ("plain", 0) if plain else ("node", standing(item).id)


def _names(item: Trace) -> Iterator[str]:
    """The names that a trace takes in its scope."""
    inside = walk_traces([item], enter=lambda item: item.shares_scope)
    return (one.name for _, one in inside if not one.shares_scope)


def _calls(item: Trace) -> bool:
    """Whether a trace is a block call or holds one."""
    return any(is_call(one) for _, one in walk_traces([item]))


def _only_repeats(block: Block) -> bool:
    """Whether a block's body is one repetition of something and nothing else."""
    if len(block.body) != 1:
        return False
    node = block.body[0]
    return isinstance(node, Loop) or (isinstance(node, Call) and node.repeat is not None)


VIEWS: dict[str, Callable[[Rows], Iterable[Row]]] = {
    "network": Rows.by_network,
    "stage": Rows.by_stage,
    "block": Rows.by_block,
    "layer": Rows.by_layer,
}


def stage_rows(elaborated: Elaborated) -> tuple[Row, ...]:
    """A row for each stage of a network, for a report or a docstring's table."""
    return tuple(Rows(elaborated).by_stage())
