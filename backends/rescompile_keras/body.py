"""Function bodies: layers applied one after the other, each named by its path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rescompile.backend.layout import Call, Items, statement
from rescompile.backend.schedule import Apply, Assign, Combine, Copy, Scheduler, Select
from rescompile.ir.expr import Dim, Expr, Var, names, product, text
from rescompile.ir.ops import show_shape
from rescompile.ir.structure import IN_CHANNELS, Block, Form, Group, JoinKind, Layer, Loop, Node
from rescompile.ir.structure import Call as BlockCall
from rescompile.ir.symbolic import Flow, shape_changes

from .facts import KEEPS_SIGN, NONNEGATIVE
from .layers import Site, apply
from .view import (
    Argument,
    File,
    Function,
    arguments_of,
    consumed,
    plus,
    source,
    uses_index,
)

JOINS = {JoinKind.ADD: "Add", JoinKind.MULTIPLY: "Multiply", JoinKind.CONCAT: "Concatenate"}


@dataclass(frozen=True)
class Prefix:
    """The name of the scope so far: `{name}` in a block's function, nothing in the network's."""

    text: str

    def child(self, name: str) -> Prefix:
        return Prefix(f"{self.text}_{name}" if self.text else name)

    def number(self, position: Dim) -> Prefix:
        shown = source(position)
        return self.child("{" + shown + "}" if isinstance(position, Expr) else shown)

    @property
    def literal(self) -> str:
        """As a Python string."""
        if self.text == "{name}":
            return "name"
        return f'f"{self.text}"' if "{" in self.text else f'"{self.text}"'


class Body:
    """Renders one definition; remembers which names its text uses."""

    def __init__(self, file: File, flow: Flow, comments: bool = False) -> None:
        self.file = file
        self.flow = flow
        self.used: set[str] = set()
        self.comments = comments
        self.shapes = file.facts.elaborated.root.shapes if comments else {}
        self.signs: dict[str, bool] = {}

    def dim(self, dim: Dim) -> str:
        self.used |= names(dim)
        shown = source(dim)
        if "make_divisible(" in shown:
            self.file.style.uses.add("make_divisible")
        return shown

    # -- module scopes ---------------------------------------------------------------------------

    def module(self, nodes: tuple[Node, ...], prefix: Prefix, indent: int) -> Iterator[str]:
        """A scope of named children; ends with the result in the variable that it returns."""
        outputs = self.file.network.outputs if self.comments else ()
        scheduler = Scheduler(outputs=frozenset(outputs), reserved=("inputs", "outputs", "name"))
        self.result = scheduler.body(nodes, "x")
        for made in scheduler.statements:
            yield from self.assign(made, prefix, indent)

    def assign(self, made: Assign, prefix: Prefix, indent: int) -> Iterator[str]:
        value = made.value
        if isinstance(value, Apply):
            named = prefix.child(str(value.node.name))
            yield from self.child(value.node, made.target, value.source, named, indent)
        elif isinstance(value, Copy):
            self.signs[made.target] = self.signs.get(value.source, False)
            yield f"{' ' * indent}{made.target} = {value.source}"
        elif isinstance(value, Select):
            yield from self.select(value, made.target, prefix, indent)
        else:
            yield from self.combine(value, made.target, prefix, indent)

    def select(self, value: Select, target: str, prefix: Prefix, indent: int) -> Iterator[str]:
        pad = " " * indent
        here = Var(f"{value.otherwise}.shape[-1]")
        changes = shape_changes(value.node, here, self.file.network.blocks)
        self.used |= names(changes) - {here.name}
        yield f"{pad}{target} = {value.otherwise}"
        yield f"{pad}if {text(changes, '')}:"
        named = prefix.child(str(value.step.name))
        yield from self.child(value.step, target, value.source, named, indent + 4)
        self.signs[target] = False

    def combine(self, value: Combine, target: str, prefix: Prefix, indent: int) -> Iterator[str]:
        operands = [operand for operand in value.operands if isinstance(operand, str)]
        name = prefix.child(str(value.node.name)).literal
        layer = Call(f"layers.{JOINS[value.kind]}", (f"name={name}",))
        joined = Call(layer, (Items("[", "]", tuple(operands)),))
        comment = self.note(value.node)
        same = all(self.signs.get(operand, False) for operand in operands)
        self.signs[target] = same and value.when is True
        if value.when is True:
            yield statement(joined, before=f"{target} = ", indent=indent, comment=comment)
            return
        if operands[0] != target:
            yield f"{' ' * indent}{target} = {operands[0]}"
        yield f"{' ' * indent}if {self.dim(value.when)}:"
        yield statement(joined, before=f"{target} = ", indent=indent + 4, comment=comment)

    def note(self, node: Node) -> str:
        shape = self.shapes.get(id(node))
        if shape is None:
            return ""
        return show_shape((*shape[1:], shape[0]))

    # -- one node --------------------------------------------------------------------------------

    def child(
        self, node: Layer | Group | BlockCall, target: str, start: str, prefix: Prefix, indent: int
    ) -> Iterator[str]:
        """`target` = node(`start`), where the node's own name is `prefix`."""
        if node.when is True:
            yield from self.applied(node, target, start, prefix, indent)
            return
        if target != start:
            yield f"{' ' * indent}{target} = {start}"
        yield f"{' ' * indent}if {self.dim(node.when)}:"
        yield from self.applied(node, target, start, prefix, indent + 4)
        self.signs[target] = False

    def applied(
        self, node: Layer | Group | BlockCall, target: str, start: str, prefix: Prefix, indent: int
    ) -> Iterator[str]:
        if isinstance(node, Layer):
            yield from self.layer(node, target, start, prefix, indent)
        elif isinstance(node, Group):
            yield from Sequence(self, prefix, target, start, indent).run(node.body)
        else:
            yield from self.call(node, target, start, prefix, indent)

    def layer(
        self, node: Layer, target: str, start: str, prefix: Prefix, indent: int
    ) -> Iterator[str]:
        positive = self.signs.get(start, False)
        site = Site(
            self.file.style,
            node,
            target,
            start,
            prefix.literal,
            indent,
            self.dim,
            positive,
            self.note(node),
        )
        yield from apply(node.op, site)
        keeps = isinstance(node.op, KEEPS_SIGN) and positive
        self.signs[target] = isinstance(node.op, NONNEGATIVE) or keeps

    def call(
        self,
        node: BlockCall,
        target: str,
        start: str,
        prefix: Prefix,
        indent: int,
        position: Dim = 0,
    ) -> Iterator[str]:
        self.signs[target] = False
        if node.repeat is not None and uses_index(node):
            yield from self.repetitions(node, target, start, prefix, indent, position)
            return
        repeated = node.repeat is not None
        inner = self.file.stage(node) if repeated else self.file.block(node.block)
        given = {name: self.dim(dim) for name, dim in node.args}
        if node.repeat is not None:
            given[count_name(self.file, node)] = self.dim(node.repeat)
        self.used |= names(position)
        args = (start, *inner.args(given, prefix.literal, position))
        made = Call(inner.name, args)
        comment = self.note(node)
        yield statement(made, before=f"{target} = ", indent=indent, comment=comment)

    def repetitions(
        self,
        node: BlockCall,
        target: str,
        start: str,
        prefix: Prefix,
        indent: int,
        position: Dim,
    ) -> Iterator[str]:
        """Repetitions whose arguments depend on their number."""
        assert node.repeat is not None
        inner = self.file.block(node.block)
        given = {name: self.dim(dim) for name, dim in node.args}
        for param in self.file.network.blocks[node.block].parameters:
            if param.once and param.default is not None and param.name in given:
                default = source(param.default)
                if given[param.name] != default:
                    given[param.name] = f"{given[param.name]} if i == 0 else {default}"
        name = repetition(prefix, node, Var("i"), position).literal
        if target != start:
            yield f"{' ' * indent}{target} = {start}"
        yield f"{' ' * indent}for i in range({self.dim(node.repeat)}):"
        made = Call(inner.name, (target, *inner.args(given, name)))
        yield statement(made, before=f"{target} = ", indent=indent + 4)


