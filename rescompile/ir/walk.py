"""Ways through the nodes of a definition, and what is asked of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from ..ops import Permute
from .nodes import Group, Join, Layer, Loop, Node, Residual, Reuse, sources_of


def children(node: Node) -> Iterator[tuple[Node, ...]]:
    """The node lists directly inside a node, in the order of execution."""
    if isinstance(node, (Group, Loop)):
        yield node.body
    elif isinstance(node, Join):
        yield from (branch.body for branch in node.branches)
    elif isinstance(node, Residual):
        yield from (node.pre, node.shortcut, node.branch)


Body = tuple[Node, ...]
NodeT = TypeVar("NodeT", bound=Node)


def rebuilt(node: NodeT, change: Callable[[Body], Body]) -> NodeT:
    """`node` with `change` applied to each list of nodes directly inside of it, in that order."""
    if isinstance(node, (Group, Loop)):
        return replace(node, body=change(node.body))
    if isinstance(node, Join):
        branches = tuple(replace(branch, body=change(branch.body)) for branch in node.branches)
        return replace(node, branches=branches)
    if isinstance(node, Residual):
        pre, shortcut = change(node.pre), change(node.shortcut)
        return replace(node, pre=pre, shortcut=shortcut, branch=change(node.branch))
    return node


def channels_last(body: tuple[Node, ...]) -> set[int]:
    """The ids of the nodes whose values have the channels last: those of `positions`."""
    found: set[int] = set()
    last = False
    for node in body:
        if isinstance(node, Layer) and isinstance(node.op, Permute):
            last = node.op.last
        if last:
            found.add(node.id)
        for inner in children(node):
            found |= channels_last(inner)
    return found


def sources(body: tuple[Node, ...]) -> frozenset[str]:
    """The values of a module scope that later steps go back to, or take the sizes of."""
    return frozenset(name for node in walk(body) for name in sources_of(node))


def shared(body: tuple[Node, ...]) -> frozenset[str]:
    """The steps of a module scope whose weights later steps have as well."""
    return frozenset(node.of for node in walk(body) if isinstance(node, Reuse))


def walk(body: tuple[Node, ...]) -> Iterator[Node]:
    """Every node of a definition, outer ones first; calls are not entered."""
    for node in body:
        yield node
        for inner in children(node):
            yield from walk(inner)
