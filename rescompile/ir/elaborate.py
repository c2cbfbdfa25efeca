"""Elaboration: every block call with its numbers and shapes, each distinct instance made once.

The result keeps the structure. `flat` is the list-of-ops view of it, for those who need one.
Memoised by (block, arguments, input shape), so a thousand equal blocks cost one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from ..errors import Diagnostic, Location, SpecError
from .expr import Dim, ExprError, Number, evaluate
from .ops import Op, Shape, ShapeError, bind, bounded, show_shape
from .structure import (
    CLASSES,
    IN_CHANNELS,
    INDEX,
    Block,
    Branch,
    Call,
    Form,
    Group,
    Join,
    JoinKind,
    Layer,
    Loop,
    Network,
    Node,
    Path,
    Residual,
    Where,
)

MAX_REPEAT = 10_000
MAX_LAYERS = 500_000
Env = Mapping[str, Number]
Decisions = Mapping[tuple[int, str], bool | None]


@dataclass(frozen=True, slots=True)
class OpTrace:
    """An operation with numbers for attributes, from shape `x` to shape `y`."""

    name: str
    op: Op
    x: Shape
    y: Shape
    node: Layer


@dataclass(frozen=True, slots=True)
class CallTrace:
    """A block call, or one repetition of it, with the instance that it runs."""

    name: str
    instance: Instance
    x: Shape
    y: Shape
    node: Call


@dataclass(frozen=True, slots=True)
class GroupTrace:
    """A sequence: a group, or the repetitions of a named call."""

    name: str
    items: tuple[Trace, ...]
    x: Shape
    y: Shape
    node: Group | Call


@dataclass(frozen=True, slots=True)
class JoinTrace:
    """Branches from one input, brought together."""

    branches: tuple[tuple[Trace, ...], ...]
    x: Shape
    y: Shape
    node: Join


@dataclass(frozen=True, slots=True)
class ResidualTrace:
    """`shortcut` is None where nothing is added, and empty where the identity is."""

    pre: tuple[Trace, ...]
    branch: tuple[Trace, ...]
    shortcut: tuple[Trace, ...] | None
    x: Shape
    y: Shape
    node: Residual


Trace = OpTrace | CallTrace | GroupTrace | JoinTrace | ResidualTrace


@dataclass(frozen=True, eq=False, slots=True)
class Instance:
    """A block under given arguments and input shape.

    `decisions` tells, for each node with a condition, whether it was taken (None: both, in a loop);
    a residual has two, "when" for the addition and "shortcut" for the shortcut's own steps.
    """

    block: Block
    env: Env
    x: Shape
    y: Shape
    items: tuple[Trace, ...]
    layers: int
    decisions: Decisions = field(default_factory=dict)
    shapes: Mapping[int, Shape] = field(default_factory=dict)  # id(node) -> what leaves it
    end: int = 0  # for an inline block: the number of the caller's next child


@dataclass(frozen=True, eq=False, slots=True)
class Elaborated:
    """A network with all its instances. `stages` has, for each stage of the network, its traces."""

    network: Network
    stages: tuple[tuple[Trace, ...], ...]
    instances: Mapping[str, tuple[Instance, ...]]
    root: Instance
    output: Shape

    def flat(self) -> Iterator[tuple[Path, OpTrace]]:
        """Every operation at its path, in the order of execution."""
        for stage in self.stages:
            yield from flatten(stage)


def flatten(items: tuple[Trace, ...], path: Path = ()) -> Iterator[tuple[Path, OpTrace]]:
    for item in items:
        if isinstance(item, OpTrace):
            yield (*path, item.name), item
        elif isinstance(item, CallTrace):
            yield from flatten(item.instance.items, (*path, item.name))
        elif isinstance(item, GroupTrace):
            yield from flatten(item.items, (*path, item.name))
        else:
            for part in parts(item):
                yield from flatten(part, path)


def parts(item: JoinTrace | ResidualTrace) -> tuple[tuple[Trace, ...], ...]:
    """The trace lists inside a join, in the order of execution; they share its scope."""
    if isinstance(item, JoinTrace):
        return item.branches
    return (item.pre, item.shortcut or (), item.branch)


def elaborate(network: Network) -> Elaborated:
    """Give every call its numbers and shapes. Raises `SpecError` where they do not fit."""
    return _Elaborator(network).run()


@dataclass
class _Scope:
    """Where nodes are being elaborated: the names' values, numbering, and what was decided."""

    env: dict[str, Number]
    numbered: bool
    decisions: dict[tuple[int, str], bool | None] = field(default_factory=dict)
    shapes: dict[int, Shape] = field(default_factory=dict)
    position: int = 0
    layers: int = 0

    def inner(self, numbered: bool) -> _Scope:
        return _Scope(self.env, numbered, self.decisions, self.shapes)

    def decide(self, node: Node, what: str, taken: bool) -> bool:
        key = (id(node), what)
        self.decisions[key] = taken if self.decisions.get(key, taken) is taken else None
        return taken


