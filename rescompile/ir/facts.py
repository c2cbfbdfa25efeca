"""What an emitter may rely on: facts that hold in every instance of a block.

`Facts` ties each node of a definition to the operations that it stands for in all instances, and to
the channels that enter it as an expression. `lint` proves that the two agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from ..errors import Diagnostic, InternalError, SpecError
from .expr import Dim, Expr, evaluate, names
from .structure import INDEX, Block, Layer
from .symbolic import RUNNING, Flow, Named, SymbolicError
from .trace import CallTrace, Elaborated, GroupTrace, Instance, OpTrace, Trace, parts


class Facts:
    """Facts about an elaborated network. Raises `SpecError` where channels cannot be expressed."""

    def __init__(self, elaborated: Elaborated) -> None:
        self.network = elaborated.network
        self.elaborated = elaborated
        self.traces: dict[int, list[OpTrace]] = {}
        self.calls: dict[int, list[CallTrace]] = {}
        for instance in all_instances(elaborated):
            for item in own_items(instance.items):
                if isinstance(item, OpTrace):
                    self.traces.setdefault(id(item.node), []).append(item)
                elif isinstance(item, CallTrace):
                    self.calls.setdefault(id(item.node), []).append(item)

    @cached_property
    def flows(self) -> dict[str, tuple[Flow, Dim]]:
        """For each block: what enters its nodes, and its output channels (lets not expanded)."""
        return {name: self._flow(block) for name, block in self.network.blocks.items()}

    @cached_property
    def root_flow(self) -> Flow:
        """What enters the nodes of the network's own scope."""
        block = self.elaborated.root.block
        return self._flow(replace(block, entering=self.network.input[0]))[0]

    def new_flow(self, lets: Named = ()) -> Flow:
        """For following channels through a part of the network by itself."""
        return Flow(self.network.blocks, self.area, lets)

    def _flow(self, block: Block) -> tuple[Flow, Dim]:
        flow = self.new_flow(block.lets)
        try:
            return flow, flow.body(block.body, block.entering)
        except SymbolicError as error:
            message = f"'{block.name}': {error}"
            help = "give the channels as a parameter of the block"
            raise SpecError([Diagnostic("E205", message, block.at, help=help)]) from None

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


def lint(facts: Facts) -> None:
    """Prove that symbolic channels equal the elaborated ones everywhere. Raises `InternalError`."""
    for name, found in facts.elaborated.instances.items():
        flow, _ = facts.flows[name]
        for instance in found:
            _lint_instance(flow, instance)
    _lint_instance(facts.root_flow, facts.elaborated.root)


def _lint_instance(flow: Flow, instance: Instance) -> None:
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
