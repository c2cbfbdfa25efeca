"""Python names for what the IR names: classes, functions, and no two the same."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Set as AbstractSet

from ..ir.expr import Dim, Var
from ..ir.structure import Block


def pascal_case(name: str) -> str:
    """`basic_block` as `BasicBlock`; capitals that are there stay."""
    parts = re.split(r"[^A-Za-z0-9]+", name)
    return "".join(part[0].upper() + part[1:] for part in parts if part)


def class_name(name: str, title: str) -> str:
    """A network's class: as its title spells it, if that is the same word as its name."""
    made = pascal_case(title)
    same = made.lower() == re.sub(r"[^a-z0-9]", "", name.lower())
    return made if same and made.isidentifier() and made.isascii() else pascal_case(name)


class Names:
    """Hands out names within one file."""

    def __init__(self, reserved: set[str]) -> None:
        self.taken = {*reserved, *keyword.kwlist, *dir(builtins)}

    def take(self, wanted: str, suffix: str = "") -> str:
        """`wanted`, or `wanted` with the suffix or a number where it is taken."""
        name = wanted if wanted not in self.taken else wanted + suffix
        number = 2
        while name in self.taken:
            name = f"{wanted}{suffix}{number}"
            number += 1
        self.taken.add(name)
        return name


def shown_names(block: Block, taken: AbstractSet[str]) -> dict[str, Dim]:
    """How a block's own names are written where the file needs them for something else."""
    own = [*(p.name for p in block.parameters), *(let for let, _ in block.lets)]
    free = Names({*taken, *own})
    return {name: Var(free.take(f"{name}_")) for name in own if name in taken}
