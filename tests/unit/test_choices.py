"""Conditions of neighbours: what is taken together, and what the emitted code makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.emit.choices import choices
from rescompile.expr.dims import Dim
from rescompile.expr.parse import parse
from rescompile.ir.structure import Layer, Node
from rescompile.ops import Relu

SPEC = Path(__file__).parents[1] / "regressions/choices_in_a_sequence.yaml"
TORCH = """
        if deep:
            self.append(nn.BatchNorm2d(channels))
            self.append(nn.Tanh())
        else:
            self.append(nn.BatchNorm2d(channels))
        if channels < 4:
            self.append(nn.Conv2d(channels, channels, 3, padding=1, bias=False))
        else:
            self.append(nn.ReLU())
        self.append(nn.Sigmoid())
"""
KERAS = """
    number = 1
    if deep:
        x = batch_norm(x, name=f"{name}_{number}")
        x = layers.Activation("tanh", name=f"{name}_{number + 1}")(x)
        number += 2
    else:
        x = batch_norm(x, name=f"{name}_{number}")
        number += 1
    if channels < 4:
        x = conv(x, channels, 3, name=f"{name}_{number}")
    else:
        x = layers.ReLU(name=f"{name}_{number}")(x)
    return layers.Activation("sigmoid", name=f"{name}_{number + 1}")(x)
"""


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


@pytest.mark.parametrize(("backend", "wanted"), [("torch", TORCH), ("keras", KERAS)])
def test_opposites_become_an_else(backend: str, wanted: str) -> None:
    assert wanted in open_spec(str(SPEC)).source(backend)
