"""What elaboration yields: the network's structure again, with numbers and shapes in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ..expr.dims import Number
from ..ops import Op, Shape
from ..record import record
from .structure import Block, Call, From, Group, Join, Layer, Network, Path, Residual

Env = Mapping[str, Number]
Decisions = Mapping[tuple[int, str], bool | None]


@record
class OpTrace:
    """An operation with numbers for attributes, from shape `x` to shape `y`."""

    name: str
    op: Op
    x: Shape
    y: Shape
    node: Layer


@record
class CallTrace:
    """A block call, or one repetition of it, with the instance that it runs."""

    name: str
    instance: Instance
    x: Shape
    y: Shape
    node: Call


@record
class GroupTrace:
    """A sequence: a group, or the repetitions of a named call."""

    name: str
    items: tuple[Trace, ...]
    x: Shape
    y: Shape
    node: Group | Call


@record
class JoinTrace:
    """Branches from one input, brought together."""

    branches: tuple[tuple[Trace, ...], ...]
    x: Shape
    y: Shape
    node: Join


@record
class ResidualTrace:
    """`shortcut` is None where nothing is added, and empty where the identity is."""

    pre: tuple[Trace, ...]
    branch: tuple[Trace, ...]
    shortcut: tuple[Trace, ...] | None
    x: Shape
    y: Shape
    node: Residual


@record
class FromTrace:
    """An earlier value, of shape `y`, in place of what comes in."""

    x: Shape
    y: Shape
    node: From


Trace = OpTrace | CallTrace | GroupTrace | JoinTrace | ResidualTrace | FromTrace


@dataclass(frozen=True, eq=False, slots=True)
class Instance:
    """A block under given arguments and input shape.

    `decisions` tells, for each node with a condition, whether it was taken (None: both, in a loop);
    a residual has two, "when" for the addition and "shortcut" for the shortcut's own steps.
    """

    block: Block
    env: Env
    x: Shape
    y: Shape
    items: tuple[Trace, ...]
    layers: int
    decisions: Decisions = field(default_factory=dict)
    shapes: Mapping[int, Shape] = field(default_factory=dict)  # node.id -> what leaves it
    end: int = 0  # for an inline block: the number of the caller's next child


@dataclass(frozen=True, eq=False, slots=True)
class Elaborated:
    """A network with all its instances. `stages` has, for each stage of the network, its traces."""

    network: Network
    stages: tuple[tuple[Trace, ...], ...]
    instances: Mapping[str, tuple[Instance, ...]]
    root: Instance
    output: Shape

    @property
    def outputs(self) -> dict[str, Shape]:
        """The shapes of the steps that the network returns, by name; none if it names no step."""
        shapes = {name_of(item): item.y for stage in self.stages for item in stage}
        return {name: shapes[name] for name in self.network.outputs}

    def flat(self) -> Iterator[tuple[Path, OpTrace]]:
        """Every operation at its path, in the order of execution."""
        for stage in self.stages:
            yield from flatten(stage)


def flatten(items: tuple[Trace, ...], path: Path = ()) -> Iterator[tuple[Path, OpTrace]]:
    for item in items:
        if isinstance(item, OpTrace):
            yield (*path, item.name), item
        elif isinstance(item, CallTrace):
            yield from flatten(item.instance.items, (*path, item.name))
        elif isinstance(item, GroupTrace):
            yield from flatten(item.items, (*path, item.name))
        else:
            for part in parts(item):
                yield from flatten(part, path)


def name_of(item: Trace) -> str:
    """The name of a trace in its scope; an earlier value has none here."""
    if isinstance(item, FromTrace):
        return ""
    return item.node.name if isinstance(item, (JoinTrace, ResidualTrace)) else item.name


def parts(item: JoinTrace | ResidualTrace | FromTrace) -> tuple[tuple[Trace, ...], ...]:
    """The trace lists inside a join, in the order of execution; they share its scope."""
    if isinstance(item, FromTrace):
        return ()
    if isinstance(item, JoinTrace):
        return item.branches
    return (item.pre, item.shortcut or (), item.branch)
