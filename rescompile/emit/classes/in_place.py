"""Which operations and sums of a forward pass may overwrite what they are given."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from ... import ops
from ...expr.dims import Expr
from ...ir.nodes import Call, Group, Join, JoinKind, Layer, Node, Residual
from ...ir.structure import Block
from ..statements import Apply, Assign, Combine

Blocks = Mapping[str, Block]


def overwriting(
    statements: Iterable[Assign], blocks: Blocks, spreading: Container[int]
) -> set[int]:
    """The nodes whose input nobody else has, and no gradient needs, so that they work in place.

    A sum that is `spreading`, by its id, may be larger than its first operand.
    """
    statements, found = list(statements), set[int]()
    again = {m.value.node.id for m in statements if isinstance(m.value, Apply) and m.value.again}
    own = ""  # the variable of the last statement, where its value may be overwritten
    for made in statements:
        value, target, fresh, in_place = made.value, made.target, False, False
        if isinstance(value, Combine):
            in_place = own == target and _is_sum_onto(own, value)
            in_place &= value.node.id not in spreading
            fresh = in_place or _is_fresh(value.node, blocks)
        elif isinstance(value, Apply):
            same = own == value.source == target
            here = {node.id for node in value.nodes if same and _op(node).in_place}
            found |= here - again  # one module for several places
            passes = same and all(_op(node).passes for node in value.nodes)
            fresh = _is_fresh(value.node, blocks) or passes
            if value.again and isinstance(value.again.repeat, Expr):  # no turn leaves what came
                fresh &= same
        if in_place and isinstance(value, Combine):
            found.add(value.node.id)
        own = target if fresh else ""
    return found


def _op(node: Node) -> ops.Op:
    """The operation of a layer; what it is in general of anything else."""
    return node.op if isinstance(node, Layer) else ops.Op()


def _is_sum_onto(own: str, value: Combine) -> bool:
    """Whether a value is the sum of `own`, dropped or not, and of something not made of it."""
    if value.kind is not JoinKind.ADD or len(value.operands) != 2:
        return False
    first, other = value.operands
    if isinstance(first, Apply) and isinstance(first.node, Layer) and first.node.op.passes:
        first = first.source  # which it is in evaluation
    return first == own != (other.source if isinstance(other, Apply) else other)


def _is_fresh(node: Node, blocks: Blocks) -> bool:
    """Whether what leaves a node is new, and its own gradient does not need it."""
    if isinstance(node, (Residual, Layer, Group, Call)) and node.when is not True:
        return False
    if isinstance(node, Layer):
        return node.op.fresh
    if isinstance(node, (Group, Call)):
        body = node.body if isinstance(node, Group) else blocks[node.block].body
        return bool(body) and _is_fresh(body[-1], blocks)
    return isinstance(node, (Join, Residual))  # a product needs its factors alone
