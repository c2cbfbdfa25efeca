"""The members of a sequence, numbered as they come.

Numbers are known while it is sure how many members come before. After a condition whose sides take
different numbers, and in a loop, they are counted by a variable of the emitted function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...expr.dims import Dim, Var, binary, negation
from ...expr.polynomial import total
from ...ir.structure import INDEX, Call, Child, Group, Layer, Loop, Node
from ..choices import Choice, choices
from ..label import Label

if TYPE_CHECKING:
    from .body import Body


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
        assert isinstance(node, (Layer, Group, Call)), "joins in sequences are hoisted"
        if isinstance(node, Call) and self.body.numbering.spliced(node):
            self.body.call(node, self.target, self.source, self.label, self.position)
        else:
            self.body.apply(node, self.target, self.source, self.named(node))
        self.offset = binary("+", self.offset, self.taken(node))
        self.source = self.target

    def taken(self, node: Node) -> Dim:
        """How many numbers a member takes."""
        numbering = self.body.numbering
        return numbering.consumed(node, self.scope.flow) if numbering.spliced(node) else 1

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
        own = isinstance(node, (Layer, Group, Call)) and node.when is True
        return own and not self.body.numbering.spliced(node)

    def settle(self) -> None:
        """Bring the variable that counts up to the present position."""
        if not self.counter:
            self.counter = self.scope.fresh("number")
            self.body.assign(self.counter, self.scope.dim(self.offset))
        elif self.offset != 0:
            self.body.write(f"{self.counter} += {self.scope.dim(self.offset)}")
        self.offset = 0
