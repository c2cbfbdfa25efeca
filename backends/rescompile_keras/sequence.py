"""The members of a sequence, numbered as they come.

Numbers are known while every member is there for sure. After a condition, and in a loop, they are
counted by a variable of the emitted function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rescompile.ir.expr import Dim, Expr, Var, binary
from rescompile.ir.structure import Call as BlockCall
from rescompile.ir.structure import Form, Group, Layer, Loop, Node

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
        return binary("+", Var(self.counter), self.offset) if self.counter else self.offset

    def run(self, nodes: tuple[Node, ...], more: bool = False) -> str:
        """Render the members; returns the variable with the result. `more` says others follow."""
        for i, node in enumerate(nodes):
            counts = more or i < len(nodes) - 1
            if isinstance(node, Loop):
                self.loop(node)
            elif _condition(node) is not True:
                self.sometimes(node, counts)
            else:
                self.offset = binary("+", self.offset, self.member(node))
        return self.source

    def member(self, node: Node) -> Dim:
        """A member at the present position; returns how many numbers it takes."""
        body = self.body
        taken: Dim = 1
        if isinstance(node, BlockCall) and self.spliced(node):
            body.call(node, self.target, self.source, self.label, self.position)
            taken = consumed(node, body.file, body.flow)
        else:
            assert isinstance(node, (Layer, Group, BlockCall)), "joins in sequences are hoisted"
            body.apply(node, self.target, self.source, self.named(node))
        self.source = self.target
        return taken

    def named(self, node: Layer | Group | BlockCall) -> Label:
        if node.name is not None:
            return self.label.child(node.name)
        shown = self.body.scope.dim(self.position)
        return self.label.child(f"{{{shown}}}" if isinstance(self.position, Expr) else shown)

    def spliced(self, node: BlockCall) -> bool:
        """Whether a call adds several members to the sequence that it stands in."""
        inline = self.body.file.network.blocks[node.block].form is Form.INLINE
        return inline or (node.repeat is not None and node.name is None)

    def sometimes(self, node: Node, counts: bool) -> None:
        """A member under a condition: from here on the numbers depend on it."""
        self.body.copy(self.target, self.source)
        self.source = self.target
        if counts:
            self.settle()
        with self.body.block(f"if {self.body.scope.dim(_condition(node))}:"):
            taken = self.member(node)
            if counts:
                self.advance(taken)

    def loop(self, node: Loop) -> None:
        self.body.copy(self.target, self.source)
        self.source = self.target
        self.settle()
        with self.body.loop(node.count):
            self.run(node.body, more=True)
            self.settle()

    def settle(self) -> None:
        """Bring the variable that counts up to the present position."""
        if not self.counter:
            self.counter = self.body.fresh("number")
            self.body.assign(self.counter, self.body.scope.dim(self.offset))
        elif self.offset != 0:
            self.advance(self.offset)
        self.offset = 0

    def advance(self, step: Dim) -> None:
        shown = self.body.scope.dim(step)
        self.body.lines.append(Line(f"{self.counter} += {shown}", indent=self.body.indent))


def _condition(node: Node) -> Dim:
    return node.when if isinstance(node, (Layer, Group, BlockCall)) else True
