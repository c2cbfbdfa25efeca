"""Which names and blocks the text of a spec asks for: what it says about what is read.

Text alone is looked at: what stands under a condition that never holds is read as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from .located import Located
from .models import JOINS, BlockSpec, BranchSpec, Spec, Step

FORMS = ("body", "sequence", "inline")
STEPS = ("stem", "stages", "head")
DECIDING = ("when", "repeat")
NAMED = ("name", "from", "to", "reuse")  # in braces they may ask for numbers
_NAME = re.compile(r"\$([A-Za-z][A-Za-z0-9_]*)")


def names(value: Any) -> set[str]:
    """The names with a sigil that occur in a value, however deep."""
    return {name for text in strings(value) for name in _NAME.findall(text)}


def strings(value: Any) -> Iterator[str]:
    """The strings in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)


def mappings(value: Any) -> Iterator[Located]:
    """The mappings in a value, however deep, in the order of the file."""
    if isinstance(value, Located):
        yield value
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from mappings(inner)


def single(value: Any) -> Iterator[Located]:
    """The steps in a value, however deep; a branch may be called as what a step does."""
    return (one for one in mappings(value) if one.model is Step)


def _scope(value: Any) -> Iterator[Located]:
    """The steps of a body, those of its joins included and those in its groups not."""
    if isinstance(value, Located):
        yield value
    if isinstance(value, (dict, list)):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        yield from (one for key, part in inner if key != "group" for one in _scope(part))


def called(value: Any) -> set[str]:
    """The blocks that the steps in a value call."""
    return {one["block"] for one in mappings(value) if isinstance(one.get("block"), str)}


def steps(block: BlockSpec) -> Any:
    """The steps of a block, as they stand in the file."""
    return [block.tree[form] for form in FORMS if form in block.tree]


def ports(block: BlockSpec) -> Any:
    """The inputs and outputs of a block, as they stand in the file."""
    return [block.tree[key] for key in ("inputs", "outputs") if key in block.tree]


@dataclass(frozen=True)
class Reading:
    """What a network asks for: in its own steps, and in the blocks that it calls."""

    spec: Spec

    @property
    def own_steps(self) -> list[Any]:
        return [self.spec.tree[key] for key in STEPS if key in self.spec.tree]

    @property
    def shortcut(self) -> Any:
        return self.spec.tree.get("shortcut")

    @cached_property
    def reached(self) -> dict[str, BlockSpec]:
        """The blocks that are called, by whatever, from the network on."""
        found: dict[str, BlockSpec] = {}
        waiting = called([*self.own_steps, self.shortcut])
        while waiting:
            name = waiting.pop()
            if name in self.spec.blocks and name not in found:
                found[name] = self.spec.blocks[name]
                waiting |= called(found[name].tree)
        return found

    @cached_property
    def anywhere(self) -> set[str]:
        """Names in the steps of shortcuts that are handed on: they are read where those stand."""
        given = [self.shortcut]
        for block in self.spec.blocks.values():
            given += [parameter.default for parameter in block.parameters.values()]
        every = [self.own_steps, *map(steps, self.spec.blocks.values())]
        for call in (one for part in every for one in mappings(part) if "block" in one):
            given += call.values()
        return names([value for value in given if isinstance(value, (dict, list))])

    @cached_property
    def of_network(self) -> set[str]:
        """Names that are read as the network's own."""
        return self.closed(names(self.own_steps)) | self.of_blocks

    @cached_property
    def of_blocks(self) -> set[str]:
        """Those that are read elsewhere than in the network's own steps."""
        found = names([self.shortcut, self.spec.tree.get("defaults")])
        for block in self.reached.values():
            found |= free(block)
        return self.closed(found | self.anywhere)

    def closed(self, found: set[str]) -> set[str]:
        """Names with those that the network's values of these names are made of."""
        for name, value in reversed(self.spec.let.items()):
            if name in found:
                found = found | names(value)
        return found

    @cached_property
    def fixed(self) -> set[str]:
        """Names that keep their values in emitted code, whatever else is left open."""
        return self.deciding | self.of_blocks

    @cached_property
    def settled(self) -> dict[str, set[str]]:
        """Of each block the parameters by which it has joins, or branches of joins, or has not."""
        found: dict[str, set[str]] = {name: set() for name in self.spec.blocks}
        size = -1
        while size < (size := sum(map(len, found.values()))):  # until no call passes one on
            for name, block in self.spec.blocks.items():
                asked = self.branching(steps(block), found) | self.turning(block)
                for let, value in reversed(block.let.items()):
                    asked |= names(value) if let in asked else set()
                found[name] |= asked & block.parameters.keys()
        return found

    @staticmethod
    def turning(block: BlockSpec) -> set[str]:
        """Names on which it depends what a block takes and gives, and what is written out in it."""
        written_out = [one for one in _scope(block.tree.get("body")) if "steps" in one]
        every = [*mappings(ports(block)), *written_out]
        return names([one.get("repeat") for one in every])

    @staticmethod
    def branching(value: Any, settled: dict[str, set[str]]) -> set[str]:
        """Names on which branches in some steps depend, or in the blocks that those call."""
        found: set[str] = set()
        for one in mappings(value):
            found |= names([one[key] for key in NAMED if "{" in str(one.get(key))])
            if one.model is BranchSpec:
                found |= names([one[key] for key in DECIDING if key in one])
            elif one.model is Step and one.keys() & {*JOINS}:
                found |= names(one.get("when"))
            elif one.model is Step and isinstance(one.get("block"), str):
                given = settled.get(one["block"], set())
                found |= names([one[key] for key in given if key in one])
        return found

    @cached_property
    def deciding(self) -> set[str]:
        """Names on which it depends which of the network's own steps are there, and how often."""
        every = mappings(self.own_steps)
        told = names([one[key] for one in every for key in DECIDING if key in one])
        return self.closed(told | self.branching(self.own_steps, self.settled))


def free(block: BlockSpec) -> set[str]:
    """Names that a block reads and does not have itself."""
    found = names([parameter.default for parameter in block.parameters.values()])
    turning = (one for one in mappings(steps(block)) if one.model in (Step, BranchSpec))
    own = {*block.parameters, *(one["index"] for one in turning if "index" in one)}
    for name, value in block.let.items():
        found |= names(value) - own
        own.add(name)
    return found | (names([steps(block), ports(block)]) - own)
