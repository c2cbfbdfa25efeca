"""What elaboration yields: the network's structure again, with numbers and shapes in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, TypeAlias

from ..expr.dims import Number
from ..ops import Op, Shape
from ..record import record
from .nodes import Call, From, Group, Join, Layer, Node, Residual, Reuse, is_several
from .structure import Block, Network, Path, child_path, path_of
from .walk import walk

Env = Mapping[str, Number]
Decisions = Mapping[tuple[int, str], bool | None]
# The trace lists directly inside of a trace, in the order of execution. Those of a join stand in
# its own scope (`shares_scope`); what is inside of a call or a sequence has its name before it.
Parts: TypeAlias = "tuple[tuple[Trace, ...], ...]"


@record
class OpTrace:
    """An operation with numbers for attributes, from shape `x` to shape `y`."""

    name: str
    op: Op
    x: Shape
    y: Shape
    node: Layer
    again: Reuse | None = None
    parts: ClassVar[Parts] = ()
    shares_scope: ClassVar[bool] = False


@record
class CallTrace:
    """A block call, or one repetition of it, with the instance that it runs."""

    name: str
    instance: Instance
    x: Shape
    y: Shape
    node: Call
    again: Reuse | None = None
    shares_scope: ClassVar[bool] = False

    @property
    def parts(self) -> Parts:
        return (self.instance.items,)


@record
class GroupTrace:
    """A sequence: a group, the repetitions of a named call, or the turns of a step again."""

    name: str
    items: tuple[Trace, ...]
    x: Shape
    y: Shape
    node: Group | Call | Reuse
    again: Reuse | None = None
    shares_scope: ClassVar[bool] = False

    @property
    def parts(self) -> Parts:
        return (self.items,)


@record
class JoinTrace:
    """Branches from one input, brought together."""

    branches: Parts
    x: Shape
    y: Shape
    node: Join
    again: ClassVar[Reuse | None] = None
    shares_scope: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def parts(self) -> Parts:
        return self.branches

    @property
    def ends(self) -> list[Shape]:
        """What leaves the branches."""
        share = (self.x[0] // len(self.branches), *self.x[1:]) if self.node.split else self.x
        return [branch[-1].y if branch else share for branch in self.branches]


@record
class ResidualTrace:
    """`shortcut` is None where nothing is added, and empty where the identity is."""

    pre: tuple[Trace, ...]
    branch: tuple[Trace, ...]
    shortcut: tuple[Trace, ...] | None
    x: Shape
    y: Shape
    node: Residual
    again: ClassVar[Reuse | None] = None
    shares_scope: ClassVar[bool] = True

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def parts(self) -> Parts:
        return self.pre, self.shortcut or (), self.branch


@record
class FromTrace:
    """An earlier value, of shape `y`, in place of what comes in; it has no name here."""

    x: Shape
    y: Shape
    node: From
    name: ClassVar[str] = ""
    parts: ClassVar[Parts] = ()
    again: ClassVar[Reuse | None] = None
    shares_scope: ClassVar[bool] = True


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
    ends: Mapping[int, int] = field(default_factory=dict)  # node.id -> traces of its list so far
    outputs: tuple[Shape, ...] = ()  # of the values that it gives, where those are several


@dataclass(frozen=True, eq=False)
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
        shapes = {item.name: item.y for item in self.root.items}
        groups = (item for item in self.root.items if isinstance(item, GroupTrace))
        shapes |= {f"{group.name}.{item.name}": item.y for group in groups for item in group.items}
        several = (item for item in self.root.items if is_several(item.node))
        shapes |= {name: shape for item in several for name, shape in leaving(item).items()}
        return {name: shapes[name] for name in self.network.outputs}

    def flat(self) -> Iterator[tuple[Path, OpTrace]]:
        """Every operation at its path, in the order of execution."""
        for stage in self.stages:
            yield from flatten(stage)

    @cached_property
    def owners(self) -> Mapping[Path, Path]:
        """Where the weights of operations are that have those of others, by their paths."""
        bodies = (self.network.body, *(block.body for block in self.network.blocks.values()))
        if not any(isinstance(node, Reuse) for body in bodies for node in walk(body)):
            return {}
        return dict(_owners(self.root.items, (), ()))

    def owning(self) -> Iterator[tuple[Path, OpTrace]]:
        """Every operation at its path, but for those that have the weights of others."""
        return ((path, trace) for path, trace in self.flat() if path not in self.owners)


def turns(item: Trace) -> tuple[CallTrace, ...]:
    """The calls of a block that a trace stands for: one, or those of its repetitions."""
    found = item.items if isinstance(item, GroupTrace) else (item,)
    return tuple(one for one in found if isinstance(one, CallTrace))


def values(item: Trace) -> tuple[Shape, ...]:
    """The shapes that leave a trace: of a block that gives several values each, in order."""
    calls = turns(item)
    return (calls[-1].instance.outputs if calls else ()) or (item.y,)


def leaving(item: Trace) -> dict[str, Shape]:
    """The values that leave a call of a block that gives several, by name."""
    names = item.node.leaving if is_several(item.node) else ()
    return dict(zip(names, values(item), strict=True)) if names else {}


def walk_traces(
    items: Iterable[Trace],
    path: Path = (),
    enter: Callable[[Trace], bool] = lambda item: True,
) -> Iterator[tuple[Path, Trace]]:
    """Every trace with its path, outer ones first, in the order of execution.

    What is inside of a trace that `enter` refuses is passed over.
    """
    for item in items:
        inner = child_path(path, item.name)
        yield inner, item
        if item.parts and enter(item):
            for part in item.parts:
                yield from walk_traces(part, path if item.shares_scope else inner, enter)


def standing(item: Trace) -> Node:
    """The node that stands where a trace is: a `Reuse` where `item.node` is applied again."""
    return item.again or item.node


def is_again(item: Trace) -> bool:
    """Whether all weights of a trace are those of another step."""
    return isinstance(standing(item), Reuse)


def _own_name(item: Trace) -> Path:
    """What has the weights of a trace, in the scope of what has the weights around it."""
    if item.again is not None:
        return path_of(item.again.of)
    return () if isinstance(item.node, Reuse) else path_of(item.name)


def _owners(items: Iterable[Trace], path: Path, owner: Path) -> Iterator[tuple[Path, Path]]:
    for item in items:
        inner = child_path(path, item.name)
        own = (*owner, *_own_name(item))
        if isinstance(item, OpTrace) and own != inner:
            yield inner, own
        for part in item.parts:
            yield from _owners(part, *((path, owner) if item.shares_scope else (inner, own)))


def flatten(items: Iterable[Trace], path: Path = ()) -> Iterator[tuple[Path, OpTrace]]:
    """The operations alone."""
    return ((p, item) for p, item in walk_traces(items, path) if isinstance(item, OpTrace))


def is_call(item: Trace) -> bool:
    return isinstance(item, CallTrace)


def own_items(items: Iterable[Trace]) -> Iterator[Trace]:
    """Everything in an instance's own scope and groups, without entering calls."""
    return (item for _, item in walk_traces(items, enter=lambda item: not is_call(item)))
