"""One definition of the emitted file: a block's class or function, or the network's class."""

from __future__ import annotations

import keyword
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from ...expr.dims import Dim, Expr, Var, binary
from ...ir.analysis import Analysis
from ...ir.choices import branches
from ...ir.nodes import Child, From, Join, Layer, Node, Residual, Reuse, Where
from ...ir.structure import CLASSES, Block, Form, Network, channel_names
from ...ir.walk import walk
from ..code import uses
from ..layout import Call as MadeCall
from ..layout import Code, Items, statement
from ..lines import Line, Writer, lets
from ..naming import Names, class_name
from ..program import Program
from ..schedule import conditional_drop
from ..scope import Argument, Scope, arguments_of
from ..summary import docstring
from .forward import Flags, Forward
from .sequence import Sequences
from .stage import define_stage
from .syntax import NUM_CLASSES, Class, Classes, Syntax

Lines = tuple[str, ...]


def new_program(analysis: Analysis, syntax: Syntax) -> Classes:
    """The file of a network, without definitions as yet."""
    name = _class_name(analysis.network, syntax)
    return Program(analysis, syntax, define_block, define_stage, name)


def _class_name(network: Network, syntax: Syntax) -> str:
    names = Names({*syntax.meanings, *syntax.own, network.name})
    return network.class_name or names.take(class_name(network.name, network.title), "Net")


def define_block(program: Classes, block: Block, name: str) -> Class:
    """The class of a block, or the function of an inline one."""
    scope, syntax, inline = program.scope(block), program.syntax, block.form is Form.INLINE
    base = syntax.sequence
    forward: Lines = ()
    inputs: Lines = ()
    lines = Writer(4 if inline else 8)
    if block.form is Form.MODULE:
        members = Members(program, scope, block, lines)
        base, forward, inputs = syntax.module, members.forward(), members.inputs
    elif inline:
        Sequences(program, scope, lines).function(block.body)
    else:
        Sequences(program, scope, lines).constructor(block.body)
    body = tuple(map(str, [*lets(block, scope, lines.indent), *lines.lines]))
    arguments = arguments_of(block, scope)
    channels = list(_channels(block, body))
    arguments = (*(Argument(name, "int") for name in channels), *arguments)
    about, returns = tuple(docstring(block.about)), f"list[{syntax.part}]" if inline else ""
    how = (about, forward, base, returns, inputs, len(block.outputs))
    decorator = "" if inline else syntax.decorator
    return Class(name, arguments, body, *how, syntax=syntax, decorator=decorator)


def _channels(block: Block, body: Sequence[str]) -> Iterator[str]:
    """The channels that a constructor takes: of several inputs all that vary, to be handed on."""
    for name, called in channel_names(block.entering).items():
        varies = len(block.entering) > 1 and isinstance(block.entering[name], Expr)
        if varies or uses(body, called):
            yield called


def define_network(program: Classes) -> Class:
    """The network's own class."""
    network, syntax = program.network, program.syntax
    scope = program.root_scope({CLASSES: Var(NUM_CLASSES)}, NUM_CLASSES)
    lines, end = Writer(8), Writer(8)
    members = Members(program, scope, network.root, lines, root=True)
    forward = members.forward()
    syntax.finish(end)
    made = [*lets(network.root, scope, 8), *lines.lines]
    body = (*map(str, made), *([""] if end.lines else []), *map(str, end.lines))
    name, outputs = _class_name(network, syntax), len(network.outputs)
    arguments, base = program.arguments(scope), syntax.module
    inputs = members.inputs
    return Class(
        name, arguments, body, (), forward, base, inputs=inputs, outputs=outputs, syntax=syntax
    )


Ways = list[tuple[Child, Dim]]  # the nodes of one name, and when each is there
Attributes: TypeAlias = "dict[str, Ways | Attributes]"  # in a list by number


