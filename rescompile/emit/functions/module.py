"""Module scopes: children with names, and joins, in the order of the schedule."""

from __future__ import annotations

from ...expr.dims import Dim, Var, binary
from ...ir.choices import branches
from ...ir.nodes import Child, Layer, Residual, Where
from ...ir.structure import INPUT, Block, channel_names
from ...ir.walk import sources
from ..label import Label
from ..lines import Line
from ..schedule import Scheduler
from ..scope import COUNTERS, Scope
from ..statements import LANE, Apply, Assign, Combine, Copy, Part, Select, Several, Split
from .body import Sequence
from .sharing import Sharing
from .syntax import Functions


class Module(Sharing):
    """A body with one scope, which is called `label`."""

    def __init__(self, program: Functions, scope: Scope, label: Label, root: bool = False) -> None:
        super().__init__(program, scope, label, program.syntax.input if root else LANE)
        self.root = root
        self.inputs = {INPUT: LANE}
        self.begun: dict[int, Sequence] = {}  # groups of which parts are still to come, by id

    def run(self, block: Block) -> list[str]:
        """The variable with the last value of a block, or those of the values that it gives."""
        nodes, outputs = block.body, block.outputs.values()
        taps = self.program.taps if self.root else {}
        kept = sources(nodes).union(outputs)
        scheduler = Scheduler(
            kept=kept,
            called=block.called,
            reserved=self.reserved,
            taps=taps,
            inputs=self.inputs,
        )
        result = scheduler.run(nodes)
        self.scope.taken |= scheduler.used.difference(COUNTERS)
        self.held = {name: self.read(held) for name, held in scheduler.held.items()}
        self.plan(scheduler)
        for i, made in enumerate(scheduler.statements):
            if not self.applies(i, made):
                self.statement(made)
            if made.target == "x":
                self.entry = "x"
        return [scheduler.held[name] for name in outputs] or [self.read(result)]

    @property
    def reserved(self) -> set[str]:
        """What no variable here is called."""
        return {*self.program.names.taken, *self.scope.taken, *COUNTERS}

    def channels(self) -> list[Line]:
        """Variables for the channels of inputs, as far as the body asks for them."""
        called = channel_names(self.inputs)
        read = self.syntax.channels.format
        given = {called[name]: kept for name, kept in self.inputs.items()}
        return [
            Line(read(self.begin if kept == LANE else kept), name)
            for name, kept in given.items()
            if name in self.scope.used
        ]

    def statement(self, made: Assign) -> None:
        value, target = made.value, made.target
        if isinstance(value, Part):
            self.part(value, target)
        elif isinstance(value, Apply):
            self.choose(value.nodes, target, self.read(value.source))
        elif isinstance(value, Several):
            sources = tuple(map(self.read, value.sources))
            self.several(value.node, value.step, target, sources)
        elif isinstance(value, Copy):
            self.copy(target, self.read(value.source))
        elif isinstance(value, Split):
            self.write(self.syntax.split(self.read(value.source), value.count), target)
        elif isinstance(value, Select):
            raw = self.read(value.otherwise)
            self.write(raw, target)
            taken = value.node.when
            if value.node.where is Where.SHAPE_CHANGES:
                taken = binary("and", taken, self.changes(value.node, raw))
            with self.block(f"if {self.scope.dim(taken)}:"):
                self.child(value.step, target, self.read(value.source))
        else:
            self.combine(value, target)

    def changes(self, node: Residual, source: str) -> Dim:
        """The condition under which a residual's branch changes the shape."""
        change = self.program.analysis.changes[node.id]
        known = isinstance(change.entering, int) and isinstance(change.leaving, int)
        return change.condition(None if known else Var(self.syntax.channels.format(source)))

    def combine(self, value: Combine, target: str) -> None:
        last = value.operands[0] if isinstance(value.operands[0], Apply) else None
        sources = (one.source if isinstance(one, Apply) else one for one in value.operands)
        operands = tuple(map(self.read, sources))
        label = self.label.child(str(value.node.name))
        if value.when is True:
            joined = self.syntax.join(value.kind, operands, label)
            self.write(joined, target, self.note(value.node))
            return
        self.copy(target, operands[0])
        joined = self.syntax.join(value.kind, (target, *operands[1:]), label)
        with self.block(f"if {self.scope.dim(value.when)}:"):
            if last is not None and isinstance(last.node, Layer):
                self.layer(last.node, target, target, self.label.child(str(last.node.name)))
            self.write(joined, target, self.note(value.node))

    def part(self, value: Part, target: str) -> None:
        """Some members of a sequence; their numbers go on from one part to the next."""
        node = value.node
        named = self.label.child(str(node.name))
        sequence = self.begun.setdefault(node.id, Sequence(self, named, target, target))
        sequence.source = self.read(value.source)
        nodes, more = node.body[value.start : value.stop], value.stop < len(node.body)
        self.copy(target, sequence.run(nodes, more))

    def choose(self, nodes: tuple[Child, ...], target: str, source: str) -> None:
        """`target` is what one of some nodes makes of `source`, or that as it is."""
        if len(nodes) == 1:
            return self.child(nodes[0], target, source)
        heads = list(branches([node.when for node in nodes]))
        if heads[-1][0] != "else":
            self.copy(target, source)
            source = target
        place = len(self.lines)
        for node, (word, condition) in zip(nodes, heads, strict=True):
            if len(self.lines) == place:  # what came before does nothing
                word, condition = "if", node.when
            asked = "" if word == "else" else f" {self.scope.dim(condition)}"
            with self.block(f"{word}{asked}:"):
                self.apply(node, target, source, self.label.child(str(node.name)))
        if heads[-1][0] == "else":
            self.fold(place, self.scope.dim(nodes[0].when))
        return None
