"""Initial weights as samples: few of them surprise no more than many, and other tails are seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.reference.deviation import worst
from rescompile.verify.checks import SURPRISE
from rescompile.verify.initial import surprises

Write = Callable[..., Path]
SPEC = """
defaults: {{init: {{conv: {{kind: {kind}}}}}}}
stages:
  - conv: {{channels: {channels}, kernel: 1}}
    name: only
"""
DRAWS = 4000
Draw = Callable[[np.random.Generator, int], np.ndarray]


def _normal(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.standard_normal(count)


def _uniform(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.uniform(-np.sqrt(3), np.sqrt(3), count)


def _truncated(rng: np.random.Generator, count: int) -> np.ndarray:
    """At two standard deviations, and as wide as a normal again."""
    drawn = rng.standard_normal(2 * count)
    return drawn[np.abs(drawn) < 2][:count] / 0.87962566


def errors(path: Path, deviation: float, draw: Draw, count: int, draws: int) -> np.ndarray:
    elaborated, rng = open_spec(path).analysis.elaborated, np.random.default_rng(7)
    shape = (count // 3, 3, 1, 1)
    found = ({"only.weight": draw(rng, count).reshape(shape) * deviation} for _ in range(draws))
    return np.array([worst(surprises(elaborated, one)).error for one in found])


@pytest.mark.parametrize(
    ("kind", "deviation", "draw"),
    [("kaiming_normal", np.sqrt(2 / 4), _normal), ("uniform_fan_in", 1 / 3, _uniform)],
)
def test_few_weights_are_judged_as_seldom_wrong_as_many(
    write: Write, kind: str, deviation: float, draw: Draw
) -> None:
    path = write(SPEC.format(kind=kind, channels=4))
    found = errors(path, deviation, draw, 12, DRAWS)
    assert found.max() < SURPRISE
    assert (found > 4).mean() < 0.002  # 6e-5 of a normal, for each of three figures


@pytest.mark.parametrize("draw", [_truncated, _uniform])
def test_other_tails_are_seen(write: Write, draw: Draw) -> None:
    path = write(SPEC.format(kind="kaiming_normal", channels=400))
    (found,) = errors(path, np.sqrt(2 / 400), draw, 1200, 1)
    assert found > SURPRISE
