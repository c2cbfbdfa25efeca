"""Folding: what never varies between the calls of a block becomes a constant of the block.

A parameter with one value is written into the body, a condition that always holds disappears,
a shortcut that is always projected loses its `where`, and blocks that nobody calls are dropped.
What depends on a name that the network leaves open stays, since its code takes that name.
What remains is what the emitted code needs: constructor arguments and real conditions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace

from ..expr.assume import Known, assuming, knowing, truth, without
from ..expr.dims import Dim, Expr, ExprError, Var, names, substitute
from ..ops import attribute_dims, map_attributes
from .counting import counts
from .elaborate import elaborate
from .lets import with_lets
from .nodes import Call, From, Group, Join, Layer, Loop, Node, Residual, Reuse, Where
from .structure import INDEX, Block, Network, Param, Stage, channel_names
from .trace import Elaborated, Instance
from .varying import NOTHING, Varying
from .walk import children, rebuilt, walk


def fold(made: Elaborated, found: Varying = NOTHING) -> Elaborated:
    """The folded network, elaborated. Raises `SpecError` where shapes do not fit.

    `found` is what its code leaves open: whatever depends on that stays an expression.
    """
    network = made.network
    touched = found.touched
    constants = {
        name: _constants(network.blocks[name], instances, touched)
        for name, instances in made.instances.items()
    }
    kept = {
        name: tuple(p for p in network.blocks[name].parameters if p.name not in values)
        for name, values in constants.items()
    }
    blocks: dict[str, Block] = {}
    for name, instances in made.instances.items():
        folder = _Folder(constants[name], instances, kept)
        blocks[name] = folder.block(network.blocks[name])
    left = {*found.reached, *(name for name, _ in network.lets)}  # which `lets` decides itself
    own = {name: value for name, value in network.env.items() if name not in left}
    root = _Folder(dict(own), (made.root,), kept)
    lets = root.lets(network.root)
    folded = replace(
        network,
        stages=tuple(Stage(s.label, root.body(s.body)) for s in network.stages),
        lets=lets,
        blocks={name: _with_good_defaults(block) for name, block in blocks.items()},
        parameters=tuple(p for p in network.parameters if p.name not in own),
        entering=_entering(network.root, own),
    )
    return elaborate(with_lets(_drop_unused(folded)))


def _constants(
    block: Block, instances: Iterable[Instance], varying: frozenset[tuple[str, str]]
) -> dict[str, Dim]:
    found: dict[str, Dim] = {}
    envs = [instance.env for instance in instances]
    for name in (*(p.name for p in block.parameters), *channel_names(block.entering).values()):
        values = {(type(env[name]), env[name]) for env in envs}
        if len(values) == 1 and (block.name, name) not in varying:
            found[name] = envs[0][name]
    return found


@dataclass
class _Folder:
    """Rewrites one definition under its constants and the decisions of all its instances."""

    constants: dict[str, Dim]
    instances: tuple[Instance, ...]
    kept: Mapping[str, tuple[Param, ...]]
    known: Known = field(default_factory=dict)  # what conditions around the present node tell

    def block(self, block: Block) -> Block:
        self.known = self.settled(block)
        lets = self.lets(block)
        return replace(
            block,
            body=self.body(block.body),
            parameters=self.kept[block.name],
            lets=lets,
            entering=_entering(block, self.constants),
        )

    def lets(self, block: Block) -> tuple[tuple[str, Dim], ...]:
        """The values that keep a name; others become constants of the block."""
        kept: list[tuple[str, Dim]] = []
        for name, dim in block.lets:
            value = self.dim(dim)
            if isinstance(value, Expr):
                kept.append((name, value))
            else:
                self.constants[name] = value
        return tuple(kept)

    def dim(self, dim: Dim) -> Dim:
        return assuming(substitute(dim, self.constants), self.known)

    @contextmanager
    def where(self, known: Known) -> Iterator[None]:
        """Inside, that is known of the parameters, too."""
        outer, self.known = self.known, {**self.known, **known}
        yield
        self.known = outer

    @contextmanager
    def repeated(self, count: Dim | None = None) -> Iterator[None]:
        """Inside, `index` is another number: zero where `count` says that there is but one turn."""
        outer = self.known, self.constants
        self.known = without(self.known, INDEX)
        turn: dict[str, Dim] = {INDEX: 0 if count == 1 else Var(INDEX)}
        self.constants = {**self.constants, **turn}
        yield
        self.known, self.constants = outer

    def decided(self, node: Node, what: str) -> bool | None:
        """What every instance decided about a node, or None where they differ."""
        found = {
            i.decisions[node.id, what] for i in self.instances if (node.id, what) in i.decisions
        }
        return next(iter(found)) if len(found) == 1 else None

    def settled(self, block: Block) -> Known:
        """What conditions tell that are the same in every instance, wherever they stand."""
        known: Known = {}
        for node in walk(block.body):
            if isinstance(node, (Layer, Group, Call, Loop, Residual)):
                asked = all((node.id, "when") in i.decisions for i in self.instances)
                holds = self.decided(node, "when")
                if asked and holds is not None:
                    known = {**known, **knowing(substitute(node.when, self.constants), holds)}
        return without(known, INDEX)

    def body(self, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        return tuple(made for node in nodes for made in self.node(node))

    def node(self, node: Node) -> tuple[Node, ...]:
        if isinstance(node, (Layer, Group, Call)):
            when = self.when(node)
            if when is False:
                return ()
            with self.where(knowing(self.dim(node.when))):
                return (self.inside(node, when),)
        if isinstance(node, Loop):
            when = self.when(node)
            count = self.dim(node.count)
            with self.where(knowing(self.dim(node.when))), self.repeated(count):
                body = () if when is False else self.body(node.body)
            if count == 1 and when is True:
                return body
            return (replace(node, count=count, body=body, when=when),) if body else ()
        if isinstance(node, Reuse) and node.repeat is not None:
            repeat = self.dim(node.repeat)
            return (replace(node, repeat=repeat),) if repeat != 0 else ()
        return self.residual(node) if isinstance(node, Residual) else (rebuilt(node, self.body),)

    def inside(self, node: Layer | Group | Call, when: Dim) -> Layer | Group | Call:
        if isinstance(node, Call):
            return self.call(node, when)
        if isinstance(node, Layer):
            return replace(node, op=map_attributes(node.op, self.dim), when=when)
        return replace(node, body=self.body(node.body), when=when)

    def when(self, node: Layer | Group | Call | Loop | Residual) -> Dim:
        if node.when is True:
            return True
        decided = self.decided(node, "when")
        if decided is not None:
            return decided
        return truth(substitute(node.when, self.constants), self.known)

    def call(self, node: Call, when: Dim) -> Call:
        keep = {p.name: p for p in self.kept[node.block]}
        repeat = None if node.repeat is None else self.dim(node.repeat)
        with nullcontext() if repeat is None else self.repeated():
            args = tuple((name, self.dim(dim)) for name, dim in node.args if name in keep)
        if repeat is not None:  # what only the first repetition gets is worth what it is there
            first = {name for name, p in keep.items() if p.once and p.default is not None}
            first |= {name for name, dim in args if repeat == 1 and not counts(dim)}
            args = tuple(
                (name, substitute(dim, {INDEX: 0}) if name in first else dim) for name, dim in args
            )
        return replace(node, args=args, repeat=repeat, when=when)

    def residual(self, node: Residual) -> tuple[Node, ...]:
        when = self.when(node)
        pre, branch = self.body(node.pre), self.body(node.branch)
        if when is False:
            return (*pre, *branch)
        takes = self.decided(node, "shortcut")
        with self.where(knowing(self.dim(node.when))):
            shortcut = () if takes is False else self.body(node.shortcut)
        return (
            replace(
                node,
                pre=pre,
                branch=branch,
                when=when,
                shortcut=shortcut,
                where=Where.ALWAYS if takes is not None else node.where,
                tap_pre=node.tap_pre and takes is not False,
                kind="identity" if takes is False else node.kind,
            ),
        )


def _entering(block: Block, constants: Mapping[str, Dim]) -> dict[str, Dim]:
    """What the channels of each input are worth, where some names have one value."""
    called = channel_names(block.entering)
    return {name: constants.get(called[name], dim) for name, dim in block.entering.items()}


def _with_good_defaults(block: Block) -> Block:
    """Without defaults under which an expression of the block has no value: no call takes one."""
    kept = (p if _is_good_default(block, p) else replace(p, default=None) for p in block.parameters)
    return replace(block, parameters=tuple(kept))


def _is_good_default(block: Block, param: Param) -> bool:
    if param.default is None or param.once:
        return True
    env: dict[str, Dim] = {param.name: param.default}
    try:
        for name, dim in block.lets:
            value = substitute(dim, env)
            env |= {} if isinstance(value, Expr) else {name: value}
        _try(block.body, env)
    except ExprError:
        return False
    return True


def _try(body: tuple[Node, ...], env: Mapping[str, Dim]) -> None:
    """Fill names into what is there for sure. Raises `ExprError` where something has no value."""
    for node in body:
        if isinstance(node, (Layer, Group, Call, Loop)):
            when = substitute(node.when, env)
            if isinstance(when, Expr) or not when:
                continue
        for dim in node_dims(node):
            substitute(dim, env)
        parts = (node.pre, node.branch) if isinstance(node, Residual) else children(node)
        for part in parts:
            _try(part, env)


def _drop_unused(network: Network) -> Network:
    """Without parameters and lets that no expression of their block mentions."""
    while True:
        unused = {
            (block.name, name)
            for block in network.blocks.values()
            for name in {*(p.name for p in block.parameters), *(n for n, _ in block.lets)}
            - used_names(block)
        }
        if not unused:
            return _without_unused_own(network)
        blocks = {name: _without(block, unused) for name, block in network.blocks.items()}
        stages = tuple(Stage(s.label, _strip(s.body, unused)) for s in network.stages)
        network = replace(network, blocks=blocks, stages=stages)


def _without_unused_own(network: Network) -> Network:
    """Without parameters and lets that nothing in the network's own scope mentions."""
    lets = network.lets
    while unused := {name for name, _ in lets} - used_names(replace(network, lets=lets).root):
        lets = tuple((name, dim) for name, dim in lets if name not in unused)
    network = replace(network, lets=lets)
    used = used_names(network.root)
    return replace(network, parameters=tuple(p for p in network.parameters if p.name in used))


