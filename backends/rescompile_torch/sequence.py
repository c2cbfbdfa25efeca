"""Sequences: an nn.Sequential as one expression, or built step by step where that is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from rescompile.emit.choices import choices
from rescompile.emit.code import uses
from rescompile.emit.layout import Arg, Call, Code, Commented, Items, statement
from rescompile.emit.repetition import uses_index
from rescompile.expr.dims import Dim, Var, binary, if_else
from rescompile.ir.flow import RUNNING
from rescompile.ir.structure import IN_CHANNELS, INDEX, Form, Group, Layer, Loop, Node
from rescompile.ir.structure import Call as BlockCall
from rescompile.ops import GlobalAvgPool, Shape, show_shape

from .modules import Site, module
from .stage import child_name
from .view import File, Scope, call_args, given_arguments, takes

COUNTERS = ("i", "j", "k")


class Sequences:
    """Renders groups and calls of one definition."""

    def __init__(self, file: File, scope: Scope, root: bool = False) -> None:
        self.file = file
        self.scope = scope
        self.root = root

    # -- one module ------------------------------------------------------------------------------

    def one(self, node: Group | BlockCall) -> Code | None:
        """A group or call as one expression, or None where statements are needed."""
        if isinstance(node, Group):
            stage = _only_stage(node)
            if stage is not None:
                return self.file.stage(stage).call(self.scope, stage)
            members = self.leading(node.body)
            if len(members) < len(node.body):
                return None
            return Call("nn.Sequential", members, explode=len(members) > 1)
        if node.repeat is None:
            inner = self.file.block(node.block)
            given = given_arguments(self.file, self.scope, node)
            return Call(inner.name, call_args(inner, given))
        return None if uses_index(node) else self.file.stage(node).call(self.scope, node)

    def leading(self, body: tuple[Node, ...]) -> tuple[Arg, ...]:
        """The first members of a sequence as arguments, as far as each is one without a name."""
        made: list[Arg] = []
        for i, node in enumerate(body):
            code = self.child(node, body[i - 1] if i else None)
            if code is None:
                break
            shape = self.shape(node)
            shown = isinstance(code, Call) and any(isinstance(a, Commented) for a in code.args)
            made.append(Commented(code, show_shape(shape)) if shape and not shown else code)
        return tuple(made)

    def child(self, node: Node, before: Node | None) -> Code | None:
        if isinstance(node, Layer) and node.name is None and node.when is True:
            return self.layer(node, before)
        if not isinstance(node, (Group, BlockCall)) or node.name or node.when is not True:
            return None
        code = self.one(node)
        if code is None or not self.spliced(node):
            return code
        assert isinstance(code, Call)
        return Call(f"*{code.func}", code.args)

    def spliced(self, node: Group | BlockCall) -> bool:
        """Whether a node adds several members to the sequence that it stands in."""
        if isinstance(node, Group):
            return False
        inline = self.file.network.blocks[node.block].form is Form.INLINE
        return inline or (node.repeat is not None and node.name is None)

    def layer(self, node: Layer, before: Node | None) -> Code:
        traces = self.file.analysis.traces[node.id]
        fresh = isinstance(before, Layer) and before.op.fresh
        site = Site(
            self.scope.entering(node),
            len(traces[0].x) == 3,
            fresh and node.op.in_place,
            self.scope.dim,
        )
        made = module(self.file.resolved(node), site)
        if isinstance(made, Call) and isinstance(made.func, str) and "." not in made.func:
            self.file.helpers.add(made.func)
        if isinstance(node.op, GlobalAvgPool) and not node.op.keepdims:
            return Call("nn.Sequential", (made, Call("nn.Flatten")))
        return made

    def shape(self, node: Node) -> Shape | None:
        """What leaves a member of a sequence of the network's own, where it is worth a comment."""
        if not self.root:
            return None
        if isinstance(node, Layer):
            trace, *more = self.file.analysis.traces[node.id]
            shrinks = trace.y[1:] != trace.x[1:]
            return trace.y if shrinks and not more else None  # in a loop there are several
        return self.file.analysis.elaborated.root.shapes.get(node.id)

    # -- statements ------------------------------------------------------------------------------

    def assign(self, target: str, code: Code | None, node: Node, indent: int) -> Iterator[str]:
        """Statements that give `target` the module of a node."""
        if code is not None:
            yield statement(code, before=f"{target} = ", indent=indent)
            return
        if isinstance(node, Group):
            members = self.leading(node.body)
            made = Call("nn.Sequential", members, explode=len(members) > 1)
            yield statement(made, before=f"{target} = ", indent=indent)
            yield from self.fill(target, node.body, indent, len(members))
        else:
            assert isinstance(node, BlockCall)
            yield f"{' ' * indent}{target} = nn.Sequential()"
            yield from self.repetitions(target, node, indent)

    def fill(
        self, target: str, body: tuple[Node, ...], indent: int, start: int = 0
    ) -> Iterator[str]:
        """Statements that append the members of a sequence from `start` on to `target`."""
        pad = " " * indent
        before = body[start - 1] if start else None  # the member that is sure to come before
        for choice in choices(body[start:]):
            if choice.condition is True:
                yield from self.run(target, choice.nodes, before, indent)
                before = choice.nodes[-1]
                continue
            yield f"{pad}if {self.scope.dim(choice.condition)}:"
            yield from self.run(target, choice.nodes, before, indent + 4)
            if choice.otherwise:
                yield f"{pad}else:"
                yield from self.run(target, choice.otherwise, before, indent + 4)
            before = None

    def run(
        self, target: str, nodes: tuple[Node, ...], before: Node | None, indent: int
    ) -> Iterator[str]:
        for node in nodes:
            yield from self.member(target, node, before, indent)
            before = node

    def member(self, target: str, node: Node, before: Node | None, indent: int) -> Iterator[str]:
        if isinstance(node, Loop):
            yield from self.loop(target, node, indent)
        elif isinstance(node, Layer):
            yield self.append(target, node.name, self.layer(node, before), indent, self.note(node))
        else:
            assert isinstance(node, (Group, BlockCall))
            code = self.one(node)
            if code is None and isinstance(node, BlockCall) and node.name is None:
                yield from self.repetitions(target, node, indent)
            elif code is None:
                local = self.scope.fresh(str(node.name or "members"))
                yield from self.assign(local, None, node, indent)
                yield self.append(target, node.name, local, indent, "")
                self.scope.taken.remove(local)
            elif self.spliced(node):
                note = self.note(node)
                yield statement(Call(f"{target}.extend", (code,)), indent=indent, comment=note)
            else:
                yield self.append(target, node.name, code, indent, self.note(node))

    def note(self, node: Node) -> str:
        shape = self.shape(node)
        return show_shape(shape) if shape else ""

    def append(self, target: str, name: str | None, code: Code, indent: int, note: str) -> str:
        made = Call(f"{target}.append", (code,))
        if name is not None:
            made = Call(f"{target}.add_module", (f'"{name}"', code))
        return statement(made, indent=indent, comment=note)

    def loop(self, target: str, node: Loop, indent: int) -> Iterator[str]:
        pad = " " * indent
        count, runs = self.scope.dim(node.count), self.runs(node)
        start = self.scope.entering(node) if runs else ""
        with self.width(runs) as width, self.scope.variable(INDEX, *COUNTERS) as counter:
            body = list(self.fill(target, node.body, indent + 4))
            if runs and uses(body, width):
                leaving = self.file.analysis.new_flow().body(node.body, Var(RUNNING))
                if leaving != Var(RUNNING):
                    body.append(f"{pad}    {width} = {self.scope.dim(leaving)}")
                yield f"{pad}{width} = {start}"
            shown = counter if uses(body, counter) else "_"
            yield f"{pad}for {shown} in range({count}):"
            yield from body

    def runs(self, node: Loop) -> bool:
        """Whether the channels change from one turn of the loop to the next."""
        return self.scope.flow.entering[node.body[0].id] == Var(RUNNING)

    def width(self, runs: bool) -> AbstractContextManager[str]:
        """A variable for the channels that run through a loop, if they are asked for."""
        return self.scope.variable(RUNNING, "width") if runs else nullcontext("")

    def repetitions(self, target: str, node: BlockCall, indent: int) -> Iterator[str]:
        """Repetitions whose arguments depend on their number."""
        assert node.repeat is not None
        pad = " " * indent
        inner = self.file.block(node.block)
        count, runs = self.scope.dim(node.repeat), takes(inner, IN_CHANNELS)
        start = self.scope.entering(node) if runs else ""
        with self.width(runs) as width, self.scope.variable(INDEX, *COUNTERS) as counter:
            if runs:
                yield f"{pad}{width} = {start}"
            yield f"{pad}for {counter} in range({count}):"
            given = given_arguments(self.file, self.scope, self.in_turn(node), width)
            code = Call(inner.name, call_args(inner, given))
            if node.children == "{i}":
                yield statement(Call(f"{target}.append", (code,)), indent=indent + 4)
            else:
                name = child_name(node.children.replace("{name}", str(node.name)), counter)
                yield statement(Call(f"{target}.add_module", (name, code)), indent=indent + 4)
            leaving = self.leaving(node)
            if runs and leaving != Var(RUNNING):
                yield f"{pad}    {width} = {self.scope.dim(leaving)}"

    def in_turn(self, node: BlockCall) -> BlockCall:
        """The call of any repetition: what only the first one gets depends on the number."""
        once = {
            p.name: p.default for p in self.file.network.blocks[node.block].parameters if p.once
        }
        args = ((name, dim, once.get(name)) for name, dim in node.args)
        return replace(
            node, args=tuple((n, dim if d is None else _by_turn(dim, d)) for n, dim, d in args)
        )

    def leaving(self, node: BlockCall) -> Dim:
        """The channels that leave a repetition."""
        flow, block = self.file.analysis.new_flow(), self.file.network.blocks[node.block]
        first, rest = (flow.once(node, block, Var(RUNNING), first=f) for f in (True, False))
        return _by_turn(first, rest)

    # -- whole definitions -----------------------------------------------------------------------

    def class_body(self, body: tuple[Node, ...]) -> Iterator[str]:
        """The `__init__` of a subclass of nn.Sequential."""
        members = self.leading(body)
        yield statement(Call("super().__init__", members, explode=len(members) > 1), indent=8)
        yield from self.fill("self", body, 8, len(members))

    def function(self, body: tuple[Node, ...]) -> Iterator[str]:
        """The body of a function that returns the members as a list."""
        members = self.leading(body)
        made = Items("[", "]", members, explode=len(members) > 1)
        layers = self.scope.fresh("layers")
        yield statement(made, before=f"{layers}: list[nn.Module] = ", indent=4)
        yield from self.fill(layers, body, 4, len(members))
        yield f"    return {layers}"


def _by_turn(first: Dim, rest: Dim) -> Dim:
    """A value that is another one in the first repetition."""
    return if_else(binary("==", Var(INDEX), 0), first, rest)


def _only_stage(node: Group) -> BlockCall | None:
    """The call whose repetitions are all that a sequence holds: its stage is the sequence."""
    (only, *more) = node.body or (None,)
    if more or not isinstance(only, BlockCall) or only.repeat is None or only.name is not None:
        return None
    return None if only.when is not True or uses_index(only) else only
