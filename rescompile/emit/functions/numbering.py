"""How many numbers the members of a sequence take, where they stand one after the other."""

from __future__ import annotations

from collections.abc import Mapping

from ...expr.dims import Dim, Expr, IfElse, Var, names, substitute
from ...expr.polynomial import product, total
from ...ir.choices import condition
from ...ir.flow import Flow, arguments, expand
from ...ir.nodes import Call, Loop, Node
from ...ir.structure import IN_CHANNELS, INDEX, Block, Form
from ...ir.walk import walk
from ..repetition import StageKey, stage_key, staged


class Numbering:
    """Counts members, those of inline blocks as expressions over their parameters."""

    def __init__(self, blocks: Mapping[str, Block]) -> None:
        self.blocks = blocks
        self.inline: dict[str, Dim] = {}  # how many numbers each inline block takes

    def consumed(self, node: Node, flow: Flow | None = None) -> Dim:
        """How many numbers a node takes in the sequence where it stands."""
        if isinstance(node, Loop):
            each = total(map(self.consumed, node.body))
            if INDEX in names(each) and isinstance(node.count, int):
                return total(substitute(each, {INDEX: i}) for i in range(node.count))
            return product((node.count, each))
        taken: Dim = 1
        if isinstance(node, Call):
            block = self.blocks[node.block]
            if block.form is Form.INLINE:
                entering = flow.entering[node.id] if flow else Var(IN_CHANNELS)
                body = expand(block.lets, self.body(block))
                taken = substitute(body, arguments(node, block, (entering,)))
            elif node.repeat is not None and node.name is None:
                taken = node.repeat
        when = condition(node) if flow is None else True
        return IfElse(when, taken, 0) if isinstance(when, Expr) else taken

    def body(self, block: Block) -> Dim:
        """How many members an inline block has."""
        if block.name not in self.inline:
            self.inline[block.name] = total(map(self.consumed, block.body))
        return self.inline[block.name]


def joins(key: StageKey, body: tuple[Node, ...], blocks: Mapping[str, Block]) -> bool:
    """Whether some of the repetitions that a function writes join the sequence where they stand."""
    return any(
        node.name is None and node.children == "{i}" and not alone
        for node, alone in staged(body, blocks)
        if stage_key(node) == key
    )


def uncountable(block: Block) -> bool:
    """Whether the numbers that inline steps take have no expression."""
    loops = [n for n in walk(block.body) if isinstance(n, Loop) and isinstance(n.count, Expr)]
    found = (condition(node) for loop in loops for node in walk(loop.body))
    return block.form is Form.INLINE and any(INDEX in names(when) for when in found)
