"""What a part of a network does to the extents of maps: one rule, for traces and for definitions.

Operations tell what they do, by numbers or by expressions (`Op.resizes`); here that is followed
through everything that holds operations. Elaboration asks it of traces, emitters and lowering of
definitions, and `invariants` proves that both answer the same on every call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

from ..expr.dims import Dim, Var, binary, names, substitute
from ..ops import KEEPS, Extents, Resize, Resizes, Shape
from .flow import MAX_CHAIN, RUNNING, Blocks, Flow, SymbolicError, arguments, at_index, expand
from .nodes import Call, From, Group, Join, Layer, Loop, Node, Residual, Reuse, is_several
from .structure import INDEX, Block
from .trace import CallTrace, FromTrace, JoinTrace, OpTrace, ResidualTrace, Trace, turns

UNCHANGED: Resizes = (KEEPS,)


def after(first: Resizes, second: Resizes) -> Resizes:
    """All axes through one part and then another."""
    return tuple(one.then(other) for one, other in beside(first, second))


def beside(first: Resizes, second: Resizes) -> list[tuple[Resize, Resize]]:
    """The axes of both; one that holds of all axes stands beside each."""
    count = max(len(first), len(second))
    return list(zip(spread(first, count), spread(second, count), strict=True))


def spread(resizes: Resizes, count: int) -> Resizes:
    """So many axes."""
    return resizes * count if len(resizes) == 1 else resizes


def together(start: Resizes, ends: list[Resizes]) -> Resizes:
    """What a join does, from what its branches do: those that leave one pixel are its gates."""
    ways = [end for end in ends if end[0].fixed is not True] or ends
    return next((end for end in ways if any(a != b for a, b in beside(end, start))), ways[0])


def changes_shape(items: tuple[Trace, ...], x: Shape, y: Shape) -> bool:
    """Whether traces from shape `x` to shape `y` change it, so that no identity passes them.

    One that scales a map changes it even where that is one pixel, which stays as it is: the code
    of a block sees strides, not the sizes of maps, and its condition is `stride != 1`.
    """
    if x != y:
        return True
    return any(axis.scales() for axis in traced(items))


def traced(
    items: Iterable[Trace], start: Resizes = UNCHANGED, named: dict[str, Resizes] | None = None
) -> Resizes:
    """What traces one after the other do, in numbers."""
    named = {} if named is None else named
    for item in items:
        if is_several(item.node):
            start = _several(item, item.node, start, named)
        else:
            start = _traced(item, start, named)
        named[item.name] = start
    return start


def _several(item: Trace, node: Call, start: Resizes, named: dict[str, Resizes]) -> Resizes:
    """What a call does that takes or gives several values, turn by turn."""
    given = [named[source] for source in node.sources] or [start]
    for call in turns(item):
        block = call.instance.block
        inner = dict(zip(block.entering, given, strict=True))
        last = traced(call.instance.items, given[0], inner)
        given = [inner[output] for output in block.outputs.values()] or [last]
    named.update(zip(node.leaving, given, strict=False))
    return given[0]


def _traced(item: Trace, start: Resizes, named: dict[str, Resizes]) -> Resizes:
    if isinstance(item, OpTrace):
        return after(start, item.op.resizes())
    if isinstance(item, FromTrace):
        return named[item.node.source]
    if isinstance(item, JoinTrace):
        ends = [traced(branch, start, named) for branch in item.branches]
        sizes = [(branch[-1].y if branch else item.x)[1:] for branch in item.branches]
        whole = [end for end, size in zip(ends, sizes, strict=True) if size == item.y[1:]]
        return together(start, whole or ends)
    if isinstance(item, ResidualTrace):
        return traced((*item.pre, *item.branch), start, named)
    (inside,) = item.parts
    inputs = item.instance.block.entering if isinstance(item, CallTrace) else ()
    return after(start, traced(inside, named=dict.fromkeys(inputs, UNCHANGED)))


@dataclass
class Resizing:
    """Follows the extents of maps through a definition, whose channels `flow` has followed.

    Raises `SymbolicError` where no expression tells.
    """

    flow: Flow
    named: dict[str, Resizes] = field(default_factory=dict)
    steps: dict[str, Node] = field(default_factory=dict)  # those of this scope by name
    blocks: dict[str, Resizes] = field(default_factory=dict)  # each found out once

    def body(self, nodes: Iterable[Node], start: Resizes = UNCHANGED) -> Resizes:
        for node in nodes:
            start = self.node(node, start)
            if not isinstance(node, (Loop, From)) and node.name:
                self.named[node.name], self.steps[node.name] = start, node
        return start

    def node(self, node: Node, start: Resizes) -> Resizes:
        if isinstance(node, From):
            if node.source not in self.named:
                raise SymbolicError(f"how much '{node.source}' is shrunk is not known here")
            return self.named[node.source]
        if isinstance(node, Join):
            ends = [self.body(branch.body, start) for branch in node.branches]
            return together(start, ends)
        if isinstance(node, Residual):
            return self.body((*node.pre, *node.branch), start)
        if isinstance(node, Loop):
            return after(start, repeated(self.inside(node.body), node.count))
        if isinstance(node, Reuse):
            return after(start, self.again(node))
        return after(start, tuple(axis.where(node.when) for axis in self.alone(node)))

    def alone(self, node: Layer | Group | Call) -> Resizes:
        """What a node does, its condition apart."""
        if isinstance(node, Layer):
            return node.op.resizes()
        return self.inside(node.body) if isinstance(node, Group) else self.call(node)

    def again(self, node: Reuse) -> Resizes:
        """What a step does that is applied again, as often as it is."""
        first = self.steps.get(node.of)
        if not isinstance(first, (Layer, Group, Call)):
            raise SymbolicError(f"no step '{node.of}' is there to be applied again")
        return repeated(self.alone(first), 1 if node.repeat is None else node.repeat)

    def inside(self, nodes: tuple[Node, ...]) -> Resizes:
        """What a sequence does, whose names are no names of this scope."""
        return Resizing(self.flow, blocks=self.blocks).body(nodes)

    def call(self, node: Call) -> Resizes:
        if is_several(node):
            raise SymbolicError("a call that takes or gives several values has no one size")
        block = self.flow.blocks[node.block]
        known = self.block(block)

        def under(env: Mapping[str, Dim]) -> Resizes:
            return mapped(known, lambda dim: substitute(dim, env))

        x = self.flow.entering[node.id]
        if node.repeat is None:
            return under(arguments(node, block, (x,)))
        first = under(arguments(replace(node, args=at_index(node.args, 0)), block, (x,)))
        rest = under(arguments(node, block, (Var(RUNNING),), False))
        return after(first, repeated(rest, binary("-", node.repeat, 1)))

    def block(self, block: Block) -> Resizes:
        """What a block does, over its parameters and `in_channels`; lets are expanded."""
        if block.name not in self.blocks:
            outer = self.flow
            flow = Flow(outer.blocks, outer.area, block.lets, outputs=outer.outputs)
            flow.block(block)
            named = dict.fromkeys(block.entering, UNCHANGED)
            made = Resizing(flow, named, blocks=self.blocks).body(block.body)
            self.blocks[block.name] = mapped(made, lambda dim: expand(block.lets, dim))
        return self.blocks[block.name]


def mapped(resizes: Resizes, change: Callable[[Dim], Dim]) -> Resizes:
    """All axes with `change` applied to every expression."""
    return tuple(
        Resize(*(change(dim) for dim in (axis.up, axis.down, axis.more, axis.fixed)))
        for axis in resizes
    )


def repeated(one: Resizes, count: Dim) -> Resizes:
    """`count` times the same. Raises `SymbolicError` where no expression tells."""
    if set(one) == {KEEPS} or count == 0:
        return UNCHANGED
    known = not {RUNNING, INDEX} & set().union(*map(names, _dims(one)))
    if known and isinstance(count, int) and count <= MAX_CHAIN:
        return reduce(after, [one] * count)
    raise SymbolicError("the strides of these repetitions have no closed form")


def _dims(resizes: Resizes) -> list[Dim]:
    return [dim for axis in resizes for dim in (axis.up, axis.down, axis.more, axis.fixed)]


def body_strides(body: tuple[Node, ...], x: Dim, blocks: Blocks, axes: int) -> Extents:
    """By how much a body shrinks each of so many axes, as expressions; `x` channels enter it.

    Raises `SymbolicError` where no expression tells.
    """
    flow = Flow(blocks)
    flow.body(body, x)
    return tuple(axis.ratio()[1] for axis in spread(Resizing(flow).body(body), axes))
