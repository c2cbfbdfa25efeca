"""Channels as expressions: what reaches each node of a block, in terms of the block's parameters.

Emitters need it to write `in_channels` arguments and loops; lowering needs it for projections.
Heights and widths stay numbers: they enter only where a flatten makes them channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from .expr import (
    Binary,
    Dim,
    Expr,
    Number,
    Var,
    binary,
    logical_or,
    names,
    product,
    substitute,
    total,
)
from .ops import Flatten, Pair
from .structure import (
    IN_CHANNELS,
    INDEX,
    Block,
    Call,
    Group,
    Join,
    JoinKind,
    Layer,
    Loop,
    Node,
    Residual,
)

Blocks = Mapping[str, Block]
RUNNING = "running_channels"  # what enters the next turn of a loop
Area = Callable[[Layer], int]


class SymbolicError(ValueError):
    """A channel count that no expression over the parameters tells."""


@dataclass
class Flow:
    """Follows channels through a body; `entering` tells what reaches each node, by its id."""

    blocks: Blocks
    area: Area | None = None  # height x width at a flatten
    entering: dict[int, Dim] = field(default_factory=dict)

    def body(self, nodes: tuple[Node, ...], x: Dim) -> Dim:
        for node in nodes:
            x = self.node(node, x)
        return x

    def node(self, node: Node, x: Dim) -> Dim:
        self.entering[id(node)] = x
        if isinstance(node, Layer):
            if isinstance(node.op, Flatten):
                if self.area is None:
                    raise SymbolicError("the channels after a flatten depend on the image size")
                return product((x, self.area(node)))
            return node.op.channels(x)
        if isinstance(node, Group):
            return self.body(node.body, x)
        if isinstance(node, Loop):
            return self.loop(node, x)
        if isinstance(node, Call):
            return self.call(node, x)
        if isinstance(node, Join):
            return self.join(node, x)
        return self.residual(node, x)

    def loop(self, node: Loop, x: Dim) -> Dim:
        """What enters the nodes of a loop is told by the name `RUNNING`, if it changes."""
        last = binary("-", node.count, 1)
        y = self.iterate(lambda c: self.body(node.body, c), node.count, x, last)
        if self.body(node.body, x) != x:
            self.body(node.body, Var(RUNNING))
        return y

    def join(self, node: Join, x: Dim) -> Dim:
        ends = [self.body(branch.body, x) for branch in node.branches]
        if node.kind is JoinKind.CONCAT:
            return total(ends)
        return next((end for end in ends if not isinstance(end, Expr)), ends[0])

    def residual(self, node: Residual, x: Dim) -> Dim:
        tapped = self.body(node.pre, x)
        self.body(node.shortcut, tapped if node.tap_pre else x)
        return self.body(node.branch, tapped)

    def call(self, node: Call, x: Dim) -> Dim:
        block = self.blocks[node.block]
        if node.repeat is None:
            return self.once(node, block, x, first=True)
        x = self.once(node, block, x, first=True)
        rest = binary("-", node.repeat, 1)
        return x if rest == 0 else self.iterate(lambda c: self.once(node, block, c), rest, x)

    def once(self, node: Call, block: Block, x: Dim, first: bool = False) -> Dim:
        output = block_output(block, self.blocks, self.area)
        return substitute(output, arguments(node, block, x, first))

    def iterate(
        self, step: Callable[[Dim], Dim], count: Dim, x: Dim, last: Dim | None = None
    ) -> Dim:
        """`count` steps in a row: a fixed point, a constant growth, or a short unrolled chain.

        `last` is the index of the last step, `count` if it is not said.
        """
        y = step(x)
        if INDEX in names(y):
            if isinstance(y, Expr) and IN_CHANNELS not in names(y):
                return substitute(y, {INDEX: count if last is None else last})
            raise SymbolicError("the channels of a repetition depend on its index and its input")
        if y == x or step(y) == y:
            return y
        growth = _growth(x, y)
        if growth is not None:
            return total((x, product((count, growth))))
        if isinstance(count, int) and count <= 16:
            for _ in range(count - 1):
                y = step(y)
            return y
        raise SymbolicError("the channels after the repetitions have no closed form")


def _growth(x: Dim, y: Dim) -> Dim | None:
    """g where y = x + g and g is free of x, or None."""
    if not isinstance(x, Expr) and not isinstance(y, Expr):
        return y - x
    (head, base), (terms, top) = _split(x), _split(y)
    if terms[: len(head)] != head:
        return None
    rest = total((*terms[len(head) :], top - base))
    return None if names(rest) & names(x) else rest


def _split(dim: Dim) -> tuple[list[Dim], Number]:
    """The symbolic terms of a sum, and the number that remains."""
    terms = _terms(dim)
    numbers = [t for t in terms if not isinstance(t, Expr)]
    return [t for t in terms if isinstance(t, Expr)], sum(numbers)


def _terms(dim: Dim) -> list[Dim]:
    if isinstance(dim, Binary) and dim.op == "+":
        return [*_terms(dim.left), *_terms(dim.right)]
    return [dim]


def arguments(node: Call, block: Block, x: Dim, first: bool = True) -> dict[str, Dim]:
    """The values of a block's names under a call whose input has `x` channels."""
    given = dict(node.args)
    env: dict[str, Dim] = {IN_CHANNELS: x}
    for param in block.parameters:
        dim = given.get(param.name)
        if dim is None or (param.once and not first and param.default is not None):
            dim = param.default
        assert dim is not None, "lowering fills in every argument"
        env[param.name] = dim
    return env


def block_output(block: Block, blocks: Blocks, area: Area | None = None) -> Dim:
    """Output channels of a block over its parameters and `in_channels`; lets are expanded."""
    flow = Flow(blocks, area)
    return expand(block, flow.body(block.body, block.entering))


def expand(block: Block, dim: Dim) -> Dim:
    """`dim` with the block's lets written out."""
    for name, value in reversed(block.lets):
        dim = substitute(dim, {name: value})
    return dim


def body_strides(body: tuple[Node, ...], blocks: Blocks) -> Pair:
    """By how much a body shrinks height and width, as expressions."""
    rows: list[Dim] = []
    columns: list[Dim] = []
    for node in body:
        row, column = _node_strides(node, blocks)
        rows.append(row)
        columns.append(column)
    return product(rows), product(columns)


def _node_strides(node: Node, blocks: Blocks) -> Pair:
    if isinstance(node, Layer):
        return node.op.strides()
    if isinstance(node, (Group, Loop)):
        return body_strides(node.body, blocks)
    if isinstance(node, Join):
        return body_strides(node.branches[-1].body, blocks)
    if isinstance(node, Residual):
        return body_strides((*node.pre, *node.branch), blocks)
    block = blocks[node.block]
    rows, columns = body_strides(block.body, blocks)
    env = arguments(node, block, 0)
    return substitute(expand(block, rows), env), substitute(expand(block, columns), env)


def shape_changes(node: Residual, x: Dim, blocks: Blocks) -> Dim:
    """The condition under which a residual's branch changes the shape: strides, then channels."""
    body = (*node.pre, *node.branch)
    rows, columns = body_strides(body, blocks)
    strided = binary("!=", rows, 1)
    if columns != rows:
        strided = logical_or(strided, binary("!=", columns, 1))
    y = Flow(blocks).body(body, x)
    return logical_or(strided, binary("!=", x, y))
