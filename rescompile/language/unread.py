"""Words of a file that nothing reads, so that what they were to say would be lost in silence.

A parameter, a `let` or an argument that changes nothing is mostly a name misspelt. In a user's own
file it is an error; a library may have more than one network needs, and so may the base of a spec.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from ..errors import Diagnostic, did_you_mean, near
from .located import Located
from .models import BlockSpec, Model, Spec
from .options import Unread, untaken
from .references import Reading, names, ports, single, steps

OF_NAMES = ("E106", "E204", "E207")  # a wrong name, or an expression in which there may be one


def unread(spec: Spec, known: Iterable[Diagnostic]) -> list[Diagnostic]:
    """What nothing reads of the words in the spec's own file, its base and libraries aside.

    `known` is wrong already. Where it is a name, that may be the one that was to read another.
    """
    libraries = {name: one for name, one in spec.blocks.items() if _file(one) != _file(spec)}
    found = [*_arguments(spec, libraries), *untaken(spec)]
    if not any(one.code in OF_NAMES for one in known):
        found += [*_of_network(spec), *_of_blocks(spec)]
    return [one.diagnostic() for one in found if one.at and one.at.file == _file(spec)]


def changing_nothing(spec: Spec) -> Iterator[Unread]:
    """What nothing reads of a spec with its base and libraries, the arguments of calls included.

    Without it there may be more: names that only it asked for.
    """
    yield from _arguments(spec, spec.blocks)
    yield from untaken(spec)
    yield from _of_network(spec)
    yield from _of_blocks(spec)


def _of_network(spec: Spec) -> Iterator[Unread]:
    reading, tree = Reading(spec), cast(Located, spec.tree)
    read = reading.of_network
    for name in spec.parameters:
        if name not in read:
            help = f"remove it, or write `${name}` where it is meant"
            takers = [block for block, one in reading.reached.items() if name in one.parameters]
            if takers:
                help = f"the block '{takers[0]}' has its own: give it `{name}: ${name}` in a call"
            message = f"nothing reads the parameter '{name}' of the network"
            yield Unread(tree["parameters"], name, message, _slip(name, read, help))
    for name in spec.let:
        if name not in read:
            help = f"remove it, or write `${name}` where it is meant"
            message = f"nothing reads the value '{name}' of the network"
            yield Unread(tree["let"], name, message, _slip(name, read, help))
    if spec.shortcut is not None and "shortcut" not in read:
        message = "nothing reads the network's shortcut"
        help = "remove it, or write `shortcut: $shortcut` in a residual"
        yield Unread(tree, "shortcut", message, help)


def _of_blocks(spec: Spec) -> Iterator[Unread]:
    anywhere = Reading(spec).anywhere
    for title, block in spec.blocks.items():
        read = names([steps(block), ports(block), *block.let.values()])  # one of them may be meant
        for kind, name in _declared(block):
            if name not in anywhere and not _reads(block, name):
                what = "parameter" if kind == "parameters" else "value"
                message = f"block '{title}' does not read its {what} '{name}'"
                help = f"remove it, or write `${name}` in the steps of the block"
                yield Unread(block.tree[kind], name, message, _slip(name, read, help))


def _declared(block: BlockSpec) -> Iterator[tuple[str, str]]:
    """The names of a block's own, and the keys under which they stand."""
    yield from (("parameters", name) for name in block.parameters)
    yield from (("let", name) for name in block.let)


def _reads(block: BlockSpec, name: str) -> bool:
    """Whether a block reads a name of its own."""
    lets = list(block.let)
    below = lets[lets.index(name) + 1 :] if name in lets else lets
    return name in names([steps(block), ports(block), *(block.let[one] for one in below)])


def _arguments(spec: Spec, blocks: Mapping[str, BlockSpec]) -> Iterator[Unread]:
    """Arguments that one of these blocks takes and does not read."""
    reading = Reading(spec)
    every = [*reading.own_steps, *map(steps, spec.blocks.values())]
    for call in single(every):
        called = call.get("block")  # of a join it is the name of a branch, with its steps
        block = blocks.get(called) if isinstance(called, str) else None
        if block is None:
            continue
        for key in call:
            if key in block.parameters and key not in reading.anywhere and not _reads(block, key):
                message = f"block '{call['block']}' does not read its parameter '{key}'"
                yield Unread(call, key, message, "remove it: it changes nothing")


def _file(model: Model) -> str:
    """The file where a model begins."""
    at = model.at()
    return at.file if at else ""


def _slip(name: str, read: Iterable[str], else_: str) -> str:
    """The name that is read and may be meant, or else another way out."""
    return did_you_mean(name, near(name, read)) or else_
