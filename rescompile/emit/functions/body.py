"""Function bodies: layers, blocks and sequences applied to a variable, each named by its path.

The members of a sequence are numbered as they come. Numbers are known while it is sure how many
members come before. After a condition whose sides take different numbers, and in a loop, they are
counted by a variable of the emitted function.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard, cast

from ...expr.dims import Dim, Var, binary, negation
from ...expr.polynomial import total
from ...ir.choices import Choice, choices
from ...ir.counting import uses_index
from ...ir.nodes import Call, Child, Group, Layer, Loop, Node
from ...ir.structure import INDEX
from ...ops import Shape
from ..label import Label
from ..layout import line_length, statement
from ..lines import Line, Writer
from ..repetition import in_turn, spliced
from ..scope import Scope, beside
from .numbering import Numbering
from .syntax import Functions, Place


class Body(Writer):
    """Renders one definition; `shapes` tells what leaves a node, for comments."""

    def __init__(self, program: Functions, scope: Scope) -> None:
        super().__init__()
        self.program, self.syntax, self.scope = program, program.syntax, scope
        self.shapes: Mapping[int, Shape] = {}
        self.held: dict[str, str] = {}  # children -> the variables that keep their values
        self.numbering = Numbering(program.network.blocks)

    def copy(self, target: str, source: str) -> None:
        """Make sure that `target` has the value of `source`."""
        if target != source:
            self.write(source, target)

    def apart(self) -> None:
        """A blank line; a function does not begin with it."""
        self.lines.append(Line("", indent=0))

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

    def apply(self, node: Child, target: str, source: str, label: Label) -> None:
        """`target` = node(`source`), where the node is called `label`."""
        if isinstance(node, Group):
            self.copy(target, Sequence(self, label, target, source).run(node.body))
        elif isinstance(node, Call):
            self.call(node, target, source, label)
        else:
            self.layer(node, target, source, label)

    def layer(self, node: Layer, target: str, source: str, label: Label) -> None:
        node = beside(node, self.held)
        made = self.syntax.layer(Place(node, source, target, label, self.scope))
        if not made:
            self.copy(target, source)
            return
        *before, (last, note) = made
        for code, comment in before:
            if comment and len(str(Line(code, target, self.indent, comment))) > line_length():
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


class Sequence:
    """Renders a sequence called `label`. `counter` is the variable that counts, if there is one."""

    def __init__(
        self, body: Body, label: Label, target: str, source: str, counter: str = ""
    ) -> None:
        self.body, self.scope, self.label = body, body.scope, label
        self.target, self.source = target, source
        self.counter = counter
        self.offset: Dim = 0  # how many numbers were taken since the counter was brought up to date

    @property
    def position(self) -> Dim:
        """The number of the next member."""
        if not self.counter:
            return self.offset
        return binary("+", self.scope.variable(self.counter), self.offset)

    def run(self, nodes: tuple[Node, ...], more: bool = False) -> str:
        """Render the members; returns the variable with the result. `more` says others follow."""
        found = list(choices(nodes))
        for i, choice in enumerate(found):
            if choice.condition is not True:
                self.choose(choice, more or i < len(found) - 1)
                continue
            for node in choice.nodes:
                if isinstance(node, Loop):
                    self.loop(node)
                else:
                    self.member(node)
        return self.source

    def member(self, node: Node) -> None:
        """A member at the present position."""
        assert isinstance(node, Child), "joins in sequences are hoisted"
        if self.spliced(node):
            self.body.call(node, self.target, self.source, self.label, self.position)
        else:
            self.body.apply(node, self.target, self.source, self.named(node))
        self.offset = binary("+", self.offset, self.taken(node))
        self.source = self.target

    def taken(self, node: Node) -> Dim:
        """How many numbers a member takes."""
        spliced = self.spliced(node)
        return self.body.numbering.consumed(node, self.scope.flow) if spliced else 1

    def spliced(self, node: Node) -> TypeGuard[Call]:
        return spliced(node, self.body.program.network.blocks)

    def named(self, node: Child) -> Label:
        if node.name is not None:
            return self.label.child(node.name)
        return self.label.numbered(self.position, self.scope)

    def choose(self, choice: Choice, counts: bool) -> None:
        """Members under a condition: where more come, the numbers from here on may depend on it."""
        runs = (choice.nodes, choice.otherwise)
        taken, other = (total(map(self.taken, run)) for run in runs)
        varies = counts and taken != other
        if not choice.otherwise:
            self.body.copy(self.target, self.source)
            self.source = self.target
        if varies:
            self.settle()
        entry, start = self.source, self.offset
        place, condition = len(self.body.lines), self.scope.dim(choice.condition)
        for run, head in zip(runs, (f"if {condition}:", "else:"), strict=True):
            if run:
                if head == "else:" and len(self.body.lines) == place:  # the first run does nothing
                    head = f"if {self.scope.dim(negation(choice.condition))}:"
                self.source, self.offset = entry, start
                with self.body.block(head):
                    for node in run:
                        self.member(node)
                    if varies:
                        self.settle()
        self.body.fold(place, condition)
        self.source = self.target

    def loop(self, node: Loop) -> None:
        """Turns that take a number each are told by the loop's own counter."""
        self.body.copy(self.target, self.source)
        self.source = self.target
        count, start = self.scope.dim(node.count), self.offset
        if not self.counter and len(node.body) == 1 and self.single(node.body[0]):
            with self.body.loop(self.scope, count):
                self.offset = total((start, Var(INDEX)))
                self.run(node.body)
            self.offset = total((start, node.count))
            return
        self.settle()
        with self.body.loop(self.scope, count):
            self.run(node.body, more=True)
            self.settle()

    def single(self, node: Node) -> bool:
        """Whether a node is sure to take one number."""
        own = isinstance(node, Child) and node.when is True
        return own and not self.spliced(node)

    def settle(self) -> None:
        """Bring the variable that counts up to the present position."""
        if not self.counter:
            self.counter = self.scope.fresh("number")
            self.body.write(self.scope.dim(self.offset), self.counter)
        elif self.offset != 0:
            self.body.write(f"{self.counter} += {self.scope.dim(self.offset)}")
        self.offset = 0