def repetition(prefix: Prefix, node: BlockCall, i: Dim, position: Dim = 0) -> Prefix:
    """The name of repetition `i`: its number in the sequence, or what the pattern makes of it."""
    if node.children == "{i}":
        return prefix.number(plus(position, i))
    first = source(i)
    after = source(plus(i, 1))
    if not isinstance(i, Expr):
        return prefix.child(node.children.replace("{i}", first).replace("{n}", after))
    return prefix.child(node.children.replace("{n}", "{" + after + "}"))


class Sequence:
    """The members of a sequence, numbered as they come; a condition makes that a variable."""

    def __init__(
        self,
        body: Body,
        prefix: Prefix,
        target: str,
        start: str,
        indent: int,
        position: Dim = 0,
    ) -> None:
        self.body, self.prefix, self.indent = body, prefix, indent
        self.target, self.start = target, start
        self.position = position

    def run(self, nodes: tuple[Node, ...]) -> Iterator[str]:
        last = max((i for i, n in enumerate(nodes) if _when(n) is not True), default=-1)
        for i, node in enumerate(nodes):
            if _when(node) is not True:
                yield from self.sometimes(node, needed=i < len(nodes) - 1, again=i < last)
            else:
                yield from self.member(node, self.indent)

    def sometimes(self, node: Node, needed: bool, again: bool) -> Iterator[str]:
        """A member under a condition: from here on the numbers depend on it."""
        pad = " " * self.indent
        number = self.position
        if self.target != self.start:
            yield f"{pad}{self.target} = {self.start}"
            self.start = self.target
        if needed:
            yield f"{pad}number = {source(number)}"
        yield f"{pad}if {self.body.dim(_when(node))}:"
        yield from self.member(node, self.indent + 4)
        if needed:
            yield f"{pad}    number = {source(self.position)}"
            self.position = Var("number")
        self.body.signs[self.target] = False

    def member(self, node: Node, indent: int) -> Iterator[str]:
        body, target, start = self.body, self.target, self.start
        self.start = target
        if isinstance(node, Loop):
            yield from self.loop(node, target, start, indent)
            return
        if isinstance(node, BlockCall) and self.spliced(node):
            yield from self.splice(node, target, start, indent)
            return
        assert isinstance(node, (Layer, Group, BlockCall)), "joins in sequences are hoisted"
        prefix = self.named(node)
        self.position = plus(self.position, 1)
        yield from body.applied(node, target, start, prefix, indent)

    def named(self, node: Layer | Group | BlockCall) -> Prefix:
        if node.name is not None:
            return self.prefix.child(node.name)
        self.body.used |= names(self.position)
        return self.prefix.number(self.position)

    def spliced(self, node: BlockCall) -> bool:
        inline = self.body.file.network.blocks[node.block].form is Form.INLINE
        return inline or (node.repeat is not None and node.name is None)

    def splice(self, node: BlockCall, target: str, start: str, indent: int) -> Iterator[str]:
        position = self.position
        yield from self.body.call(node, target, start, self.prefix, indent, position)
        self.position = plus(position, consumed((node,), self.body.file))

    def loop(self, node: Loop, target: str, start: str, indent: int) -> Iterator[str]:
        each = consumed(node.body, self.body.file)
        begin = self.position
        if target != start:
            yield f"{' ' * indent}{target} = {start}"
        yield f"{' ' * indent}for i in range({self.body.dim(node.count)}):"
        turn = plus(begin, product((each, Var("i"))))
        inner = Sequence(self.body, self.prefix, target, target, indent + 4, turn)
        yield from inner.run(node.body)
        self.position = plus(begin, product((each, node.count)))


