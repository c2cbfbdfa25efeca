"""Names for the children of a module scope that the spec leaves unnamed.

An operation is called after what it does: `relu`, or `relu1`, `relu2` where there are several.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..errors import Diagnostic, Location
from ..ir.structure import (
    Body,
    Call,
    From,
    Group,
    Join,
    Layer,
    Loop,
    Node,
    Residual,
    children,
    rebuilt,
)
from ..reserved import child_name


def assign_names(bodies: list[Body], found: list[Diagnostic]) -> list[Body]:
    """The bodies of one scope with a name for every child; duplicates go to `found`."""
    nodes = [node for body in bodies for node in _scope_nodes(body)]
    taken: dict[str, Location | None] = {}
    for node in nodes:
        if node.name:
            _take(node, node.name, taken, found)
    namer = _Namer(set(taken), Counter(_base(node) for node in nodes if not node.name))
    return [namer.body(body) for body in bodies]


def check_sequence(body: Body, found: list[Diagnostic]) -> None:
    """A sequence's children may have names, each once; what a loop repeats may not."""
    taken: dict[str, Location | None] = {}
    for node in body:
        if isinstance(node, Loop):
            message = "a name inside `steps` would stand for every repetition"
            help = "remove the name: the children of a sequence are numbered"
            refuse_names(node.body, message, help, found)
        elif not isinstance(node, From) and node.name is not None:
            _take(node, node.name, taken, found)


def _take(
    node: Named, name: str, taken: dict[str, Location | None], found: list[Diagnostic]
) -> None:
    """Note the name of a child; that of another child goes to `found`."""
    if name not in taken:
        taken[name] = node.at
        return
    first = taken[name]
    where = f"the first one is on line {first.line}; " if first else ""
    if name != (plain := name.removesuffix("_")) and child_name(plain) == name:
        where += f"'{plain}' is '{name}' in code; "
    message = f"the name '{name}' stands twice in one scope"
    help = f"{where}call one of them '{name}_2', say"
    found.append(Diagnostic("E106", message, node.at, f"named '{name}'", help))


def refuse_names(body: Body, message: str, help: str, found: list[Diagnostic]) -> None:
    """Report every child with a name, those in loops included."""
    for node in body:
        if isinstance(node, Loop):
            refuse_names(node.body, message, help, found)
        elif not isinstance(node, From) and node.name is not None:
            found.append(Diagnostic("E208", message, node.at, f"named '{node.name}'", help))


def rename_calls(body: Body, titles: Mapping[str, str]) -> Body:
    """The nodes with their calls of blocks by other names."""

    def renamed(node: Node) -> Node:
        if isinstance(node, Call):
            return replace(node, block=titles.get(node.block, node.block))
        return rebuilt(node, lambda inner: rename_calls(inner, titles))

    return tuple(renamed(node) for node in body)


Named = Layer | Group | Call | Join | Residual


def _scope_nodes(body: Body) -> Iterator[Named]:
    for node in body:
        if isinstance(node, (Loop, From)):
            continue
        yield node
        if isinstance(node, (Join, Residual)):
            for inner in children(node):
                yield from _scope_nodes(inner)


def _base(node: Named) -> str:
    if isinstance(node, Layer):
        return node.op.called or node.op.word
    if isinstance(node, Call):
        return child_name(node.block)
    if isinstance(node, Join):
        return node.kind.value
    return "add" if isinstance(node, Residual) else "group"


class _Namer:
    def __init__(self, taken: set[str], wanted: Counter[str]) -> None:
        self.taken = taken
        self.wanted = wanted
        self.numbers: Counter[str] = Counter()

    def name(self, base: str) -> str:
        if self.wanted[base] == 1 and base not in self.taken:
            self.taken.add(base)
            return base
        while True:
            self.numbers[base] += 1
            name = f"{base}{self.numbers[base]}"
            if name not in self.taken:
                self.taken.add(name)
                return name

    def body(self, body: Body) -> Body:
        return tuple(self.node(node) for node in body)

    def node(self, node: Node) -> Node:
        if isinstance(node, (Loop, From)):
            return node
        if isinstance(node, (Join, Residual)):
            node = rebuilt(node, self.body)
        return node if node.name else replace(node, name=self.name(_base(node)))
