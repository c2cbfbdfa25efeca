"""Repetitions of a block: which are written once, as a function of their count, and which are not.

All whose arguments depend on the number of the repetition and do not just count up are written out
as a loop where they stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TypeGuard

from ..expr.dims import Dim, Var, binary, if_else
from ..ir.counting import counted, uses_index
from ..ir.nodes import Call, Group, Node
from ..ir.structure import INDEX, Block, Form
from ..ir.walk import walk

StageKey = tuple[str, str, tuple[str, ...]]  # block, pattern of the names, counted parameters


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
