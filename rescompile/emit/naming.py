"""Python names for what the IR names: classes, functions, and no two the same."""

from __future__ import annotations

import builtins
import re
from collections.abc import Container
from collections.abc import Set as AbstractSet
from itertools import chain, count

from ..expr.dims import Dim, Var
from ..ir.structure import Block
from ..reserved import KEYWORDS

AMBIGUOUS = frozenset("IOl")  # easily taken for digits: ruff refuses them (E741 to E743)


def pascal_case(name: str) -> str:
    """`basic_block` as `BasicBlock`; capitals that are there stay, and two numbers stay apart."""
    return _joined(re.findall(r"[A-Za-z0-9]+", name))


def snake_case(name: str) -> str:
    """`BatchNorm` as `batch_norm`, `Conv2DTranspose` as `conv2d_transpose`."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def class_name(name: str, title: str) -> str:
    """A network's class: its name in Pascal case, its words spelled as in its title.

    `resnet50_v1_5` of the title "ResNet-50 v1.5" is `ResNet50V1_5`.
    """
    spelled = "".join(re.findall(r"[A-Za-z0-9]+", title))
    small, start = spelled.lower(), 0
    words: list[str] = []
    for word in re.findall(r"[A-Za-z0-9]+", name):
        at = small.find(word.lower(), start)
        words.append(word if at < 0 else spelled[at : at + len(word)])
        start = start if at < 0 else at + len(word)
    return _joined(words)


def _joined(words: list[str]) -> str:
    made = ""
    for word in words:
        gap = "_" if made[-1:].isdigit() and word[0].isdigit() else ""
        made += gap + word[0].upper() + word[1:]
    return made


def attribute(name: str) -> str:
    """The attribute of a child, `convs[0]` of one in a list: `convs.0`."""
    first, *numbers = name.split(".")
    return "".join([first, *(f"[{number}]" for number in numbers)])


class Names:
    """Hands out names within one file."""

    def __init__(self, reserved: set[str]) -> None:
        self.taken = {*reserved, *AMBIGUOUS, *KEYWORDS, *dir(builtins)}

    def take(self, wanted: str, suffix: str = "") -> str:
        """`wanted`, or `wanted` with the suffix or a number where it is taken."""
        name = wanted if wanted not in self.taken else free(self.taken, wanted + suffix)
        self.taken.add(name)
        return name


def free(taken: Container[str], *wanted: str) -> str:
    """The first of some names that is free, or the first one with a number.

    Those of members of lists become words: `convs_0`.
    """
    words = [name.replace(".", "_") for name in wanted]
    numbered = (f"{words[0]}{number}" for number in count(2))
    return next(name for name in chain(words, numbered) if name not in taken)


def shown_names(block: Block, taken: AbstractSet[str]) -> dict[str, Dim]:
    """How a block's own names are written where the file needs them for something else."""
    own = [*(p.name for p in block.parameters), *(let for let, _ in block.lets)]
    free, hidden = Names({*taken, *own}), taken | AMBIGUOUS | KEYWORDS
    return {name: Var(free.take(f"{name}_")) for name in own if name in hidden}
