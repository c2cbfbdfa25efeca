"""Sequences: one expression, or built step by step where that is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...expr.dims import Dim, Var
from ...ir.choices import choices
from ...ir.counting import uses_index
from ...ir.flow import RUNNING
from ...ir.nodes import Call, Child, Group, Layer, Loop, Node
from ...ir.structure import IN_CHANNELS, INDEX
from ...ops import Shape
from ..code import uses
from ..label import Label
from ..layout import Arg, Code, Commented, Items
from ..layout import Call as Made
from ..lines import RETURN, Line, Writer
from ..repetition import by_turn, in_turn, spliced
from ..scope import Scope
from .syntax import Classes

Body = tuple[Node, ...]


class Sequences:
    """Renders groups and calls of one definition; statements go to `lines`."""

    def __init__(self, program: Classes, scope: Scope, lines: Writer, root: bool = False) -> None:
        self.program, self.syntax = program, program.syntax
        self.scope, self.lines, self.root = scope, lines, root

    # -- one module ------------------------------------------------------------------------------

    def one(self, node: Group | Call) -> Code | None:
        """A group or call as one expression, or None where statements are needed."""
        if isinstance(node, Group):
            stage = _only_stage(node)
            if stage is not None:
                return self.one(stage)
            body = self.audible(node.body)
            members = self.leading(body)
            return self.sequence(members) if len(members) == len(body) else None
        if node.repeat is not None and uses_index(node):
            return None
        called, given = self.program.called(self.scope, node)
        return called.call(given)

    def audible(self, body: Body) -> Body:
        """The nodes that are something here."""
        silent = self.syntax.silent
        return tuple(n for n in body if not (isinstance(n, Layer) and isinstance(n.op, silent)))

    def sequence(self, members: tuple[Arg, ...] = ()) -> Made:
        return Made(self.syntax.sequence, members, explode=len(members) > 1)

    def leading(self, body: Body) -> tuple[Arg, ...]:
        """The first members of a sequence as arguments, as far as each is one without a name."""
        made: list[Arg] = []
        for i, node in enumerate(body):
            code = self.member(node, body[i - 1] if i else None)
            if code is None:
                break
            note = self.note(node)
            shown = isinstance(code, Made) and any(isinstance(a, Commented) for a in code.args)
            made.append(Commented(code, note) if note and not shown else code)
        return tuple(made)

    def member(self, node: Node, before: Node | None) -> Code | None:
        """A member without a condition, and without a name that it keeps, as one expression."""
        if not isinstance(node, Child) or self.keeps_name(node) or node.when is not True:
            return None
        if isinstance(node, Layer):
            return self.layer(node, before)
        if self.joins_by_name(node):
            return None
        code = self.one(node)
        if code is None or not spliced(node, self.program.network.blocks):
            return code
        assert isinstance(code, Made)
        return self.several(node, Made(f"*{code.func}", code.args))

    def keeps_name(self, node: Child) -> bool:
        return node.name is not None and self.syntax.named

    def joins_by_name(self, node: Child) -> bool:
        """Whether repetitions with names join a sequence of others: `*` would number them."""
        named = isinstance(node, Call) and node.repeat is not None and node.children != "{i}"
        return named and node.name is None and self.syntax.named

    def several(self, node: Call, made: Code) -> Code:
        """What a call makes as a list of members: a stage's function makes a sequence of them."""
        called, _ = self.program.called(self.scope, node)
        return self.syntax.listed(made) if called.returns == self.syntax.sequence else made

    def layer(self, node: Layer, before: Node | None) -> Code:
        in_place = node.op.in_place and isinstance(before, Layer) and before.op.fresh
        in_place &= before is None or before.id not in self.program.tapped
        return self.syntax.in_sequence(node, self.syntax.layer(node, self.scope, in_place))

    def note(self, node: Node) -> str:
        """What leaves a member of a sequence of the network's own, where it is worth a comment."""
        shape: Shape | None = None
        if self.root and isinstance(node, Layer):
            trace, *more = self.program.analysis.traces[node.id]
            if trace.y[1:] != trace.x[1:] and not more:  # in a loop there are several
                shape = trace.y
        elif self.root:
            shape = self.program.analysis.elaborated.root.shapes.get(node.id)
        return self.program.note(shape)

    # -- statements ------------------------------------------------------------------------------

    def assign(self, target: str, node: Child, code: Code | None = None) -> None:
        """Give `target` the module of a node, which may be made already."""
        code = self.one(node) if code is None and not isinstance(node, Layer) else code
        if code is not None:
            self.lines.write(code, target)
        elif isinstance(node, Group):
            body = self.audible(node.body)
            members = self.leading(body)
            self.lines.write(self.sequence(members), target)
            self.fill(self.syntax.members(target), body, len(members))
        else:
            assert isinstance(node, Call)
            self.lines.write(self.sequence(), target)
            self.repetitions(self.syntax.members(target), node)

    def fill(self, target: str, body: Body, start: int = 0) -> None:
        """Append the members of a sequence from `start` on to `target`."""
        before = body[start - 1] if start else None  # the member that is sure to come before
        for choice in choices(body[start:]):
            if choice.condition is True:
                self.run(target, choice.nodes, before)
                before = choice.nodes[-1]
                continue
            with self.lines.block(f"if {self.scope.dim(choice.condition)}:"):
                self.run(target, choice.nodes, before)
            with self.lines.block("else:"):
                self.run(target, choice.otherwise, before)
            before = None

    def run(self, target: str, nodes: Body, before: Node | None) -> None:
        for node in nodes:
            if isinstance(node, Loop):
                self.loop(target, node)
            elif isinstance(node, Layer):
                self.append(target, self.layer(node, before), node)
            else:
                assert isinstance(node, (Group, Call))
                self.appended(target, node)
            before = node

    def appended(self, target: str, node: Group | Call) -> None:
        code = None if self.joins_by_name(node) else self.one(node)
        if code is None and isinstance(node, Call) and node.name is None:
            self.repetitions(target, node)
        elif code is None:
            local = self.scope.fresh(str(node.name or "members"))
            self.assign(local, node)
            self.append(target, local, node)
            self.scope.taken.remove(local)
        elif spliced(node, self.program.network.blocks):
            several = self.several(node, code)
            self.lines.write(self.syntax.extend(target, several), comment=self.note(node))
        else:
            self.append(target, code, node)

    def append(self, target: str, code: Code, node: Child) -> None:
        name = Label(str(node.name)).code() if self.keeps_name(node) else ""
        note = "" if isinstance(code, str) else self.note(node)
        self.lines.write(self.syntax.append(target, code, name), comment=note)

    # -- loops -----------------------------------------------------------------------------------

    def loop(self, target: str, node: Loop) -> None:
        entering = self.scope.flow.entering[node.body[0].id]
        runs = entering == Var(RUNNING)  # the channels change from one turn to the next
        leaving = self.program.analysis.new_flow().body(node.body, Var(RUNNING))
        with self.turns(node, node.count, leaving if runs else None):
            self.fill(target, self.audible(node.body))

    def repetitions(self, target: str, node: Call) -> None:
        """Repetitions whose arguments depend on their number."""
        assert node.repeat is not None
        block, inner = self.program.network.blocks[node.block], self.program.block(node.block)
        flow, runs = self.program.analysis.new_flow(), inner.takes(IN_CHANNELS)
        first, rest = (flow.once(node, block, Var(RUNNING), first=f) for f in (True, False))
        with self.turns(node, node.repeat, by_turn(first, rest) if runs else None) as width:
            given = self.program.given(self.scope, in_turn(node, block), width)
            name = Label().turn(node, Var(INDEX), self.scope)
            code = name.code() if node.children != "{i}" and self.syntax.named else ""
            self.lines.write(self.syntax.append(target, inner.call(given), code))

    @contextmanager
    def turns(self, node: Loop | Call, count: Dim, leaving: Dim | None) -> Iterator[str]:
        """A loop; gives a variable for the channels that run through it, if some are `leaving`."""
        turns, place = self.scope.dim(count), len(self.lines.lines)
        if leaving is None:
            with self.lines.loop(self.scope, turns):
                yield ""
            return
        start = self.scope.entering(node)
        with self.scope.bound(RUNNING, "width") as width, self.lines.loop(self.scope, turns):
            yield width
            asked = uses(map(str, self.lines.lines[place + 1 :]), width)
            if asked and leaving != Var(RUNNING):
                self.lines.write(self.scope.dim(leaving), width)
        if asked:
            self.lines.lines.insert(place, Line(start, width, self.lines.indent))

    # -- whole definitions -----------------------------------------------------------------------

    def constructor(self, body: Body) -> None:
        """The `__init__` of a subclass of the sequence."""
        body = self.audible(body)
        members = self.leading(body)
        self.lines.write(Made("super().__init__", members, explode=len(members) > 1))
        self.fill(self.syntax.members("self"), body, len(members))

    def function(self, body: Body) -> None:
        """The body of a function that returns the members as a list."""
        body = self.audible(body)
        members = self.leading(body)
        layers = self.scope.fresh("layers")
        made = Items("[", "]", members, explode=len(members) > 1)
        self.lines.write(made, f"{layers}: list[{self.syntax.part}]")
        self.fill(layers, body, len(members))
        self.lines.write(layers, RETURN)


def _only_stage(node: Group) -> Call | None:
    """The call whose repetitions are all that a sequence holds: its stage is the sequence."""
    (only, *more) = node.body or (None,)
    if more or not isinstance(only, Call) or only.repeat is None or only.name is not None:
        return None
    return None if only.when is not True or uses_index(only) else only