def used_names(block: Block) -> set[str]:
    """The names that a block's body and lets mention."""
    used: set[str] = set()
    for _, dim in block.lets:
        used |= names(dim)
    for node in walk(block.body):
        for dim in node_dims(node):
            used |= names(dim)
    return used


def node_dims(node: Node) -> list[Dim]:
    """Every expression that stands on a node itself."""
    if isinstance(node, Layer):
        return [node.when, *attribute_dims(node.op)]
    if isinstance(node, Call):
        return [node.when, *(dim for _, dim in node.args), node.repeat or 0]
    if isinstance(node, Loop):
        return [node.when, node.count]
    if isinstance(node, Reuse):
        return [node.repeat or 0]
    return [] if isinstance(node, (Join, From)) else [node.when]


def _without(block: Block, unused: set[tuple[str, str]]) -> Block:
    return replace(
        block,
        body=_strip(block.body, unused),
        parameters=tuple(p for p in block.parameters if (block.name, p.name) not in unused),
        lets=tuple((name, dim) for name, dim in block.lets if (block.name, name) not in unused),
    )


def _strip(body: tuple[Node, ...], unused: set[tuple[str, str]]) -> tuple[Node, ...]:
    return tuple(_strip_node(node, unused) for node in body)


def _strip_node(node: Node, unused: set[tuple[str, str]]) -> Node:
    if isinstance(node, Call):
        args = tuple((name, dim) for name, dim in node.args if (node.block, name) not in unused)
        return replace(node, args=args)
    return rebuilt(node, lambda body: _strip(body, unused))
