"""Module scopes: children with names, and joins, in the order of the schedule."""

from __future__ import annotations

from ...expr.dims import Dim, Var, binary
from ...ir.structure import Child, Layer, Node, Residual, Where, sources
from ..label import Label
from ..schedule import Apply, Assign, Combine, Copy, Scheduler, Select, Split
from ..scope import COUNTERS
from .body import Body
from .sequence import apply


class Module:
    """Renders the scope called `label` into a body.

    `entry` is what x is called until it gets its first value; `outputs` are children whose values
    are returned: their variables are kept.
    """

    def __init__(
        self, body: Body, label: Label, entry: str = "x", outputs: tuple[str, ...] = ()
    ) -> None:
        self.body, self.scope, self.syntax = body, body.scope, body.syntax
        self.label, self.entry, self.outputs = label, entry, outputs

    def run(self, nodes: tuple[Node, ...]) -> list[str]:
        """The variables with the results."""
        reserved = {*self.body.program.names.taken, *self.scope.taken, *COUNTERS}
        scheduler = Scheduler(kept=sources(nodes).union(self.outputs), reserved=reserved)
        result = scheduler.body(nodes, "x")
        self.scope.taken |= scheduler.used.difference(COUNTERS)
        for made in scheduler.statements:
            self.statement(made)
            if made.target == "x":
                self.entry = "x"
        return [scheduler.held[name] for name in self.outputs] or [self.read(result)]

    def read(self, variable: str) -> str:
        return self.entry if variable == "x" else variable

    def statement(self, made: Assign) -> None:
        value, target = made.value, made.target
        if isinstance(value, Apply):
            self.child(value.node, target, self.read(value.source))
        elif isinstance(value, Copy):
            self.body.copy(target, self.read(value.source))
        elif isinstance(value, Split):
            self.body.write(self.syntax.split(self.read(value.source), value.count), target)
        elif isinstance(value, Select):
            raw = self.read(value.otherwise)
            self.body.write(raw, target)
            taken = value.node.when
            if value.node.where is Where.SHAPE_CHANGES:
                taken = binary("and", taken, self.changes(value.node, raw))
            with self.body.block(f"if {self.scope.dim(taken)}:"):
                self.child(value.step, target, self.read(value.source))
        else:
            self.combine(value, target)

    def changes(self, node: Residual, source: str) -> Dim:
        """The condition under which a residual's branch changes the shape."""
        change = self.body.program.analysis.changes[node.id]
        known = isinstance(change.entering, int) and isinstance(change.leaving, int)
        return change.condition(None if known else Var(self.syntax.channels.format(source)))

    def combine(self, value: Combine, target: str) -> None:
        last = value.operands[0] if isinstance(value.operands[0], Apply) else None
        sources = (one.source if isinstance(one, Apply) else one for one in value.operands)
        operands = tuple(map(self.read, sources))
        joined = self.syntax.join(value.kind, operands, self.label.child(str(value.node.name)))
        if value.when is True:
            self.body.write(joined, target, self.body.note(value.node))
            return
        self.body.copy(target, operands[0])
        with self.body.block(f"if {self.scope.dim(value.when)}:"):
            if last is not None and isinstance(last.node, Layer):
                self.body.layer(last.node, target, target, self.label.child(str(last.node.name)))
            self.body.write(joined, target, self.body.note(value.node))

    def child(self, node: Child, target: str, source: str) -> None:
        """`target` = node(`source`)."""
        named = self.label.child(str(node.name))
        if node.when is True:
            apply(self.body, node, target, source, named)
            return
        self.body.copy(target, source)
        with self.body.block(f"if {self.scope.dim(node.when)}:"):
            apply(self.body, node, target, target, named)
