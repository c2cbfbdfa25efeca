"""The forward pass of a class: statements from the schedule, light calls folded into one line."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext

from ...ir.nodes import Child, Group, JoinKind, Layer, is_several
from ...ir.structure import Block
from ...ir.trace import GroupTrace, OpTrace, standing, values
from ...ir.walk import channels_last, sources
from ..layout import Call, Chain, Code, statement
from ..lines import RETURN, Line, Writer
from ..naming import attribute
from ..schedule import Scheduler, variables
from ..scope import beside
from ..statements import Apply, Assign, Combine, Copy, Operand, Part, Select, Several, Split
from .in_place import overwriting
from .syntax import Classes

# Calls that one line holds at most: a convolution, its norm, its activation, and what drops it.
# More of them would have to be read from the inside out.
MAX_FOLDED = 4
MEMBER = "layer"  # what a loop calls the members of a sequence

Flags = dict[tuple[int, str], str]  # by a node and what is asked, as in `Instance.decisions`


class Forward(Writer):
    """The schedule of one class, and its lines once the members have names."""

    def __init__(self, program: Classes, block: Block, root: bool) -> None:
        super().__init__(8)
        self.program, self.syntax, body = program, program.syntax, block.body
        kept = sources(body).union(block.outputs.values())
        taps = program.taps if root else {}
        loops = taps or any(is_several(node) and node.repeat is not None for node in body)
        reserved = self.syntax.meanings.union([MEMBER] if loops else [])
        self.inputs = variables(block.entering, kept, reserved)
        scheduler = Scheduler(
            inline=True,
            kept=kept,
            called=block.called,
            reserved=reserved,
            taps=taps,
            inputs=self.inputs,
        )
        self.result = scheduler.run(body)
        given = (scheduler.held[value] for value in block.outputs.values())
        self.outputs = [*given] or [self.result]
        self.statements, self.held = scheduler.statements, scheduler.held
        blocks, spreading = program.network.blocks, program.analysis.spreading
        found = overwriting(self.statements, blocks, spreading)
        self.in_place = found if self.syntax.overwrites else set[int]()
        self.shapes = program.analysis.elaborated.root.shapes if root else {}
        self.permuted = channels_last(body)
        items = program.analysis.elaborated.root.items if root else ()
        self.leaving = {standing(item).id: values(item) for item in items if is_several(item.node)}

    def render(self, members: Mapping[int, str], flags: Flags) -> tuple[str, ...]:
        """The lines; `members` are the attributes of nodes."""
        self.members, self.flags = members, flags
        calls = 0  # in the last line
        for made in self.statements:
            if isinstance(made.value, Part):
                calls = 0
                self.part(made.value, made.target)
                continue
            if isinstance(made.value, Several):
                calls = int(made.value.node.repeat is None)
                self.several(made.value, made.target)
                continue
            if isinstance(made.value, Apply) and self.turns(made.value, made.target):
                calls = 0
                continue
            folded = self.folded(made) if 0 < calls < MAX_FOLDED else None
            if isinstance(made.value, Combine) and made.value.node.id in self.in_place:
                calls = 0
                self.add_in_place(made.value, made.target, self.note(made))
            elif folded is None:
                if self.is_silent(made):
                    continue
                calls = 1
                self.write(self.value(made.value), made.target, self.note(made))
            else:
                calls += 1
                self.lines[-1] = Line(folded, made.target, self.indent, self.note(made))
        last = self.lines[-1] if self.lines else None
        if last and calls:
            self.give(self.outputs)
        else:
            self.write(", ".join(self.outputs), RETURN)
        return tuple(map(str, self.lines))

    def part(self, value: Part, target: str) -> None:
        """Some members of a sequence, one after the other: a slice of it would be no child."""
        member = self.syntax.numbered(f"self.{attribute(self.members[value.node.id])}")
        first = self.position(value.node, value.first)
        last = None if value.last is None else self.position(value.node, value.last)
        if last == first + 1:
            self.write(self.syntax.call(f"{member}[{first}]", value.source), target)
            return
        if value.source != target:
            self.write(value.source, target)
        with self.block(f"for {MEMBER} in {member}[{first or ''}:{last or ''}]:"):
            self.write(self.syntax.call(MEMBER, target), target)

    def several(self, value: Several, target: str) -> None:
        """A member that is given variables, or each of some members in turn."""
        member = f"self.{attribute(self.members[value.node.id])}"
        if value.node.repeat is None:
            shapes = self.leaving.get(value.step.id, ())
            notes = (self.program.note(shape) for shape in shapes)
            self.unpack(self.syntax.call(member, *value.sources), target, notes)
            return
        targets = tuple(target.split(", "))
        if value.sources != targets:
            self.write(", ".join(value.sources), target)
        with self.block(f"for {MEMBER} in {self.syntax.members(member)}:"):
            self.write(self.syntax.call(MEMBER, *targets), target)

    def turns(self, value: Apply, target: str) -> bool:
        """A step that is applied again several times, if this is one."""
        again = value.again
        if again is None or again.once:
            return False
        count = self.flags.get((again.id, "repeat"))
        if value.source != target:
            self.write(value.source, target)
        with self.block(f"for _ in range({f'self.{count}' if count else again.repeat}):"):
            self.write(self.apply(value.node, target), target)
        return True

    def position(self, node: Group, members: int) -> int:
        """How many members of a group's sequence come first, of so many that the spec has."""
        items = self.program.analysis.elaborated.root.items
        group = next(i for i in items if isinstance(i, GroupTrace) and i.node.id == node.id)
        ops = (i.op for i in group.items[:members] if isinstance(i, OpTrace))
        return members - sum(isinstance(op, self.syntax.silent) for op in ops)

    def add_in_place(self, value: Combine, target: str, comment: str) -> None:
        """A sum that takes the place of its first operand."""
        first, other = value.operands
        head = "" if value.when is True else f"if self.{self.flags[value.node.id, 'when']}:"
        with self.block(head) if head else nullcontext():
            if isinstance(first, Apply):
                self.write(self.apply(first.node, first.source), target)
            self.write(self.operand(other), target, comment, "+=")

    def folded(self, made: Assign) -> Code | None:
        """A light call around the code of the last line, where that is all that it is for."""
        last, value = self.lines[-1], made.value
        if not isinstance(value, Apply) or not last.target == value.source == made.target:
            return None
        if not isinstance(value.node, Layer) or not value.node.op.light:
            return None
        code = self.apply(value.node, last.code)
        encloses = isinstance(code, Call) and last.code in code.args
        # An operator or a method would bind closer than an operator in the code before it.
        return code if encloses or not is_expression(last.code) else None

    def is_silent(self, made: Assign) -> bool:
        """Whether a step does nothing here, and its value keeps its variable."""
        value = made.value
        if not isinstance(value, Apply) or value.source != made.target:
            return False
        node, silent = value.node, self.syntax.silent
        return isinstance(node, Layer) and isinstance(node.op, silent) and node.when is True

    def note(self, made: Assign) -> str:
        """The shape that a step gives its variable."""
        if isinstance(made.value, Copy) and made.value.of is not None:
            return self.program.note(self.shapes.get(made.value.of))
        if not isinstance(made.value, (Apply, Combine)):
            return ""
        value = made.value
        node = value.step if isinstance(value, Apply) else value.node
        return self.program.note(self.shapes.get(node.id), node.id in self.permuted)

    def value(self, value: Apply | Copy | Select | Combine | Split) -> Code:
        if isinstance(value, Apply):
            return self.apply(value.node, value.source)
        if isinstance(value, Copy):
            return value.source
        if isinstance(value, Combine):
            return self.combine(value)
        if isinstance(value, Split):
            return self.syntax.split(value.source, value.count)
        applied = self.apply(value.step, value.source)
        flag = self.flags.get((value.node.id, "shortcut"))
        if flag is None:
            return applied
        return f"{statement(applied)} if self.{flag} else {value.otherwise}"

    def apply(self, node: Child, source: Code) -> Code:
        member = f"self.{attribute(self.members[node.id])}"
        if isinstance(node, Layer) and node.when is True:
            return self.syntax.apply(beside(node, self.held), member, source)
        return self.syntax.call(member, source)

    def combine(self, value: Combine) -> Code:
        operands = [self.operand(operand) for operand in value.operands]
        if value.kind is JoinKind.CONCAT:
            return self.syntax.concat(tuple(operands))
        first, *others = value.operands
        if isinstance(first, Apply) and len(others) == 1 and isinstance(others[0], str):
            operands.reverse()  # x + f(x)
        joined = self.syntax.join(value.kind, tuple(operands))
        if value.when is True:
            return joined
        alone = self.operand(first)
        if isinstance(first, Apply) and first.node.when is not True:
            alone = first.source
        flag = self.flags[value.node.id, "when"]
        return f"{statement(joined)} if self.{flag} else {statement(alone)}"

    def operand(self, operand: Operand) -> Code:
        return operand if isinstance(operand, str) else self.apply(operand.node, operand.source)


def is_expression(code: Code) -> bool:
    """Whether code would need parentheses as an operand."""
    return isinstance(code, Chain) or (isinstance(code, str) and " " in code)