def _when(node: Node) -> Dim:
    return node.when if isinstance(node, (Layer, Group, BlockCall)) else True


def count_name(file: File, node: BlockCall) -> str:
    """What the number of repetitions is called: `blocks`, unless the block has that itself."""
    taken = {p.name for p in file.network.blocks[node.block].parameters}
    return "repeat" if "blocks" in taken else "blocks"


def block_function(file: File, block: Block, name: str) -> Function:
    """The function of a block."""
    flow = file.facts.flows[block.name][0]
    body = Body(file, flow)
    prefix = Prefix("{name}")
    if block.form is Form.MODULE:
        lines = [*body.module(block.body, prefix, 4)]
        result = body.result
    else:
        inline = block.form is Form.INLINE
        position: Dim = Var("start") if inline else 0
        lines = list(Sequence(body, prefix, "x", "x", 4, position).run(block.body))
        result = "x"
    lets = [f"    {let} = {body.dim(dim)}" for let, dim in block.lets]
    head = ["    in_channels = x.shape[-1]"] if IN_CHANNELS in body.used else []
    lines = _returning([*head, *lets, *lines], result)
    arguments = arguments_of(block, body.used)
    return Function(name, arguments, tuple(lines), block.about, block.form is Form.INLINE)


def _returning(lines: list[str], result: str) -> list[str]:
    """The lines with a `return`; a last assignment of the result becomes it."""
    start = f"    {result} = "
    for i in range(len(lines) - 1, -1, -1):
        if lines[i].startswith(start) and i == len(lines) - 1 and "\n" not in lines[i]:
            return [*lines[:i], "    return " + lines[i].removeprefix(start)]
        break
    return [*lines, f"    return {result}"]


