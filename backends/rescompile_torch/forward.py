"""The forward pass of a class: statements from the schedule, light calls folded into one line."""

from __future__ import annotations

from collections.abc import Iterator

from rescompile.emit.layout import Call, Chain, Code, Items, statement
from rescompile.emit.schedule import Apply, Assign, Combine, Copy, Operand, Scheduler, Select, Split
from rescompile.ir.structure import Call as BlockCall
from rescompile.ir.structure import Group, JoinKind, Layer, Node, channels_last, sources
from rescompile.ops import Flatten, GlobalAvgPool, LayerScale, Shape, show_shape

from .modules import Site, module
from .reserved import FILE_NAMES
from .view import File, Scope

INDENT = 8
MAX_FOLDED = 4


Flags = dict[tuple[int, str], str]  # of a residual and what is decided, as in `Instance.decisions`


class Forward:
    """The schedule of one class, and its lines once the attributes have names."""

    def __init__(self, file: File, scope: Scope, body: tuple[Node, ...], root: bool) -> None:
        self.file = file
        self.scope = scope
        outputs = file.network.outputs if root else ()
        kept = sources(body).union(outputs)
        scheduler = Scheduler(inline=True, kept=kept, reserved=("self", *FILE_NAMES))
        self.outputs = outputs
        self.result = scheduler.body(body, "x")
        self.held = scheduler.held
        self.statements = scheduler.statements
        self.in_place = overwriting(self.statements)
        self.shapes = file.analysis.elaborated.root.shapes if root else {}
        self.permuted = channels_last(body)

    def module(self, node: Layer) -> Code:
        """The constructor of a layer's module."""
        traces = self.file.analysis.traces[node.id]
        op = self.file.resolved(node)
        in_place = node.id in self.in_place
        site = Site(self.scope.entering(node), len(traces[0].x) == 3, in_place, self.scope.dim)
        made = module(op, site)
        if isinstance(made, Call) and isinstance(made.func, str) and "." not in made.func:
            self.file.helpers.add(made.func)
        return made

    def lines(self, attributes: dict[int, str], flags: Flags) -> Iterator[str]:
        self.attributes, self.flags = attributes, flags
        pending: tuple[str, Code, int, Shape | None] | None = None
        for made in self.statements:
            value, target = made.value, made.target
            folds = (
                isinstance(value, Apply)
                and pending is not None
                and pending[0] == value.source == target
                and pending[2] < MAX_FOLDED
                and is_light(value.node)
                and not (is_operator(value.node) and is_expression(pending[1]))
            )
            if folds:
                assert pending is not None
                assert isinstance(value, Apply)
                code = self.apply(value.node, pending[1])
                pending = (target, code, pending[2] + 1, self.shape(value))
                continue
            if pending is not None:
                yield self.line(f"{pending[0]} = ", pending[1], pending[3])
            pending = (target, self.value(value), 1, self.shape(value))
        yield from self.last(pending)

    def last(self, pending: tuple[str, Code, int, Shape | None] | None) -> Iterator[str]:
        wanted = [self.held[name] for name in self.outputs] or [self.result]
        if pending is None:
            yield self.line("return ", "x", None)
        elif wanted == [pending[0]]:
            yield self.line("return ", pending[1], pending[3])
        else:
            yield self.line(f"{pending[0]} = ", pending[1], pending[3])
            yield self.line("return ", ", ".join(wanted), None)

    def line(self, before: str, code: Code, shape: Shape | None) -> str:
        comment = show_shape(shape) if shape else ""
        return statement(code, before=before, indent=INDENT, comment=comment)

    def shape(self, value: Apply | Copy | Select | Combine | Split) -> Shape | None:
        if isinstance(value, (Copy, Select, Split)):
            return None
        shape = self.shapes.get(value.node.id)
        if shape and value.node.id in self.permuted:
            return (*shape[1:], shape[0])
        return shape

    def value(self, value: Apply | Copy | Select | Combine | Split) -> Code:
        if isinstance(value, Apply):
            return self.apply(value.node, value.source)
        if isinstance(value, Copy):
            return value.source
        if isinstance(value, Combine):
            return self.combine(value)
        if isinstance(value, Split):
            return f"{value.source}.chunk({value.count}, 1)"
        applied = self.apply(value.step, value.source)
        flag = self.flags.get((value.node.id, "shortcut"))
        if flag is None:
            return applied
        return f"{statement(applied)} if self.{flag} else {value.otherwise}"

    def apply(self, node: Layer | Group | BlockCall, source: Code) -> Code:
        attribute = f"self.{self.attributes[node.id]}"
        if isinstance(node, Layer) and node.when is True:
            if isinstance(node.op, Flatten):
                return f"{statement(source)}.flatten(1)"
            if isinstance(node.op, GlobalAvgPool) and not node.op.keepdims:
                return f"{statement(Call(attribute, (source,)))}.flatten(1)"
            if isinstance(node.op, LayerScale):
                return Chain("*", (attribute, source))
        return Call(attribute, (source,))

    def combine(self, value: Combine) -> Code:
        operands = [self.operand(operand) for operand in value.operands]
        if value.kind is JoinKind.CONCAT:
            return Call("torch.cat", (Items("[", "]", tuple(operands)), "1"))
        first, *others = value.operands
        if isinstance(first, Apply) and len(others) == 1 and isinstance(others[0], str):
            operands.reverse()  # x + f(x)
        operator = "*" if value.kind is JoinKind.MULTIPLY else "+"
        joined = Chain(operator, tuple(operands))
        if value.when is True:
            return joined
        alone = self.operand(first)
        if isinstance(first, Apply) and first.node.when is not True:
            alone = first.source
        flag = self.flags[value.node.id, "when"]
        return f"{statement(joined)} if self.{flag} else {statement(alone)}"

    def operand(self, operand: Operand) -> Code:
        return operand if isinstance(operand, str) else self.apply(operand.node, operand.source)


def is_light(node: Layer | Group | BlockCall) -> bool:
    return isinstance(node, Layer) and node.op.light


def is_operator(node: Layer | Group | BlockCall) -> bool:
    """Whether it is written as an operator or a method, which binds closer than what is before."""
    return isinstance(node, Layer) and isinstance(node.op, (Flatten, LayerScale))


def is_expression(code: Code) -> bool:
    """Whether code would need parentheses as an operand."""
    return isinstance(code, Chain) or (isinstance(code, str) and " " in code)


def overwriting(statements: list[Assign]) -> set[int]:
    """The activations that may work in place: their input is fresh, and nobody else has it."""
    found: set[int] = set()
    before: Assign | None = None
    for made in statements:
        value = made.value
        if isinstance(value, Apply) and isinstance(value.node, Layer) and before is not None:
            same = before.target == value.source == made.target
            if same and value.node.op.in_place and is_fresh(before):
                found.add(value.node.id)
        before = made
    return found


def is_fresh(made: Assign) -> bool:
    value = made.value
    if isinstance(value, Combine):
        return value.kind is not JoinKind.MULTIPLY and value.when is True
    return isinstance(value, Apply) and isinstance(value.node, Layer) and _is_fresh_op(value.node)


def _is_fresh_op(node: Layer) -> bool:
    return node.op.fresh and node.when is True
