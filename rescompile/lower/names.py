"""Names for the children of a module scope that the spec leaves unnamed.

An operation is called after what it does: `relu`, or `relu1`, `relu2` where there are several.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, pairwise

from ..errors import Diagnostic, Location
from ..expr.assume import knowing, truth
from ..ir.nodes import Call, From, Group, Join, Layer, Loop, Node, Residual, Reuse
from ..ir.walk import Body, children, rebuilt
from ..ops import LayerScale
from ..reserved import child_name


def assign_names(
    bodies: list[Body], found: list[Diagnostic], inputs: Iterable[str] = ()
) -> list[Body]:
    """The bodies of one scope with a name for every child; duplicates go to `found`.

    None is called as one of `inputs`.
    """
    lists = list(_scope_lists(tuple(chain.from_iterable(bodies))))
    nodes = [node for body in lists for node in body]
    taken: Taken = {}
    for body in lists:
        _take_names(body, taken, found)
    _check_lists(taken, found)
    wanted = Counter(_base(node) for node in nodes if not node.name)
    namer = _Namer({*taken, *_lists(taken), *inputs}, wanted)
    return [namer.body(body) for body in bodies]


def check_sequence(body: Body, found: list[Diagnostic]) -> None:
    """A sequence's children may have names, each once; what a loop repeats may not."""
    for node in body:
        if isinstance(node, Loop):
            message = "a name inside `steps` would stand for every repetition"
            help = "remove the name: the children of a sequence are numbered"
            refuse_names(node.body, message, help, found)
    taken: Taken = {}
    _take_names([node for node in body if not isinstance(node, (Loop, From))], taken, found)
    for name in filter(_is_member, taken):
        message = f"'{name}' is a member of a list, but the children of a sequence are numbered"
        found.append(_misplaced(message, "remove the name", taken[name][0]))


def _check_lists(taken: Taken, found: list[Diagnostic]) -> None:
    """A list is no step as well, and what its members repeat is called by numbers."""
    there = {name for name, nodes in taken.items() if any(map(_may_be, nodes))}
    for name in sorted(_lists(taken) & there):
        message = f"'{name}' is a step, and a list of steps"
        found.append(_misplaced(message, f"call the step '{name}_1', say", taken[name][0]))
    for node in (node for name, nodes in taken.items() if _is_member(name) for node in nodes):
        if isinstance(node, Layer) and isinstance(node.op, LayerScale):
            message = "a layer scale is a tensor alone, and no member of a list"
            found.append(_misplaced(message, "give it a name without a number", node))
        if isinstance(node, Call) and "{name}" in node.children:
            message = f"the pattern '{node.children}' cannot have the name of a member of a list"
            found.append(_misplaced(message, "write another word for `{name}`", node))


def _may_be(node: Named) -> bool:
    return isinstance(node, (Join, Residual, Reuse)) or node.when is not False


def _is_member(name: str) -> bool:
    return "." in name


def _lists(names: Iterable[str]) -> set[str]:
    """The lists that steps are members of, and the lists that these are in."""
    parts = [name.split(".") for name in names]
    return {".".join(one[:i]) for one in parts for i in range(1, len(one))}


def _misplaced(message: str, help: str, node: Named) -> Diagnostic:
    return Diagnostic("E208", message, node.at, f"named '{node.name}'", help)


def _take_names(nodes: Sequence[Named], taken: Taken, found: list[Diagnostic]) -> None:
    """Note the names of children of one list; what other children are called goes to `found`.

    Neighbours of which one is there at most may have one name: they are alternatives.
    """
    for before, node in pairwise([None, *nodes]):
        if node is None or not node.name:
            continue
        others = taken.setdefault(node.name, [])
        follows = bool(others) and others[-1] is before
        if others and not (follows and all(_excludes(other, node) for other in others)):
            found.append(_twice(node, node.name, others[0].at))
        others.append(node)


def _excludes(first: Named, second: Named) -> bool:
    """Whether of two nodes one is there at most, whatever values their conditions get."""
    if isinstance(first, ALWAYS) or isinstance(second, ALWAYS):
        return False
    if first.when is False or second.when is False:
        return True
    return truth(second.when, knowing(first.when)) is False


def _twice(node: Named, name: str, first: Location | None) -> Diagnostic:
    where = f"the first one is on line {first.line}; " if first else ""
    if name != (plain := name.removesuffix("_")) and child_name(plain) == name:
        where += f"'{plain}' is '{name}' in code; "
    message = f"the name '{name}' stands twice in one scope"
    help = f"{where}call one of them '{name}_2', say"
    if first is not None and first == node.at:
        help = f"each turn needs a name of its own: write `{name}_{{i}}`, say"
    return Diagnostic("E106", message, node.at, f"named '{name}'", help)


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


Named = Layer | Group | Call | Join | Residual | Reuse
ALWAYS = (Join, Residual, Reuse)  # what has no condition
Taken = dict[str, list[Named]]  # the children that have a name


def _scope_lists(body: Body) -> Iterator[list[Named]]:
    """The lists of nodes of one scope, those in the branches of joins and residuals included."""
    yield [node for node in body if not isinstance(node, (Loop, From))]
    for node in body:
        if isinstance(node, (Join, Residual)):
            for inner in children(node):
                yield from _scope_lists(inner)


def _base(node: Named) -> str:
    if isinstance(node, Layer):
        return node.op.called or node.op.word
    if isinstance(node, Call):
        return child_name(node.block)
    if isinstance(node, Join):
        return node.kind.value
    if isinstance(node, Reuse):
        return f"{node.of}_again"
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