class Members:
    """The members of a class, which its constructor makes in `lines`, and how it uses them."""

    def __init__(
        self,
        program: Classes,
        scope: Scope,
        block: Block,
        lines: Writer,
        root: bool = False,
    ) -> None:
        self.program, self.syntax, self.scope, self.lines = program, program.syntax, scope, lines
        self.schedule = Forward(program, block, root)
        self.sequences = Sequences(program, scope, lines, root)
        self.names: dict[int, str] = {}
        self.flags: Flags = {}
        self.make(block.body)
        self.decide(block.body)

    @property
    def inputs(self) -> Lines:
        """What the forward pass calls its arguments."""
        return tuple(self.schedule.inputs.values())

    def forward(self) -> Lines:
        return self.schedule.render(self.names, self.flags)

    def make(self, body: tuple[Node, ...]) -> None:
        """The members, each once."""
        nodes = list(members(body))
        in_place, syntax = self.schedule.in_place, self.syntax
        layers = [node for node, _ in nodes if isinstance(node, Layer)]
        made = {node.id: syntax.layer(node, self.scope, node.id in in_place) for node in layers}
        uses = ((n, made[n.id]) for n in layers if n.op.stateless and n.when is True)
        taken = syntax.attributes.union(str(node.name).partition(".")[0] for node, _ in nodes)
        shared = shared_names((use for use in uses if "." not in str(use[0].name)), taken)
        attributes: Attributes = {}
        for node, residual in nodes:
            name = self.names[node.id] = shared.get(node.id, str(node.name))
            if isinstance(node, Layer) and node.when is True and syntax.inlined(node):
                continue
            ways = entry(attributes, name.split("."))
            if not ways or node.id not in shared:
                ways.append((node, self.condition(node, residual)))
        for name, member in attributes.items():
            self.member(f"self.{name}", member, made)

    def member(self, target: str, member: Ways | Attributes, made: Mapping[int, Code]) -> None:
        """What a name or a local variable stands for."""
        if isinstance(member, dict):
            self.listed(target, member, made)
        elif len(member) > 1:
            self.choose(target, member, made)
        elif (only := member[0])[1] is True:
            self.sequences.assign(target, only[0], made.get(only[0].id))
        else:
            optional = self.syntax.optional
            nothing = self.syntax.nothing([only[0]]) or self.syntax.identity
            self.lines.write(nothing, f"{target}: {optional}" if optional else target)
            with self.lines.block(f"if {self.scope.dim(only[1])}:"):
                self.sequences.assign(target, only[0], made.get(only[0].id))

    def listed(self, target: str, members: Attributes, made: Mapping[int, Code]) -> None:
        """A list of members by their numbers; one that is not there is the identity."""
        codes = [self.expression(member, made) for member in numbered(members)]
        if None not in codes:
            self.lines.write(self.listing(codes), target)
            return
        self.lines.write(MadeCall(self.syntax.listing), target)
        for i, code in enumerate(codes):
            local = code
            if local is None:
                local = self.scope.fresh("member")
                self.member(local, members[str(i)], made)
            self.lines.write(MadeCall(f"{target}.append", (local,)))

    def listing(self, codes: Iterable[Code | None]) -> Code:
        items = Items("[", "]", tuple(code for code in codes if code is not None))
        return MadeCall(self.syntax.listing, (items,))

    def expression(self, member: Ways | Attributes | None, made: Mapping[int, Code]) -> Code | None:
        """A member of a list as one expression, or None where statements are needed."""
        if member is None:
            return self.syntax.identity
        if isinstance(member, dict):
            codes = [self.expression(inner, made) for inner in numbered(member)]
            return None if None in codes else self.listing(codes)
        if len(member) > 1 or member[0][1] is not True:
            return None
        node = member[0][0]
        return made[node.id] if isinstance(node, Layer) else self.sequences.one(node)

    def choose(self, target: str, ways: Ways, made: Mapping[int, Code]) -> None:
        """A member that is one of several, or else the identity."""
        heads = list(branches([condition for _, condition in ways]))
        codes = [self.expression([(node, True)], made) for node, _ in ways]
        closed = heads[-1][0] == "else"
        if closed and codes[0] is not None and codes.count(codes[0]) == len(codes):
            self.lines.write(codes[0], target)  # the same module either way
            return
        if closed and len(ways) == 2 and self.ternary(target, codes, heads[0][1]):
            return
        nothing = self.syntax.nothing([node for node, _ in ways])
        annotated = f"{target}: {self.syntax.module}"
        if closed or nothing is None:
            self.lines.write(annotated)
        else:
            self.lines.write(nothing, annotated)
        for (node, _), (word, condition) in zip(ways, heads, strict=True):
            asked = "" if word == "else" else f" {self.scope.dim(condition)}"
            with self.lines.block(f"{word}{asked}:"):
                self.sequences.assign(target, node, made.get(node.id))
        if nothing is None and not closed:
            with self.lines.block("else:"):
                self.lines.write(self.syntax.identity, target)

    def ternary(self, target: str, codes: list[Code | None], condition: Dim) -> bool:
        """Write a local variable that is one of two, if both fit into a line."""
        one, other = codes
        if one is None or other is None or not target.isidentifier():
            return False
        code = f"{statement(one)} if {self.scope.dim(condition)} else {statement(other)}"
        fits: bool = Line(code, target, self.lines.indent).fits
        if fits:
            self.lines.write(code, target)
        return fits

    def condition(self, node: Child, residual: Residual | None) -> Dim:
        """The condition under which a member is more than the identity."""
        if residual is None:
            return node.when
        if node is conditional_drop(residual):
            return True
        when = binary("and", residual.when, node.when)
        if residual.where is Where.SHAPE_CHANGES:
            when = binary("and", when, self.changes(residual))
        return when

    def changes(self, node: Residual) -> Dim:
        """The condition under which a residual's branch changes the shape."""
        return self.program.analysis.changes[node.id].condition()

    def decide(self, body: tuple[Node, ...]) -> None:
        """Flags that the forward pass asks for."""
        for node in walk(body):
            if isinstance(node, Reuse) and isinstance(node.repeat, Expr):
                self.flag("turns", node, "repeat", node.repeat)
            if not isinstance(node, Residual):
                continue
            if node.when is not True:
                self.flag("use_shortcut", node, "when", node.when)
            if node.where is Where.SHAPE_CHANGES and node.tap_pre and node.pre:
                self.flag("projects", node, "shortcut", self.changes(node))

    def flag(self, name: str, node: Residual | Reuse, what: str, condition: Dim) -> None:
        while name in {*self.names.values(), *self.flags.values()}:
            name += "_2"
        self.flags[node.id, what] = name
        self.lines.write(self.scope.dim(condition), f"self.{name}")


