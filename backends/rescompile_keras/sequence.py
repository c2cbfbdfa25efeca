"""The members of a sequence, numbered as they come.

Numbers are known while it is sure how many members come before. After a condition whose sides take
different numbers, and in a loop, they are counted by a variable of the emitted function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rescompile.emit.choices import Choice, choices
from rescompile.expr.dims import Dim, Expr, Var, binary, negation
from rescompile.expr.polynomial import total
from rescompile.ir.structure import INDEX, Form, Group, Layer, Loop, Node
from rescompile.ir.structure import Call as BlockCall

from .file import consumed
from .view import Label, Line

if TYPE_CHECKING:
    from .body import Body


class Sequence:
    """Renders a sequence called `label`. `counter` is the variable that counts, if there is one."""

    def __init__(
        self, body: Body, label: Label, target: str, source: str, counter: str = ""
    ) -> None:
        self.body, self.label = body, label
        self.target, self.source = target, source
        self.counter = counter
        self.offset: Dim = 0  # how many numbers were taken since the counter was brought up to date

    @property
    def position(self) -> Dim:
        """The number of the next member."""
        if not self.counter:
            return self.offset
        return binary("+", self.body.scope.variable(self.counter), self.offset)

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
        assert isinstance(node, (Layer, Group, BlockCall)), "joins in sequences are hoisted"
        if self.spliced(node):
            assert isinstance(node, BlockCall)
            self.body.call(node, self.target, self.source, self.label, self.position)
        else:
            self.body.apply(node, self.target, self.source, self.named(node))
        self.offset = binary("+", self.offset, self.taken(node))
        self.source = self.target

    def taken(self, node: Node) -> Dim:
        """How many numbers a member takes."""
        return consumed(node, self.body.file, self.body.flow) if self.spliced(node) else 1

    def named(self, node: Layer | Group | BlockCall) -> Label:
        if node.name is not None:
            return self.label.child(node.name)
        shown = self.body.scope.dim(self.position)
        return self.label.child(f"{{{shown}}}" if isinstance(self.position, Expr) else shown)

    def spliced(self, node: Node) -> bool:
        """Whether a node is a call that adds several members to the sequence where it stands."""
        if not isinstance(node, BlockCall):
            return False
        inline = self.body.file.network.blocks[node.block].form is Form.INLINE
        return inline or (node.repeat is not None and node.name is None)

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
        place, condition = len(self.body.lines), self.body.scope.dim(choice.condition)
        for run, head in zip(runs, (f"if {condition}:", "else:"), strict=True):
            if run:
                if head == "else:" and len(self.body.lines) == place:  # the first run does nothing
                    head = f"if {self.body.scope.dim(negation(choice.condition))}:"
                self.source, self.offset = entry, start
                with self.body.block(head):
                    for node in run:
                        self.member(node)
                    if varies:
                        self.settle()
        self.body.fold(place, condition)
        self.source = self.target

    def loop(self, node: Loop) -> None:
        self.body.copy(self.target, self.source)
        self.source = self.target
        if not self.counter and len(node.body) == 1 and self.single(node.body[0]):
            self.turns(node)
            return
        self.settle()
        with self.body.loop(node.count):
            self.run(node.body, more=True)
            self.settle()

    def single(self, node: Node) -> bool:
        """Whether a node is sure to take one number."""
        own = isinstance(node, (Layer, Group, BlockCall)) and node.when is True
        return own and not self.spliced(node)

    def turns(self, node: Loop) -> None:
        """A loop whose turns take a number each: its own counter tells them."""
        start = self.offset
        with self.body.loop(node.count):
            self.offset = total((start, Var(INDEX)))
            self.run(node.body)
        self.offset = total((start, node.count))

    def settle(self) -> None:
        """Bring the variable that counts up to the present position."""
        if not self.counter:
            self.counter = self.body.fresh("number")
            self.body.assign(self.counter, self.body.scope.dim(self.offset))
        elif self.offset != 0:
            shown = self.body.scope.dim(self.offset)
            self.body.lines.append(Line(f"{self.counter} += {shown}", indent=self.body.indent))
        self.offset = 0
