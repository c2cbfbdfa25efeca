"""Function bodies: layers applied one after the other, each named by its path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rescompile.emit.code import uses
from rescompile.emit.layout import LINE_LENGTH, Call, Code, Items, Keyword, statement
from rescompile.emit.repetition import counted, uses_index
from rescompile.emit.schedule import Apply, Assign, Combine, Copy, Scheduler, Select, Split
from rescompile.expr.dims import Dim, Var, binary, if_else
from rescompile.ir.flow import Flow
from rescompile.ir.structure import INDEX, Group, JoinKind, Layer, Node, Residual, Where, sources
from rescompile.ir.structure import Call as BlockCall
from rescompile.ops import Shape, show_shape

from .file import STAGE, File, count_argument, repetition
from .layers import Site, apply
from .sequence import Sequence
from .view import COUNTERS, Label, Line, Scope, free

JOINS = {JoinKind.ADD: "Add", JoinKind.MULTIPLY: "Multiply", JoinKind.CONCAT: "Concatenate"}
Child = Layer | Group | BlockCall


class Body:
    """Renders one definition into `lines`; `shapes` tells what leaves a node, for comments."""

    def __init__(
        self,
        file: File,
        scope: Scope,
        flow: Flow,
        local: Iterable[str] = (),
        shapes: dict[int, Shape] | None = None,
    ) -> None:
        self.file, self.scope, self.flow = file, scope, flow
        self.shapes = shapes or {}
        self.local = frozenset(local)
        self.names = {*file.names.taken, *self.local}
        self.lines: list[Line] = []
        self.outputs: list[str] = []  # the variables of what the network returns
        self.indent = 4
        self.entry = "x"  # what x is called until it gets its first value

    # -- lines -----------------------------------------------------------------------------------

    def assign(self, target: str, code: Code, comment: str = "") -> None:
        self.lines.append(Line(code, target, self.indent, comment))

    def copy(self, target: str, source: str) -> None:
        """Make sure that `target` has the value of `source`."""
        if target != source:
            self.assign(target, source)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Lines under `head`, which ends with a colon; without any there is no head either."""
        self.lines.append(Line(head, indent=self.indent))
        place = len(self.lines)
        self.indent += 4
        yield
        self.indent -= 4
        if len(self.lines) == place:
            del self.lines[place - 1 :]

    @contextmanager
    def loop(self, count: Dim) -> Iterator[str]:
        """A for loop; its counter is called so only if a line in it has it."""
        variables = self.names.difference(COUNTERS)  # no variable is called as a counter
        counter = free(COUNTERS, {*self.local, *variables, *self.scope.loops})
        count_text = self.scope.dim(count)
        self.scope.loops.append(counter)
        place = len(self.lines)
        with self.block(""):
            yield counter
        self.scope.loops.pop()
        shown = counter if uses(map(str, self.lines[place + 1 :]), counter) else "_"
        head = f"for {shown} in range({count_text}):"
        if len(self.lines) > place:  # else nothing is repeated
            self.lines[place] = Line(head, indent=self.indent)

    def fold(self, place: int, condition: str) -> None:
        """Make `if` and `else` at `place` one expression where it fits, as ruff asks (SIM108)."""
        if len(self.lines) - place != 4:
            return
        _, first, _, second = self.lines[place:]
        if first.target and first.target == second.target:
            condition = f"({condition})" if " if " in condition else condition
            code = f"{statement(first.code)} if {condition} else {statement(second.code)}"
            whole = str(Line(code, first.target, self.indent))
            if "\n" not in whole and len(whole) <= LINE_LENGTH:
                self.lines[place:] = [Line(code, first.target, self.indent)]

    def fresh(self, wanted: str) -> str:
        """A variable that is not in use."""
        name, number = wanted, 1
        while name in self.names:
            number += 1
            name = f"{wanted}{number}"
        self.names.add(name)
        return name

    # -- module scopes ---------------------------------------------------------------------------

    def module(self, nodes: tuple[Node, ...], label: Label, outputs: Iterable[str] = ()) -> str:
        """A scope of named children; returns the variable of its last value.

        `outputs` are children whose values are returned; their variables are kept.
        """
        names = tuple(outputs)
        scheduler = Scheduler(kept=sources(nodes).union(names), reserved=self.names)
        result = scheduler.body(nodes, "x")
        self.names |= scheduler.used
        variables: dict[str, str] = {}
        for made in scheduler.statements:
            value = made.value
            if isinstance(value, (Apply, Combine)):
                variables[str(value.node.name)] = made.target
            self.statement(made, label)
            if made.target == "x":
                self.entry = "x"
        self.outputs = [variables[name] for name in names]
        return result

    def read(self, variable: str) -> str:
        return self.entry if variable == "x" else variable

    def statement(self, made: Assign, label: Label) -> None:
        value = made.value
        if isinstance(value, Apply):
            self.child(value.node, made.target, self.read(value.source), label)
        elif isinstance(value, Copy):
            self.copy(made.target, self.read(value.source))
        elif isinstance(value, Split):
            source, count = self.read(value.source), str(value.count)
            self.assign(
                made.target, Call("keras.ops.split", (source, count, Keyword("axis", "-1")))
            )
        elif isinstance(value, Select):
            raw = self.read(value.otherwise)
            self.assign(made.target, raw)
            taken = value.node.when
            if value.node.where is Where.SHAPE_CHANGES:
                taken = binary("and", taken, self.changes(value.node, raw))
            with self.block(f"if {self.scope.dim(taken)}:"):
                self.child(value.step, made.target, self.read(value.source), label)
        else:
            self.combine(value, made.target, label)

    def changes(self, node: Residual, source: str) -> Dim:
        """The condition under which a residual's branch changes the shape."""
        change = self.file.analysis.changes[node.id]
        known = isinstance(change.entering, int) and isinstance(change.leaving, int)
        return change.condition(None if known else Var(f"{source}.shape[-1]"))

    def combine(self, value: Combine, target: str, label: Label) -> None:
        first, *others = value.operands
        last = first if isinstance(first, Apply) else None
        sources = [last.source if last else first, *others]
        operands = [self.read(source) for source in sources if isinstance(source, str)]
        layer = Call(f"layers.{JOINS[value.kind]}", (label.child(str(value.node.name)).keyword(),))
        joined = Call(layer, (Items("[", "]", tuple(operands)),))
        if value.when is True:
            self.assign(target, joined, self.note(value.node))
            return
        self.copy(target, operands[0])
        with self.block(f"if {self.scope.dim(value.when)}:"):
            if last is not None and isinstance(last.node, Layer):
                self.layer(last.node, target, target, label.child(str(last.node.name)))
            self.assign(target, joined, self.note(value.node))

    def note(self, node: Node) -> str:
        """The shape that leaves a node, height x width x channels."""
        shape = self.shapes.get(node.id) if not self.scope.loops else None
        return show_shape((*shape[1:], shape[0])) if shape else ""

    # -- one node --------------------------------------------------------------------------------

    def child(self, node: Child, target: str, source: str, label: Label) -> None:
        """`target` = node(`source`) for a child of a module scope."""
        named = label.child(str(node.name))
        if node.when is True:
            self.apply(node, target, source, named)
            return
        self.copy(target, source)
        with self.block(f"if {self.scope.dim(node.when)}:"):
            self.apply(node, target, target, named)

    def apply(self, node: Child, target: str, source: str, label: Label) -> None:
        """`target` = node(`source`), where the node is called `label`."""
        if isinstance(node, Group):
            self.copy(target, Sequence(self, label, target, source).run(node.body))
        elif isinstance(node, BlockCall):
            self.call(node, target, source, label)
        else:
            self.layer(node, target, source, label)

    def layer(self, node: Layer, target: str, source: str, label: Label) -> None:
        site = Site(self.file.style, node, source, target, label, self.scope)
        made = apply(node.op, site)
        if not made:
            self.copy(target, source)
            return
        *before, (last, note) = made
        for code, comment in before:
            if comment and len(str(Line(code, target, self.indent, comment))) > LINE_LENGTH:
                self.lines.append(Line(f"# {comment}", indent=self.indent))
                comment = ""
            self.assign(target, code, comment)
        self.assign(target, last, self.note(node) or note)

    def call(
        self, node: BlockCall, target: str, source: str, label: Label, start: Dim | None = None
    ) -> None:
        """A block, once or several times. `start` is the number of the first in a sequence."""
        first = "0" if start is None else self.scope.dim(start)
        if node.repeat is not None and uses_index(node):
            self.repetitions(node, target, source, label, start or 0)
            return
        inner = self.file.block(node.block) if node.repeat is None else self.file.stage(node)
        starts = counted(node) if node.repeat is not None else {}
        args = [(name, starts.get(name, dim)) for name, dim in node.args if inner.takes(name)]
        given = {name: self.scope.dim(dim) for name, dim in args}
        if node.repeat is not None:
            given[count_argument(self.file, node).of] = self.scope.dim(node.repeat)
            given[STAGE] = f'"{node.name}"'
        self.assign(target, inner.call(source, given, label, first), self.note(node))

    def repetitions(
        self, node: BlockCall, target: str, source: str, label: Label, start: Dim
    ) -> None:
        """Repetitions whose arguments depend on their number."""
        assert node.repeat is not None
        inner = self.file.block(node.block)
        self.copy(target, source)
        with self.loop(node.repeat):
            args = dict(node.args)
            for param in self.file.network.blocks[node.block].parameters:
                if param.once and param.default is not None and param.name in args:
                    first = binary("==", Var(INDEX), 0)
                    args[param.name] = if_else(first, args[param.name], param.default)
            given = {name: self.scope.dim(dim) for name, dim in args.items() if inner.takes(name)}
            named = repetition(label, node, Var(INDEX), start, self.scope)
            self.assign(target, inner.call(target, given, named))
        note = self.note(node)
        if note:
            self.lines[-1] = Line(self.lines[-1].code, target, self.indent + 4, note)
