"""What an emitter may rely on: facts that hold in every instance of a block.

`Facts` ties each node of a definition to the operations that it stands for in all instances, and to
the channels that enter it as an expression. `lint` proves that the two agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from ..errors import Diagnostic, InternalError, SpecError
from .changes import Change, Decision, find_change
from .expr import Dim, Expr, evaluate, names
from .structure import INDEX, Block, Call, Group, Layer, Residual, Where, walk
from .symbolic import RUNNING, Flow, Named, SymbolicError
from .trace import (
    CallTrace,
    Elaborated,
    GroupTrace,
    Instance,
    OpTrace,
    ResidualTrace,
    Trace,
    flatten,
    parts,
)


class Facts:
    """Facts about an elaborated network. Raises `SpecError` where channels cannot be expressed."""

    def __init__(self, elaborated: Elaborated) -> None:
        self.network = elaborated.network
        self.elaborated = elaborated
        self.traces: dict[int, list[OpTrace]] = {}
        self.calls: dict[int, list[CallTrace]] = {}
        self.decided: dict[int, list[Decision]] = {}
        for instance in all_instances(elaborated):
            for item in own_items(instance.items):
                if isinstance(item, OpTrace):
                    self.traces.setdefault(id(item.node), []).append(item)
                elif isinstance(item, CallTrace):
                    self.calls.setdefault(id(item.node), []).append(item)
                elif isinstance(item, ResidualTrace):
                    taken = instance.decisions.get((id(item.node), "shortcut"))
                    if taken is not None:
                        decision = Decision(instance.env, item.x, item.y, taken)
                        self.decided.setdefault(id(item.node), []).append(decision)

    @cached_property
    def flows(self) -> dict[str, tuple[Flow, Dim]]:
        """For each block: what enters its nodes, and its output channels (lets not expanded)."""
        return {name: self._flow(block) for name, block in self.network.blocks.items()}

    @cached_property
    def root_flow(self) -> Flow:
        """What enters the nodes of the network's own scope."""
        block = self.elaborated.root.block
        return self._flow(replace(block, entering=self.network.input[0]))[0]

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
                decisions = self.decided.get(id(node), [])
                if isinstance(node, Residual) and len({one.taken for one in decisions}) > 1:
                    found[id(node)] = find_change(node, flow, decisions)
        return found

    def new_flow(self, lets: Named = ()) -> Flow:
        """For following channels through a part of the network by itself."""
        return Flow(self.network.blocks, self.area, lets)

    def _flow(self, block: Block) -> tuple[Flow, Dim]:
        flow = self.new_flow(block.lets)
        try:
            return flow, flow.body(block.body, block.entering)
        except SymbolicError as error:
            help = "give the channels after it by a parameter of the block: `channels: $width`, say"
            at = error.at or block.at
            raise SpecError([Diagnostic("E205", str(error), at, help=help)]) from None

    def area(self, node: Layer) -> int:
        """Height x width where a flatten stands. Raises `SpecError` if calls differ in it."""
        areas = {trace.y[0] // trace.x[0] for trace in self.traces.get(id(node), ())}
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


def all_instances(elaborated: Elaborated) -> Iterator[Instance]:
    """Every distinct instance, the network itself first."""
    yield elaborated.root
    for found in elaborated.instances.values():
        yield from found


def own_items(items: tuple[Trace, ...]) -> Iterator[Trace]:
    """Everything in an instance's own scope and groups, without entering calls."""
    for item in items:
        yield item
        if isinstance(item, GroupTrace):
            yield from own_items(item.items)
        elif not isinstance(item, (OpTrace, CallTrace)):
            for part in parts(item):
                yield from own_items(part)


def lint(facts: Facts, lowered: Elaborated | None = None) -> None:
    """Prove that what is symbolic equals what was elaborated, on every call.

    Channels, conditions, and where shortcuts are taken; and that the network is the one that was
    `lowered` from the spec, before folding. Raises `InternalError`, and `SpecError` where no
    expression says what the calls of a block decide.
    """
    for instance in all_instances(facts.elaborated):
        is_root = instance is facts.elaborated.root
        flow = facts.root_flow if is_root else facts.flows[instance.block.name][0]
        _lint_channels(flow, instance)
        _lint_conditions(facts, instance)
    if lowered is not None:
        _lint_folding(lowered, facts.elaborated)


def _lint_channels(flow: Flow, instance: Instance) -> None:
    seen: set[int] = set()
    for item in own_items(instance.items):
        node = item.node
        if not isinstance(item, (OpTrace, CallTrace)) or id(node) in seen:
            continue
        seen.add(id(node))
        if id(node) not in flow.entering:
            continue  # spliced in by an inline call: the inline block's own instance is checked
        entering = flow.entering[id(node)]
        if isinstance(entering, Expr) and names(entering) & {INDEX, RUNNING}:
            continue
        if evaluate(entering, instance.env) != item.x[0]:
            raise InternalError(
                f"block '{instance.block.name}': {entering} enters '{item.name}', "
                f"but {item.x[0]} channels do"
            )


def _lint_conditions(facts: Facts, instance: Instance) -> None:
    """Each `when`, and each condition of a shortcut, against what was decided."""
    for node in walk(instance.block.body):
        if not isinstance(node, (Layer, Group, Call, Residual)):
            continue
        conditions = {"when": node.when}
        if isinstance(node, Residual) and id(node) in facts.changes:
            conditions["shortcut"] = facts.changes[id(node)].condition()
        elif isinstance(node, Residual) and node.where is Where.ALWAYS:
            conditions["shortcut"] = bool(node.shortcut)
        for what, dim in conditions.items():
            decided = instance.decisions.get((id(node), what))
            if decided is None or names(dim) & {INDEX, RUNNING}:
                continue  # never asked, or in the turns of a loop, each by its number
            if bool(evaluate(dim, instance.env)) is not decided:
                raise InternalError(
                    f"block '{instance.block.name}': whether {dim} holds was decided otherwise"
                )


def _lint_folding(lowered: Elaborated, folded: Elaborated) -> None:
    def told(elaborated: Elaborated) -> list[tuple[object, ...]]:
        steps = flatten(elaborated.root.items)
        return [(path, trace.op, trace.x, trace.y) for path, trace in steps]

    if told(lowered) != told(folded):
        raise InternalError(f"folding changes the network '{folded.network.name}'")