class _Elaborator:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.memo: dict[object, Instance] = {}
        self.constant: set[int] = set()  # layers without expressions, found good
        self.instances: dict[str, list[Instance]] = {}
        self.frames: list[tuple[str, Location | None]] = []
        self.turns = 0

    def run(self) -> Elaborated:
        network = self.network
        env: dict[str, Number] = {IN_CHANNELS: network.input[0]}
        if network.classes is not None:
            env[CLASSES] = network.classes
        scope = _Scope(env, False)
        x = network.input
        stages: list[tuple[Trace, ...]] = []
        for stage in network.stages:
            self.frames.append((f"in stage '{stage.label}'", None))
            items, x = self.body(stage.body, x, scope)
            stages.append(items)
            self.frames.pop()
        everything = tuple(item for stage in stages for item in stage)
        block = Block(network.name, Form.MODULE, network.body)
        root = Instance(
            block, env, network.input, x, everything, scope.layers, scope.decisions, scope.shapes
        )
        found = {name: tuple(made) for name, made in self.instances.items()}
        return Elaborated(network, tuple(stages), found, root, x)

    def body(
        self, nodes: tuple[Node, ...], x: Shape, scope: _Scope
    ) -> tuple[tuple[Trace, ...], Shape]:
        items: list[Trace] = []
        for node in nodes:
            for item in self.node(node, x, scope):
                items.append(item)
                x = item.y
            scope.shapes[id(node)] = x
        return tuple(items), x

    def node(self, node: Node, x: Shape, scope: _Scope) -> Iterator[Trace]:
        if isinstance(node, (Layer, Group, Call)) and node.when is not True:
            taken = bool(self.value(node.when, scope.env, node.at, "when"))
            if not scope.decide(node, "when", taken):
                return
        if isinstance(node, Layer):
            yield self.layer(node, x, scope)
        elif isinstance(node, Group):
            inner = scope.inner(numbered=True)
            name = self.child(node.name, scope)
            items, y = self.body(node.body, x, inner)
            self.check_children(items)
            self.add_layers(inner.layers, scope, node.at)
            yield GroupTrace(name, items, x, y, node)
        elif isinstance(node, Call):
            yield from self.call(node, x, scope)
        elif isinstance(node, Loop):
            yield from self.loop(node, x, scope)
        elif isinstance(node, Join):
            yield self.join(node, x, scope)
        else:
            yield self.residual(node, x, scope)

    def check_children(self, items: tuple[Trace, ...]) -> None:
        """Refuse a sequence where two children have one name, by a pattern or by themselves."""
        taken: set[str] = set()
        for item in items:
            name = "" if isinstance(item, (JoinTrace, ResidualTrace)) else item.name
            if name and name in taken:
                help = "give the repetitions another pattern, such as `children: second{i}`"
                message = f"two children of this sequence are called '{name}'"
                raise self.error(ShapeError(message, help=help), item.node.at, code="E106")
            taken.add(name)

    def child(self, name: str | None, scope: _Scope) -> str:
        """The node's name in its scope: its own, or its number in a sequence."""
        number = scope.position
        scope.position += 1
        return str(number) if name is None else name

    def layer(self, node: Layer, x: Shape, scope: _Scope) -> OpTrace:
        try:
            op = self.bind(node, scope.env)
            y = bounded(op.output(x))
        except (ShapeError, ExprError) as error:
            raise self.error(error, node.at) from None
        self.add_layers(1, scope, node.at)
        return OpTrace(self.child(node.name, scope), op, x, y, node)

    def bind(self, node: Layer, env: Env) -> Op:
        if id(node) in self.constant:
            return node.op
        op = bind(node.op, env)
        if op is node.op:
            self.constant.add(id(node))
        return op

    def add_layers(self, count: int, scope: _Scope, at: Location | None) -> None:
        scope.layers += count
        if scope.layers > MAX_LAYERS:
            raise self.error(ExprError(f"the network has more than {MAX_LAYERS} layers"), at)

    def call(self, node: Call, x: Shape, scope: _Scope) -> Iterator[Trace]:
        block = self.network.blocks[node.block]
        if node.repeat is None:
            if block.form is Form.INLINE:
                instance = self.instance(node, block, x, scope, 0, start=scope.position)
                scope.position = instance.end
                yield from instance.items
                return
            name = self.child(node.name, scope)
            instance = self.instance(node, block, x, scope, 0)
            yield CallTrace(name, instance, x, instance.y, node)
            return
        count = self.count(node.repeat, scope.env, node.at, "repeat")
        target = scope if node.name is None else scope.inner(numbered=True)
        items: list[Trace] = []
        y = x
        for i in range(count):
            instance = self.instance(node, block, y, scope, i)
            name = self.repetition(node, i, target)
            items.append(CallTrace(name, instance, y, instance.y, node))
            y = instance.y
        if node.name is None:
            yield from items
        else:
            yield GroupTrace(self.child(node.name, scope), tuple(items), x, y, node)

    def repetition(self, node: Call, i: int, target: _Scope) -> str:
        number = self.child(None, target)
        if node.children == "{i}":
            return number
        return node.children.replace("{i}", str(i)).replace("{n}", str(i + 1))

    def instance(
        self, node: Call, block: Block, x: Shape, scope: _Scope, index: int, start: int = 0
    ) -> Instance:
        given = dict(node.args)
        outer = {**scope.env, INDEX: index} if node.repeat is not None else scope.env
        env: dict[str, Number] = {}
        for param in block.parameters:
            dim = given.get(param.name)
            if dim is None or (param.once and index > 0 and param.default is not None):
                dim = param.default
            env[param.name] = self.value(cast(Dim, dim), outer, node.at, param.name)
        key = (block.name, tuple((type(v), v) for v in env.values()), x, start)
        made = self.memo.get(key)
        if made is None:
            place = f", repetition {index + 1}" if node.repeat is not None else ""
            called = f" as '{node.name}'" if node.name else ""
            self.frames.append((f"in block '{block.name}', called{called}{place}", node.at))
            made = self.memo[key] = self.make(block, env, x, start)
            self.instances.setdefault(block.name, []).append(made)
            self.frames.pop()
        self.add_layers(made.layers, scope, node.at)
        return made

    def make(self, block: Block, env: dict[str, Number], x: Shape, start: int) -> Instance:
        env = {**env, IN_CHANNELS: x[0]}
        for name, dim in block.lets:
            env[name] = self.value(dim, env, block.at, name)
        scope = _Scope(env, block.form is not Form.MODULE, position=start)
        items, y = self.body(block.body, x, scope)
        if block.form is Form.SEQUENCE:
            self.check_children(items)
        return Instance(
            block, env, x, y, items, scope.layers, scope.decisions, scope.shapes, scope.position
        )

    def loop(self, node: Loop, x: Shape, scope: _Scope) -> Iterator[Trace]:
        outer = scope.env
        for i in range(self.count(node.count, outer, node.at, "repeat")):
            scope.env = {**outer, INDEX: i}
            self.turns += 1
            if self.turns > MAX_LAYERS:
                raise self.error(ExprError(f"more than {MAX_LAYERS} turns of loops"), node.at)
            for inner in node.body:
                for item in self.node(inner, x, scope):
                    x = item.y
                    yield item
        scope.env = outer

    def join(self, node: Join, x: Shape, scope: _Scope) -> JoinTrace:
        traces = [self.body(branch.body, x, scope) for branch in node.branches]
        shapes = [y for _, y in traces]
        y = self.joined(node, shapes)
        return JoinTrace(tuple(items for items, _ in traces), x, y, node)

    def joined(self, node: Join, shapes: list[Shape]) -> Shape:
        if node.kind is JoinKind.CONCAT:
            rest = {shape[1:] for shape in shapes}
            if len(rest) > 1:
                raise self.mismatch(
                    node.at, "concatenates", node.branches, shapes, "height and width"
                )
            try:
                return bounded((sum(shape[0] for shape in shapes), *shapes[0][1:]))
            except ShapeError as error:
                raise self.error(error, node.at) from None
        top = max(shapes, key=lambda s: (len(s), s))
        for shape in shapes:
            gate = node.kind is JoinKind.MULTIPLY and shape == (*top[:1], 1, 1)
            if shape != top and not gate:
                raise self.mismatch(node.at, node.kind.value + "s", node.branches, shapes, "shape")
        return top

    def mismatch(
        self,
        at: Location | None,
        verb: str,
        branches: tuple[Branch, ...],
        shapes: list[Shape],
        what: str,
    ) -> SpecError:
        listed = ", ".join(
            f"{branch.name or f'branch {i + 1}'}: {show_shape(shape)}"
            for i, (branch, shape) in enumerate(zip(branches, shapes, strict=True))
        )
        message = f"{self.place()}{verb} branches of different shape"
        error = ShapeError(message, listed, f"give every branch the same {what}")
        return self.error(error, at, code="E203")

    def residual(self, node: Residual, x: Shape, scope: _Scope) -> ResidualTrace:
        pre, tapped = self.body(node.pre, x, scope)
        branch, y = self.body(node.branch, tapped, scope)
        if not scope.decide(node, "when", bool(self.value(node.when, scope.env, node.at, "when"))):
            return ResidualTrace(pre, branch, None, x, y, node)
        if not branch:
            message = "the branch of this residual is empty: no step of it is taken"
            raise self.error(ShapeError(message, help="give the residual a `when`"), node.at)
        changes = x != y or _strided((*pre, *branch))
        takes = bool(node.shortcut) and (node.where is Where.ALWAYS or changes)
        scope.decide(node, "shortcut", takes)
        shortcut, carried = self.body(node.shortcut if takes else (), _tap(node, x, tapped), scope)
        if not takes:
            carried = x
        if carried != y:
            raise self.carries(node, y, carried)
        return ResidualTrace(pre, branch, shortcut, x, y, node)

    def carries(self, node: Residual, y: Shape, carried: Shape) -> SpecError:
        if y[0] != carried[0]:
            message = f"{self.place()}adds {y[0]} and {carried[0]} channels"
            label = f"the {node.kind} shortcut carries {carried[0]} channels"
        else:
            message = f"{self.place()}adds {show_shape(y)} and {show_shape(carried)}"
            label = f"the {node.kind} shortcut carries {show_shape(carried)}"
        help = "set `shortcut: projection`, or make the branch keep the shape"
        if node.kind != "identity":
            help = "the branch must shrink the map by its strides alone: check its padding"
        calls = [at for _, at in self.frames if at]
        library = calls and node.at and calls[0].file != node.at.file  # blame the user's own file
        at = calls[0] if library else node.at
        return self.error(ShapeError(message, label, help), at, code="E203")

    def place(self) -> str:
        stage = next((f for f, _ in self.frames if f.startswith("in stage")), "")
        return stage.removeprefix("in ") + " " if stage else ""

    def count(self, dim: Dim, env: Env, at: Location | None, what: str) -> int:
        value = self.value(dim, env, at, what)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_REPEAT:
            message = f"{what} is {value}; it must be a whole number from 1 to {MAX_REPEAT}"
            raise self.error(ExprError(message), at)
        return value

    def value(self, dim: Dim, env: Env, at: Location | None, what: str) -> Number:
        try:
            return evaluate(dim, env)
        except ExprError as error:
            raise self.error(ExprError(f"{what}: {error}", error.help), at) from None

    def error(
        self, error: ShapeError | ExprError, at: Location | None, code: str | None = None
    ) -> SpecError:
        label = error.label if isinstance(error, ShapeError) else ""
        code = code or ("E201" if isinstance(error, ShapeError) else "E204")
        notes = tuple(
            f"{text} ({call.file}:{call.line})" if call else text
            for text, call in reversed(self.frames)
        )
        return SpecError([Diagnostic(code, str(error), at, label, error.help, notes)])


def _strided(items: tuple[Trace, ...]) -> bool:
    """Whether anything here has a stride, be it on a map of one pixel, which stays as it is.

    The condition in the code is `stride != 1 or ...`: it sees strides, not the sizes of maps.
    """
    return any(tuple(trace.op.strides()) != (1, 1) for _, trace in flatten(items))


def _tap(node: Residual, x: Shape, tapped: Shape) -> Shape:
    return tapped if node.tap_pre else x
