"""Repetitions of a block: which of their arguments depend on the number of the repetition, and how.

Most do not, or count up by one from a number that the call gives: those repetitions are written
once, as a function of their count. All others are written out as a loop where they stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeGuard

from ..expr.dims import Binary, Dim, Expr, Var, binary, if_else, names
from ..ir.structure import INDEX, Block, Call, Form, Group, Node, walk

StageKey = tuple[str, str, tuple[str, ...]]  # block, pattern of the names, counted parameters


def counted(node: Call) -> dict[str, Dim]:
    """The parameters that count up by one with each repetition, and what the first one gets."""
    starts = {name: _start(dim) for name, dim in node.args}
    return {name: start for name, start in starts.items() if start is not None}


def _start(dim: Dim) -> Dim | None:
    if dim == Var(INDEX):
        return 0
    counts = isinstance(dim, Binary) and dim.op == "+" and dim.left == Var(INDEX)
    return dim.right if counts and not isinstance(dim.right, Expr) else None  # type: ignore[union-attr]


def uses_index(node: Call) -> bool:
    """Whether arguments of a repeated call depend on its number and do not just count up."""
    plain = counted(node)
    return any(INDEX in names(dim) for name, dim in node.args if name not in plain)


def in_turn(node: Call, block: Block) -> Call:
    """The call of any repetition: what only the first one gets depends on the number."""
    once = {p.name: p.default for p in block.parameters if p.once and p.default is not None}
    args = ((name, by_turn(dim, once[name]) if name in once else dim) for name, dim in node.args)
    return replace(node, args=tuple(args))


def by_turn(first: Dim, rest: Dim) -> Dim:
    """A value that is another one in the first repetition."""
    return if_else(binary("==", Var(INDEX), 0), first, rest)


def stage_key(node: Call, named: bool = True) -> StageKey:
    """What the calls have in common that one function can serve; names are, where there are any."""
    return node.block, node.children if named else "", tuple(counted(node))


def staged(body: tuple[Node, ...], blocks: Mapping[str, Block]) -> Iterator[tuple[Call, bool]]:
    """The repeated calls that a function serves, and whether each is alone in its sequence."""
    for nodes in (body, *(block.body for block in blocks.values())):
        inner = list(walk(nodes))
        alone = {child.id for child in _only_children(inner)}
        for node in inner:
            if isinstance(node, Call) and node.repeat is not None and not uses_index(node):
                yield node, node.id in alone


def spliced(node: Node, blocks: Mapping[str, Block]) -> TypeGuard[Call]:
    """Whether a node adds several members to the sequence where it stands."""
    if not isinstance(node, Call):
        return False
    inline = blocks[node.block].form is Form.INLINE
    return inline or (node.repeat is not None and node.name is None)


def _only_children(nodes: Iterable[Node]) -> Iterator[Node]:
    bodies = (node.body for node in nodes if isinstance(node, Group))
    return (body[0] for body in bodies if len(body) == 1)
