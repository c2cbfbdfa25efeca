"""Function bodies: layers and blocks applied to a variable, each named by its path."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from ...expr.dims import Dim, Var
from ...ir.structure import INDEX, Call, Layer, Node
from ...ops import Shape
from ..label import Label
from ..layout import LINE_LENGTH, statement
from ..lines import Line, Writer
from ..repetition import in_turn, uses_index
from ..scope import Scope
from .numbering import Numbering
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

    def copy(self, target: str, source: str) -> None:
        """Make sure that `target` has the value of `source`."""
        if target != source:
            self.write(source, target)

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

    def note(self, node: Node) -> str:
        """The shape that leaves a node."""
        return "" if self.scope.repeats else self.program.note(self.shapes.get(node.id))

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
            self.write(code, target, comment)
        self.write(last, target, self.note(node) or note)

    def call(self, node: Call, target: str, source: str, label: Label, start: Dim = 0) -> None:
        """A block, once or several times. `start` is the number of the first in a sequence."""
        if node.repeat is not None and uses_index(node):
            self.repetitions(node, target, source, label, start)
            return
        first = self.scope.dim(start)
        called, given = self.program.called(self.scope, node)
        self.write(called.call(source, given, label, first), target, self.note(node))

    def repetitions(self, node: Call, target: str, source: str, label: Label, start: Dim) -> None:
        """Repetitions whose arguments depend on their number."""
        inner = self.program.block(node.block)
        self.copy(target, source)
        note = self.note(node)
        with self.loop(self.scope, self.scope.dim(cast(Dim, node.repeat))):
            turn = in_turn(node, self.program.network.blocks[node.block])
            given = self.program.given(self.scope, turn)
            named = label.turn(node, Var(INDEX), self.scope, start=start)
            self.write(inner.call(target, given, named), target, note)
