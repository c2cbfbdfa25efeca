"""The way of values through an elaborated network: what a walk over its traces means.

One definition of wiring, for whatever a value is: an array where the reference computes, a term
where emitted code is compared with the spec. What operations and joins do with values is the
subclass's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Generic, TypeVar, cast

from ..errors import InternalError
from ..ops import Shape, show_shape
from .nodes import Call, JoinKind, is_several
from .structure import Network, Path, child_path, path_of
from .trace import (
    CallTrace,
    Elaborated,
    FromTrace,
    GroupTrace,
    JoinTrace,
    OpTrace,
    ResidualTrace,
    Trace,
    turns,
)
from .walk import sources

V = TypeVar("V")


class Interpreter(ABC, Generic[V]):
    """One execution; values of steps that later ones go back to are held, by path."""

    def __init__(self, elaborated: Elaborated) -> None:
        self.elaborated = elaborated
        self.sources = _sources(elaborated.network)
        network = elaborated.network
        self.returned = [path_of(name) for name in network.outputs]
        inside = (name.split(".") for name in sources(network.body) if "." in name)
        self.kept = {*self.returned, *map(tuple, inside)}
        self.owners = elaborated.owners
        self.held: dict[Path, V] = {}

    # -- what a value is ------------------------------------------------------------------------

    @abstractmethod
    def operation(self, item: OpTrace, x: V, path: Path) -> V:
        """The operation at `path`, applied to `x`."""

    @abstractmethod
    def shares(self, x: V, count: int) -> list[V]:
        """The channels of `x` in `count` equal parts, in order."""

    @abstractmethod
    def combine(self, kind: JoinKind, values: list[V]) -> V:
        """Values added, multiplied, or their channels concatenated, in order."""

    @abstractmethod
    def shape(self, value: V) -> Shape:
        """A value's shape, without the batch."""

    def owner(self, path: Path) -> Path:
        """Where the weights of the operation at `path` are."""
        return self.owners.get(path, path)

    def record(self, path: Path, value: V) -> None:
        """Told of every value, in the order of execution."""

    # -- the walk -------------------------------------------------------------------------------

    def network(self, *inputs: V) -> tuple[V, ...]:
        """The outputs that the network names, or its last value alone, from all its inputs."""
        self.enter(self.elaborated.network.inputs, inputs, ())
        last = self.sequence(self.elaborated.root.items, inputs[0], ())
        for path in self.returned:
            if path not in self.held:
                raise InternalError(f"the output '{'.'.join(path)}' is no step of the network")
        return tuple(self.held[path] for path in self.returned) or (last,)

    def enter(self, names: Iterable[str], inputs: Iterable[V], path: Path) -> None:
        """Hold the inputs of the scope at `path` that steps go back to."""
        for name, value in zip(names, inputs, strict=True):
            if name in self.sources:
                self.held[(*path, name)] = value

    def sequence(self, items: Iterable[Trace], x: V, path: Path) -> V:
        for item in items:
            x = self.item(item, x, path)
        return x

    def item(self, item: Trace, x: V, path: Path) -> V:
        """The value of one trace in the scope at `path`, proved to have its shape."""
        if isinstance(item, FromTrace):
            return self.value(item.node.source, path)
        if isinstance(item, JoinTrace):
            at = child_path(path, item.node.name or item.node.kind.value)
            y = self.join(item, x, path)
        elif isinstance(item, ResidualTrace):
            at = child_path(path, item.node.name or "add")
            y = self.residual(item, x, path)
        else:
            at = child_path(path, item.name)
            y = self.several(item, x, path) if is_several(item.node) else self.child(item, x, at)
        found = self.shape(y)
        if found != item.y:
            where = ".".join(at)
            raise InternalError(f"{where} gives {show_shape(found)}, not {show_shape(item.y)}")
        self.record(at, y)
        if item.name in self.sources or at in self.kept:
            self.held[at] = y
        return y

    def value(self, source: str, path: Path) -> V:
        """What a step of the scope at `path` goes back to."""
        return self.held[child_path(path, source)]

    def several(self, item: Trace, x: V, path: Path) -> V:
        """A call of a block that takes values by their names, or gives several, turn by turn."""
        node, own = cast(Call, item.node), child_path(path, item.name)
        values = [self.value(source, path) for source in node.sources] or [x]
        for call in turns(item):
            place = own if call is item else (*own, call.name)
            instance = call.instance
            self.enter(instance.block.entering, values, place)
            last = self.sequence(instance.items, values[0], place)
            values = [self.value(output, place) for output in instance.block.outputs.values()]
            values = values or [last]
            if [self.shape(value) for value in values] != [*(instance.outputs or (instance.y,))]:
                raise InternalError(f"{'.'.join(place)} gives other shapes than it should")
        if node.outputs:
            for output, value in zip(node.outputs, values, strict=True):
                self.held[(*own, output)] = value
        return values[0]

    def child(self, item: OpTrace | CallTrace | GroupTrace, x: V, path: Path) -> V:
        if isinstance(item, CallTrace):
            self.enter(item.instance.block.entering, [x], path)
            return self.sequence(item.instance.items, x, path)
        if isinstance(item, GroupTrace):
            return self.sequence(item.items, x, path)
        return self.operation(item, x, path)

    def join(self, item: JoinTrace, x: V, path: Path) -> V:
        """All branches start from `x`, or from their shares of its channels."""
        count = len(item.branches)
        starts = self.shares(x, count) if item.node.split else [x] * count
        values = [self.sequence(b, s, path) for b, s in zip(item.branches, starts, strict=True)]
        return self.combine(item.node.kind, values)

    def residual(self, item: ResidualTrace, x: V, path: Path) -> V:
        """branch(pre(x)), to which the shortcut is added where there is one.

        The shortcut's steps start from x, or from pre(x) if they are tapped there; the identity
        starts from x always.
        """
        tapped = self.sequence(item.pre, x, path)
        carried = x
        if item.shortcut:
            carried = self.sequence(item.shortcut, tapped if item.node.tap_pre else x, path)
        y = self.sequence(item.branch, tapped, path)
        return y if item.shortcut is None else self.combine(JoinKind.ADD, [y, carried])


def _sources(network: Network) -> frozenset[str]:
    """The names of all steps that any scope goes back to, or that a block gives."""
    bodies = (network.body, *(block.body for block in network.blocks.values()))
    given = (block.outputs.values() for block in network.blocks.values())
    return frozenset().union(*map(sources, bodies), *given)
