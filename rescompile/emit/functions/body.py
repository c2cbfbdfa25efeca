"""Function bodies: layers applied one after the other, each named by its path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from ...expr.dims import Dim, Var, binary
from ...ir.structure import INDEX, Call, Child, Group, Layer, Node, Residual, Where, sources
from ...ops import Shape, show_shape
from ..label import Label
from ..layout import LINE_LENGTH, Code, statement
from ..lines import Line, Writer
from ..repetition import in_turn, uses_index
from ..schedule import Apply, Assign, Combine, Copy, Scheduler, Select, Split
from ..scope import COUNTERS, Scope
from .numbering import Numbering
from .sequence import Sequence
from .syntax import Functions


class Body(Writer):
    """Renders one definition; `shapes` tells what leaves a node, for comments."""

    def __init__(
        self, program: Functions, scope: Scope, shapes: Mapping[int, Shape] | None = None
    ) -> None:
        super().__init__()
        self.program, self.syntax, self.scope = program, program.syntax, scope
        self.shapes = shapes or {}
        self.numbering = Numbering(program.network.blocks)
        self.outputs: list[str] = []  # the variables of what the network returns
        self.entry = "x"  # what x is called until it gets its first value

    def assign(self, target: str, code: Code, comment: str = "") -> None:
        self.write(code, target, comment)

    def copy(self, target: str, source: str) -> None:
        """Make sure that `target` has the value of `source`."""
        if target != source:
            self.assign(target, source)

    def fold(self, place: int, condition: str) -> None:
        """Make `if` and `else` at `place` one expression where it fits, as ruff asks (SIM108)."""
        if len(self.lines) - place != 4:
            return
        _, first, _, second = self.lines[place:]
        if first.target and first.target == second.target:
            condition = f"({condition})" if " if " in condition else condition
            code = f"{statement(first.code)} if {condition} else {statement(second.code)}"
            whole = Line(code, first.target, self.indent)
            if whole.fits:
                self.lines[place:] = [whole]

    # -- module scopes ---------------------------------------------------------------------------

    def module(self, nodes: tuple[Node, ...], label: Label, outputs: tuple[str, ...] = ()) -> str:
        """A scope of named children; returns the variable of its last value.

        `outputs` are children whose values are returned; their variables are kept.
        """
        reserved = {*self.program.names.taken, *self.scope.taken, *COUNTERS}
        scheduler = Scheduler(kept=sources(nodes).union(outputs), reserved=reserved)
        result = scheduler.body(nodes, "x")
        self.scope.taken |= scheduler.used.difference(COUNTERS)
        for made in scheduler.statements:
            self.statement(made, label)
            if made.target == "x":
                self.entry = "x"
        self.outputs = [scheduler.held[name] for name in outputs]
        return result

    def read(self, variable: str) -> str:
        return self.entry if variable == "x" else variable

    def statement(self, made: Assign, label: Label) -> None:
        value = made.value
        if isinstance(value, Apply):
            self.child(value.node, made.target, self.read(value.source), label)
        elif isinstance(value, Copy):
            self.copy(made.target, self.read(value.source))
        elif isinstance(value, Split):
            self.assign(made.target, self.syntax.split(self.read(value.source), value.count))
        elif isinstance(value, Select):
            raw = self.read(value.otherwise)
            self.assign(made.target, raw)
            taken = value.node.when
            if value.node.where is Where.SHAPE_CHANGES:
                taken = binary("and", taken, self.changes(value.node, raw))
            with self.block(f"if {self.scope.dim(taken)}:"):
                self.child(value.step, made.target, self.read(value.source), label)
        else:
            self.combine(value, made.target, label)

    def changes(self, node: Residual, source: str) -> Dim:
        """The condition under which a residual's branch changes the shape."""
        change = self.program.analysis.changes[node.id]
        known = isinstance(change.entering, int) and isinstance(change.leaving, int)
        return change.condition(None if known else Var(self.syntax.channels.format(source)))

    def combine(self, value: Combine, target: str, label: Label) -> None:
        last = value.operands[0] if isinstance(value.operands[0], Apply) else None
        sources = (one.source if isinstance(one, Apply) else one for one in value.operands)
        operands = tuple(map(self.read, sources))
        joined = self.syntax.join(value.kind, operands, label.child(str(value.node.name)))
        if value.when is True:
            self.assign(target, joined, self.note(value.node))
            return
        self.copy(target, operands[0])
        with self.block(f"if {self.scope.dim(value.when)}:"):
            if last is not None and isinstance(last.node, Layer):
                self.layer(last.node, target, target, label.child(str(last.node.name)))
            self.assign(target, joined, self.note(value.node))

    def note(self, node: Node) -> str:
        """The shape that leaves a node, height x width x channels."""
        shape = self.shapes.get(node.id) if not self.scope.repeats else None
        return show_shape((*shape[1:], shape[0])) if shape else ""

    # -- one node --------------------------------------------------------------------------------

    def child(self, node: Child, target: str, source: str, label: Label) -> None:
        """`target` = node(`source`) for a child of a module scope."""
        named = label.child(str(node.name))
        if node.when is True:
            self.apply(node, target, source, named)
            return
        self.copy(target, source)
        with self.block(f"if {self.scope.dim(node.when)}:"):
            self.apply(node, target, target, named)

    def apply(self, node: Child, target: str, source: str, label: Label) -> None:
        """`target` = node(`source`), where the node is called `label`."""
        if isinstance(node, Group):
            self.copy(target, Sequence(self, label, target, source).run(node.body))
        elif isinstance(node, Call):
            self.call(node, target, source, label)
        else:
            self.layer(node, target, source, label)

    def layer(self, node: Layer, target: str, source: str, label: Label) -> None:
        made = self.syntax.layer(node, source, target, label, self.scope)
        if not made:
            self.copy(target, source)
            return
        *before, (last, note) = made
        for code, comment in before:
            if comment and len(str(Line(code, target, self.indent, comment))) > LINE_LENGTH:
                self.write(f"# {comment}")
                comment = ""
            self.assign(target, code, comment)
        self.assign(target, last, self.note(node) or note)

    def call(self, node: Call, target: str, source: str, label: Label, start: Dim = 0) -> None:
        """A block, once or several times. `start` is the number of the first in a sequence."""
        if node.repeat is not None and uses_index(node):
            self.repetitions(node, target, source, label, start)
            return
        first = self.scope.dim(start)
        if node.repeat is None:
            inner = self.program.block(node.block)
            given = self.program.given(self.scope, node)
        else:
            stage = self.program.stage(node)
            inner, given = stage.definition, stage.given(self.scope, node)
        self.assign(target, inner.call(source, given, label, first), self.note(node))

    def repetitions(self, node: Call, target: str, source: str, label: Label, start: Dim) -> None:
        """Repetitions whose arguments depend on their number."""
        inner = self.program.block(node.block)
        self.copy(target, source)
        note = self.note(node)
        with self.loop(self.scope, self.scope.dim(cast(Dim, node.repeat))):
            turn = in_turn(node, self.program.network.blocks[node.block])
            given = self.program.given(self.scope, turn)
            named = label.turn(node, Var(INDEX), self.scope, start=start)
            self.assign(target, inner.call(target, given, named), note)