def stage_function(file: File, node: BlockCall, name: str) -> Function:
    """The function that repeats a block: the first with the arguments of its own, then the rest."""
    block = file.network.blocks[node.block]
    inner = file.block(node.block)
    count = Argument(count_name(file, node))
    required = [a for a in inner.arguments if a.default is None]
    optional = [a for a in inner.arguments if a.default is not None]
    first = {a.name: a.name for a in inner.arguments}
    rest = dict(first)
    for param in block.parameters:
        if param.once and param.name in rest and param.default is not None:
            rest[param.name] = text(param.default, "")
    numbered = _has_spliced(file, node)
    position: Dim = Var("start") if numbered else 0
    prefix = Prefix("{name}")
    lines: list[str] = []
    begin = 0
    if first != rest:
        begin = 1
        named = repetition(prefix, node, 0, position).literal
        made = Call(inner.name, ("x", *inner.args(first, named)))
        lines.append(statement(made, before="x = ", indent=4))
    bounds = f"1, {count.name}" if begin else count.name
    lines.append(f"    for i in range({bounds}):")
    named = repetition(prefix, node, Var("i"), position).literal
    made = Call(inner.name, ("x", *inner.args(rest, named)))
    lines.append(statement(made, before="x = ", indent=8))
    lines.append("    return x")
    arguments = (*required, count, *optional)
    return Function(name, arguments, tuple(lines), "", numbered)


def _has_spliced(file: File, like: BlockCall) -> bool:
    from rescompile.ir.structure import walk

    bodies = [file.network.body, *(block.body for block in file.network.blocks.values())]
    return any(
        isinstance(n, BlockCall)
        and (n.block, n.children) == (like.block, like.children)
        and n.repeat is not None
        and n.name is None
        for body in bodies
        for n in walk(body)
    )


def network_lines(file: File) -> tuple[list[str], str, bool]:
    """The network's own function: its lines, what it returns, and whether it takes `classes`."""
    body = Body(file, file.facts.root_flow, comments=True)
    lines = list(body.module(file.network.body, Prefix(""), 4))
    outputs = file.network.outputs
    result = "[" + ", ".join(outputs) + "]" if outputs else body.result
    if lines and lines[0].startswith("    x = "):
        lines[0] = _from_inputs(lines[0])
    else:
        lines.insert(0, "    x = inputs")
    return lines, result, "classes" in body.used


def _from_inputs(line: str) -> str:
    """The first statement starts from `inputs`."""
    for old, new in (
        ("(x, ", "(inputs, "),
        (")(x)", ")(inputs)"),
        ("        x,\n", "        inputs,\n"),
    ):
        if old in line:
            changed = line.replace(old, new, 1)
            if all(len(part) <= 100 for part in changed.split("\n")):
                return changed
    return "    x = inputs\n" + line
