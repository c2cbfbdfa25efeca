"""Elaboration: every block call with its numbers and shapes, each distinct instance made once.

The result keeps the structure. `flat` is the list-of-ops view of it, for those who need one.
Memoised by (block, arguments, input shape), so a thousand equal blocks cost one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import cast

from ..errors import DiagnosticCollector, Location
from ..expr.dims import Dim, ExprError, Number
from ..ops import Op, Shape, ShapeError, bind, bounded, fitting
from .again import CODE, difference, misfit
from .call_stack import CallStack
from .joining import Ways, joined, share
from .nodes import Call, From, Group, Join, Layer, Loop, Node, Residual, Reuse, Where, place_of
from .resizing import changes_shape
from .structure import INDEX, Block, Form, Network, channel_names
from .taps import ends
from .trace import (
    CallTrace,
    Elaborated,
    Env,
    FromTrace,
    GroupTrace,
    Instance,
    JoinTrace,
    OpTrace,
    ResidualTrace,
    Trace,
    leaving,
)

MAX_LAYERS = 500_000


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
    ends: dict[int, int] = field(default_factory=dict)
    named: dict[str, Shape] = field(default_factory=dict)  # what left the steps so far
    made: dict[str, Trace] = field(default_factory=dict)  # and the steps themselves
    position: int = 0
    layers: int = 0

    def inner(self, numbered: bool) -> _Scope:
        return _Scope(self.env, numbered, self.decisions, self.shapes, self.ends)

    def decide(self, node: Node, what: str, taken: bool) -> bool:
        key = (node.id, what)
        self.decisions[key] = taken if self.decisions.get(key, taken) is taken else None
        return taken


class _Elaborator:
    def __init__(self, network: Network) -> None:
        self.network = network
        self.memo: dict[object, Instance] = {}
        self.constant: set[int] = set()  # layers without expressions, found good
        self.instances: dict[str, list[Instance]] = {}
        self.ways = Ways()
        self.stack = CallStack()
        self.turns = 0

    def run(self) -> Elaborated:
        network = self.network
        env = network.env
        scope = _Scope(env, False, named=dict(network.inputs))
        x = network.input
        stages: list[tuple[Trace, ...]] = []
        for stage in network.stages:
            with self.stack.within(f"in stage '{stage.label}'"):
                items, x = self.body(stage.body, x, scope)
            stages.append(items)
        self.ways.check(self.stack)
        everything = tuple(item for stage in stages for item in stage)
        root = Instance(
            *(network.root, env, network.input, x, everything),
            *(scope.layers, scope.decisions, scope.shapes),
            ends=scope.ends,
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
                scope.named[item.name], scope.made[item.name] = x, item
                scope.named.update(leaving(item))
            scope.shapes[node.id], scope.ends[node.id] = x, len(items)
        return tuple(items), x

    def node(self, node: Node, x: Shape, scope: _Scope) -> Iterator[Trace]:
        if isinstance(node, (Layer, Group, Call, Loop)) and node.when is not True:
            taken = bool(self.stack.value(node.when, scope.env, node.at, "when"))
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
            made = GroupTrace(name, items, x, y, node)
            scope.named |= {tap.output: items[tap.members - 1].y for tap in ends(made, scope.ends)}
            yield made
        elif isinstance(node, Call):
            yield from self.call(node, x, scope)
        elif isinstance(node, Loop):
            yield from self.loop(node, x, scope)
        elif isinstance(node, Join):
            yield self.join(node, x, scope)
        elif isinstance(node, From):
            yield FromTrace(x, self.earlier(node.source, scope, node.at), node)
        elif isinstance(node, Reuse):
            yield from self.reuse(node, x, scope)
        else:
            yield self.residual(node, x, scope)

    def earlier(self, name: str, scope: _Scope, at: Location | None) -> Shape:
        """What left a step of the scope."""
        if name not in scope.named and "." in name:
            group, _, inside = name.partition(".")
            known = [one for one in scope.named if one.startswith(f"{group}.")]
            message = f"no value leaves '{inside}' in the group '{group}' for later steps"
            help = f"its steps end at {', '.join(known)}"
            raise self.stack.error(ShapeError(message, help=help), at, code="E210")
        if name not in scope.named:
            message = f"the step '{name}' is repeated 0 times: no value leaves it"
            help = "repeat it once at least, or go back to another step"
            raise self.stack.error(ShapeError(message, help=help), at, code="E210")
        return scope.named[name]

    def check_children(self, items: tuple[Trace, ...]) -> None:
        """Refuse a sequence where two children have one name, by a pattern or by themselves."""
        taken: set[str] = set()
        for item in items:
            name = "" if item.shares_scope else item.name
            if name and name in taken:
                help = "give the repetitions another pattern, such as `children: second{i}`"
                message = f"two children of this sequence are called '{name}'"
                raise self.stack.error(ShapeError(message, help=help), item.node.at, code="E106")
            taken.add(name)

    def child(self, name: str | None, scope: _Scope) -> str:
        """The node's name in its scope: its own, or its number in a sequence."""
        number = scope.position
        scope.position += 1
        return str(number) if name is None else name

    def layer(self, node: Layer, x: Shape, scope: _Scope) -> OpTrace:
        try:
            op = fitting(self.bind(node, scope.env), len(self.network.input) - 1)
            if op.like:
                op = op.beside(op.like, self.earlier(op.like, scope, place_of(node, "to")))
            y = bounded(op.output(x))
        except (ShapeError, ExprError) as error:
            raise self.stack.error(error, place_of(node, error.key)) from None
        self.add_layers(1, scope, node.at)
        return OpTrace(self.child(node.name, scope), op, x, y, node)

    def bind(self, node: Layer, env: Env) -> Op:
        if node.id in self.constant:
            return node.op
        op = bind(node.op, env)
        if op is node.op:
            self.constant.add(node.id)
        return op

    def add_layers(self, count: int, scope: _Scope, at: Location | None) -> None:
        scope.layers += count
        if scope.layers > MAX_LAYERS:
            message = f"the network has more than {MAX_LAYERS} layers"
            raise self.stack.error(ExprError(message, "repeat blocks less often"), at)

    def call(self, node: Call, x: Shape, scope: _Scope) -> Iterator[Trace]:
        block = self.network.blocks[node.block]
        xs = tuple(self.earlier(source, scope, node.at) for source in node.sources) or (x,)
        x = xs[0]
        if node.repeat is None:
            if block.form is Form.INLINE:
                instance = self.instance(node, block, xs, scope, 0, start=scope.position)
                scope.position = instance.end
                yield from instance.items
                return
            name = self.child(node.name, scope)
            instance = self.instance(node, block, xs, scope, 0)
            yield CallTrace(name, instance, x, instance.y, node)
            return
        count = self.stack.count(node.repeat, scope.env, place_of(node, "repeat"), "repeat")
        target = scope if node.name is None else scope.inner(numbered=True)
        items: list[Trace] = []
        y = x
        for i in range(count):
            instance = self.instance(node, block, xs, scope, i)
            name = self.repetition(node, i, target)
            items.append(CallTrace(name, instance, y, instance.y, node))
            y, xs = instance.y, instance.outputs or (instance.y,)
        if node.name is None:
            yield from items
        else:
            yield GroupTrace(self.child(node.name, scope), tuple(items), x, y, node)

    def repetition(self, node: Call, i: int, target: _Scope) -> str:
        number = self.child(None, target)
        if node.children == "{i}":
            return number
        pattern = node.children.replace("{name}", str(node.name))
        return pattern.replace("{i}", str(i)).replace("{n}", str(i + 1))

    def instance(
        self,
        node: Call,
        block: Block,
        xs: tuple[Shape, ...],
        scope: _Scope,
        index: int,
        start: int = 0,
    ) -> Instance:
        given = dict(node.args)
        outer = {**scope.env, INDEX: index} if node.repeat is not None else scope.env
        env: dict[str, Number] = {}
        for param in block.parameters:
            dim = given.get(param.name)
            at = place_of(node, param.name)
            if dim is None or (param.once and index > 0 and param.default is not None):
                dim = param.default
            env[param.name] = self.stack.value(cast(Dim, dim), outer, at, param.name)
        key = (block.name, tuple((type(v), v) for v in env.values()), xs, start)
        made = self.memo.get(key)
        if made is None:
            place = f", repetition {index + 1}" if node.repeat is not None else ""
            called = f" as '{node.name}'" if node.name else ""
            with self.stack.within(f"in block '{block.name}', called{called}{place}", node.at):
                made = self.memo[key] = self.make(block, env, xs, start)
            self.instances.setdefault(block.name, []).append(made)
        self.add_layers(made.layers, scope, node.at)
        return made

    def make(
        self, block: Block, env: dict[str, Number], xs: tuple[Shape, ...], start: int
    ) -> Instance:
        named = dict(zip(block.entering, xs, strict=True))
        called = channel_names(block.entering)
        env = {**env, **{called[name]: shape[0] for name, shape in named.items()}}
        for name, dim in block.lets:
            env[name] = self.stack.value(dim, env, block.at, name)
        scope = _Scope(env, block.form is not Form.MODULE, named=named, position=start)
        items, y = self.body(block.body, xs[0], scope)
        outputs = tuple(named[output] for output in block.outputs.values())
        if block.form is Form.SEQUENCE:
            self.check_children(items)
        return Instance(
            *(block, env, xs[0], outputs[0] if outputs else y, items, scope.layers),
            *(scope.decisions, scope.shapes, scope.position),
            outputs=outputs,
        )

    def reuse(self, node: Reuse, x: Shape, scope: _Scope) -> Iterator[Trace]:
        if node.of not in scope.made:
            message = f"the step '{node.of}' is repeated 0 times: it has no weights"
            error = ShapeError(message, help="repeat it once at least")
            raise self.stack.error(error, node.at, code=CODE)
        if node.repeat is None:
            yield self.again(node, str(node.name), x, scope)
            return
        items: list[Trace] = []
        y = x
        for i in range(self.stack.count(node.repeat, scope.env, node.at, "repeat")):
            items.append(self.again(node, str(i), y, scope))
            y = items[-1].y
            if y[0] != x[0]:
                message = f"the step '{node.of}' makes {y[0]} channels of {x[0]}: "
                message += "it cannot be applied to what it makes"
                help = f"put it into a block with a step that leads back to {x[0]}"
                raise self.stack.error(ShapeError(message, help=help), node.at, code=CODE)
        if items:
            yield GroupTrace(str(node.name), tuple(items), x, y, node)

    def again(self, node: Reuse, name: str, x: Shape, scope: _Scope) -> Trace:
        """The step that a node names, applied to what has shape `x`."""
        first = scope.made[node.of]
        if error := misfit(node, first, x):
            raise self.stack.error(error, node.at, code=CODE)
        inner = _Scope(scope.env, False, scope.decisions)
        with self.stack.within(f"in '{node.of}', applied again", node.at):
            (item,) = self.node(_called(first.node, name), x, inner)
        self.add_layers(inner.layers, scope, node.at)
        if error := difference(node, first, item):
            raise self.stack.error(error, node.at, code=CODE)
        assert isinstance(item, (OpTrace, CallTrace, GroupTrace))
        return replace(item, name=name, again=node)

    def loop(self, node: Loop, x: Shape, scope: _Scope) -> Iterator[Trace]:
        outer = scope.env
        for i in range(self.stack.count(node.count, outer, node.at, "repeat")):
            scope.env = {**outer, INDEX: i}
            self.turns += 1
            if self.turns > MAX_LAYERS:
                message = f"more than {MAX_LAYERS} turns of loops"
                raise self.stack.error(ExprError(message, "repeat the steps less often"), node.at)
            for inner in node.body:
                for item in self.node(inner, x, scope):
                    x = item.y
                    yield item
        scope.env = outer

    def join(self, node: Join, x: Shape, scope: _Scope) -> JoinTrace:
        each = share(node, x, self.stack) if node.split else x
        traces: list[tuple[tuple[Trace, ...], Shape]] = []
        collector = DiagnosticCollector()
        for branch in node.branches:
            with collector.part():
                items, y = self.body(branch.body, each, scope)
                self.ways.branch(node, branch.body, items, self.stack)
                traces.append((items, y))
        collector.done()
        shapes = [y for _, y in traces]
        y = joined(node, shapes, self.stack)
        return JoinTrace(tuple(items for items, _ in traces), x, y, node)

    def residual(self, node: Residual, x: Shape, scope: _Scope) -> ResidualTrace:
        pre, tapped = self.body(node.pre, x, scope)
        branch, y = self.body(node.branch, tapped, scope)
        if not scope.decide(
            node, "when", bool(self.stack.value(node.when, scope.env, node.at, "when"))
        ):
            return ResidualTrace(pre, branch, None, x, y, node)
        self.ways.branch(node, node.branch, branch, self.stack)
        changes = changes_shape((*pre, *branch), x, y)
        takes = bool(node.shortcut) and (node.where is Where.ALWAYS or changes)
        scope.decide(node, "shortcut", takes)
        shortcut, carried = self.body(node.shortcut if takes else (), _tap(node, x, tapped), scope)
        if takes:
            self.ways.note("shortcut", node.shortcut, shortcut)
        else:
            carried = x
        if carried != y:
            raise self.stack.carries(node, y, carried)
        return ResidualTrace(pre, branch, shortcut, x, y, node)


def _called(node: Node, name: str) -> Node:
    """A step as it is where it is applied again: a call takes what comes in.

    What it repeats is called as there, for it is that which has the weights.
    """
    if not isinstance(node, Call):
        return node
    children = node.children.replace("{name}", str(node.name))
    return replace(node, name=name, children=children, sources=())


def _tap(node: Residual, x: Shape, tapped: Shape) -> Shape:
    return tapped if node.tap_pre else x
