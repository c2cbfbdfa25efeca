"""Conditions of neighbours: what is taken together."""

from __future__ import annotations

import pytest

from rescompile.expr.dims import Dim
from rescompile.expr.parse import parse
from rescompile.ir.choices import choices
from rescompile.ir.nodes import Layer, Node
from rescompile.ops import Relu

Told = list[tuple[Dim, int, int]]


def _choices(*conditions: str) -> Told:
    """Of a sequence of members under these conditions: each condition, how many, how many not."""
    body: tuple[Node, ...] = tuple(Layer(Relu(), when=parse(text)) for text in conditions)
    return [(c.condition, len(c.nodes), len(c.otherwise)) for c in choices(body)]


@pytest.mark.parametrize(
    ("conditions", "told"),
    [
        ((), []),
        (("true", "true"), [("true", 2, 0)]),
        (("$a", "$a", "not $a"), [("$a", 2, 1)]),
        (("not $a", "$a", "$a"), [("$a", 2, 1)]),
        (("$a", "not $a", "$a"), [("$a", 1, 1), ("$a", 1, 0)]),
        (("$a", "true", "not $a"), [("$a", 1, 0), ("true", 1, 0), ("not $a", 1, 0)]),
        (("$a", "not $b"), [("$a", 1, 0), ("not $b", 1, 0)]),
        (("not $a", "not $a"), [("not $a", 2, 0)]),
        (("$a == 1", "$a != 1"), [("$a == 1", 1, 1)]),
        (("$a >= $b", "$a < $b"), [("$a >= $b", 1, 1)]),
        (("$a > $b", "$a < $b"), [("$a > $b", 1, 0), ("$a < $b", 1, 0)]),
        (("$a > 1", "$a <= 2"), [("$a > 1", 1, 0), ("$a <= 2", 1, 0)]),
        (("$a and $b", "not ($a and $b)"), [("$a and $b", 1, 1)]),
    ],
)
def test_neighbours_are_taken_together(conditions: tuple[str, ...], told: Told) -> None:
    assert _choices(*conditions) == [(parse(str(text)), n, m) for text, n, m in told]
