"""What an emitter may rely on: what holds in every instance of a block.

`Analysis` ties each node of a definition to the operations that it stands for in all instances, and
to the channels that enter it as an expression. `invariants` proves that the two agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ..errors import Diagnostic, SpecError
from ..expr.dims import Dim
from ..ops import BatchNorm
from .flow import Flow, Named, SymbolicError
from .nodes import Layer, Residual, Reuse
from .shape_changes import Change, Decision, find_change
from .structure import Block
from .taps import taps
from .trace import (
    CallTrace,
    Elaborated,
    Instance,
    JoinTrace,
    OpTrace,
    ResidualTrace,
    Trace,
    flatten,
    own_items,
    walk_traces,
)
from .walk import walk


@dataclass
class Shared:
    """A step that is applied more than once: by all its traces, and whether maps differ in size."""

    traces: list[Trace] = field(default_factory=list)
    resized: bool = False

    @property
    def updates(self) -> bool:
        """Whether training updates statistics in it, each time that it is applied."""
        inside = (op for item in self.traces[:1] for _, op in flatten([item]))
        return any(isinstance(trace.op, BatchNorm) for trace in inside)


class Analysis:
    """What is known of an elaborated network.

    Raises `SpecError` where channels cannot be expressed.
    """

    def __init__(self, elaborated: Elaborated) -> None:
        self.network = elaborated.network
        self.elaborated = elaborated
        self.taps = taps(elaborated)
        self.traces: dict[int, list[OpTrace]] = {}
        self.calls: dict[int, list[CallTrace]] = {}
        self.decided: dict[int, list[Decision]] = {}
        self.spreading: set[int] = set()  # joins that are larger than a branch of theirs
        for instance in all_instances(elaborated):
            for item in own_items(instance.items):
                if isinstance(item, OpTrace):
                    self.traces.setdefault(item.node.id, []).append(item)
                elif isinstance(item, JoinTrace):
                    if any(shape != item.y for shape in item.ends):
                        self.spreading.add(item.node.id)
                elif isinstance(item, CallTrace):
                    self.calls.setdefault(item.node.id, []).append(item)
                elif isinstance(item, ResidualTrace):
                    taken = instance.decisions.get((item.node.id, "shortcut"))
                    if taken is not None:
                        decision = Decision(instance.env, item.x, item.y, taken)
                        self.decided.setdefault(item.node.id, []).append(decision)

    @cached_property
    def shared(self) -> dict[int, Shared]:
        """The steps that are applied more than once with the same weights, by their ids."""
        found: dict[int, Shared] = {}
        for instance in all_instances(self.elaborated) if self.elaborated.owners else ():
            items = [item for _, item in walk_traces(instance.items, enter=_shares_scope)]
            for node in {item.node.id for item in items if item.again is not None}:
                uses = [item for item in items if item.node.id == node]
                known = found.setdefault(node, Shared())
                known.traces += uses
                known.resized |= len({item.x for item in uses}) > 1
        return found

    @cached_property
    def flows(self) -> dict[str, tuple[Flow, Dim]]:
        """For each block: what enters its nodes, and its output channels (lets not expanded)."""
        return {name: self._flow(block) for name, block in self.network.blocks.items()}

    @cached_property
    def root_flow(self) -> Flow:
        """What enters the nodes of the network's own scope."""
        return self._flow(self.elaborated.root.block)[0]

    @cached_property
    def changes(self) -> dict[int, Change]:
        """The conditions of shortcuts that some calls take and others do not, by their residuals.

        Raises `SpecError` where no expression tells the calls apart.
        """
        found: dict[int, Change] = {}
        root = self.elaborated.root.block
        flows = {name: flow for name, (flow, _) in self.flows.items()}
        scopes = [(root, self.root_flow), *((self.network.blocks[n], f) for n, f in flows.items())]
        for block, flow in scopes:
            for node in walk(block.body):
                decisions = self.decided.get(node.id, [])
                if isinstance(node, Residual) and len({one.taken for one in decisions}) > 1:
                    found[node.id] = find_change(node, flow, decisions)
        return found

    def new_flow(self, lets: Named = ()) -> Flow:
        """For following channels through a part of the network by itself."""
        return Flow(self.network.blocks, self.area, lets, taps=self.taps)

    def _flow(self, block: Block) -> tuple[Flow, Dim]:
        flow = self.new_flow(block.lets)
        try:
            return flow, flow.block(block)
        except SymbolicError as error:
            help = "give the channels after it by a parameter of the block: `channels: $width`, say"
            at = error.at or block.at
            raise SpecError([Diagnostic("E205", str(error), at, help=help)]) from None

    def ranks(self, node: Layer) -> set[int]:
        """The axes of the values that enter a layer: several numbers where its calls differ."""
        return {len(trace.x) for trace in self.traces.get(node.id, ())}

    def area(self, node: Layer) -> int:
        """The pixels of the map where a flatten stands. Raises `SpecError` if calls differ."""
        areas = {trace.y[0] // trace.x[0] for trace in self.traces.get(node.id, ())}
        if len(areas) > 1:
            raise SpecError(
                [
                    Diagnostic(
                        "E206",
                        "a flatten inside a block sees maps of different sizes",
                        node.at,
                        f"height x width is {' or '.join(str(a) for a in sorted(areas))}",
                        "use global_avg_pool, or flatten outside of the block",
                    )
                ]
            )
        return areas.pop() if areas else 1


def _shares_scope(item: Trace) -> bool:
    """Whether the steps in a trace are steps of the scope around it, or one of them again."""
    return item.shares_scope or isinstance(item.node, Reuse)


def all_instances(elaborated: Elaborated) -> Iterator[Instance]:
    """Every distinct instance, the network itself first."""
    yield elaborated.root
    for found in elaborated.instances.values():
        yield from found
