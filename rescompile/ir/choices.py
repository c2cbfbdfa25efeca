"""Conditions in a sequence: neighbours that depend on the same one, and on its opposite.

They become one `if` of the emitted code, with an `else` where there is an opposite.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from ..expr.assume import Known, knowing, truth
from ..expr.dims import Dim, Unary, negation
from ..record import record
from .nodes import Child, Node


@record
class Choice:
    """Neighbours under one condition (True: always there), and those under its opposite."""

    condition: Dim
    nodes: tuple[Node, ...]
    otherwise: tuple[Node, ...] = ()


def choices(body: tuple[Node, ...]) -> Iterator[Choice]:
    """The members of a sequence in order, taken together by what they depend on."""
    runs = [(when, tuple(nodes)) for when, nodes in groupby(body, condition)]
    for i, (when, nodes) in enumerate(runs):
        if i and _opposite(runs[i - 1][0], when):
            runs[i] = (True, ())  # told with the one before
            continue
        other, otherwise = runs[i + 1] if i + 1 < len(runs) else (True, ())
        if not _opposite(when, other):
            yield Choice(when, nodes)
        elif isinstance(when, Unary):  # the condition without a `not` comes first
            yield Choice(other, otherwise, nodes)
        else:
            yield Choice(when, nodes, otherwise)


def together(nodes: tuple[Node, ...]) -> Iterator[tuple[Node, ...]]:
    """The nodes of a module scope in order, alternatives under one name together."""
    for _, found in groupby(enumerate(nodes), lambda pair: _name(pair[1]) or pair[0]):
        yield tuple(node for _, node in found)


def _name(node: Node) -> str:
    return node.name or "" if isinstance(node, Child) and node.when is not True else ""


def branches(conditions: Sequence[Dim]) -> Iterator[tuple[str, Dim]]:
    """`if`, `elif` and `else` for conditions of which one holds at most, in this order.

    The last one is True, for `else`, where it holds if no other does.
    """
    known: Known = {}
    for i, when in enumerate(conditions):
        last = 0 < i == len(conditions) - 1 and truth(when, known) is True
        yield ("elif" if i else "if", when) if not last else ("else", True)
        known = {**known, **knowing(when, False)}


def condition(node: Node) -> Dim:
    """When a node is there; True where that is always so."""
    return node.when if isinstance(node, Child) else True


def _opposite(first: Dim, second: Dim) -> bool:
    """Whether exactly one of two conditions holds, whatever the values are."""
    return second == negation(first) or first == negation(second)