def numbered(members: Attributes) -> list[Ways | Attributes | None]:
    """The members of a list in their order, None for one that is not there."""
    return [members.get(str(i)) for i in range(1 + max(map(int, members)))]


def entry(attributes: Attributes, parts: list[str]) -> Ways:
    """What is known of a child by the parts of its name; a list has no name of a child."""
    found: Ways | Attributes = attributes
    for i, part in enumerate(parts):
        assert isinstance(found, dict)
        found = found.setdefault(part, [] if i == len(parts) - 1 else {})
    assert isinstance(found, list)
    return found


def members(body: tuple[Node, ...]) -> Iterator[tuple[Child, Residual | None]]:
    """The nodes that become members: the main path before shortcuts, as torchvision has them.

    Each shortcut, and each drop of a branch, comes with its residual.
    """
    for node in body:
        if isinstance(node, Residual):
            drop = conditional_drop(node)
            for inner, residual in members((*node.pre, *node.branch)):
                yield inner, node if inner is drop else residual
            for step, _ in members(node.shortcut):
                yield step, node
        elif isinstance(node, Join):
            for branch in node.branches:
                yield from members(branch.body)
        elif not isinstance(node, (From, Reuse)):
            assert isinstance(node, Child)
            yield node, None


def shared_names(steps: Iterable[tuple[Layer, Code]], taken: frozenset[str]) -> dict[int, str]:
    """The member that serves each step without state, by its id; `taken` are names of others.

    Steps have one module if its constructor is the same to the letter, whether it works in place
    included, and their names are but for a number. It is called by that name, `relu` for relu1 and
    relu2, unless another one is; else as the first of its steps.
    """
    alike: dict[tuple[str, str], list[Layer]] = {}
    for layer, code in steps:
        alike.setdefault((_base(layer), statement(code)), []).append(layer)
    wanted = Counter(base for (base, _), layers in alike.items() if len(layers) > 1)
    found: dict[int, str] = {}
    for (base, _), layers in alike.items():
        free = base not in taken and not keyword.iskeyword(base)
        called = base if len(layers) > 1 and wanted[base] == 1 and free else str(layers[0].name)
        found |= {layer.id: called for layer in layers}
    return found


def _base(layer: Layer) -> str:
    return str(layer.name).rstrip("0123456789")
