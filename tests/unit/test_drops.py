"""What dropout and stochastic depth draw, judged as samples: right layers pass, and no other."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.ir.trace import Elaborated
from rescompile.ops import StochasticDepth
from rescompile.reference import Array, run
from rescompile.reference.deviation import Deviation, worst
from rescompile.reference.drops import drops, factors, figures, surprises
from rescompile.reference.weights import random_weights
from rescompile.verify.checks import SURPRISE

SPEC = """
rescompile: 1
name: tiny
input: {{channels: 3, height: 8, width: 8}}
classes: 4
stages:
  - residual:
      branch:
        - conv: {{channels: 3, kernel: 3}}
          name: conv1
        - stochastic_depth: {{rate: {rate}}}
          name: depth
      shortcut: identity
head:
  - dropout: {{rate: {rate}}}
    name: map
  - global_avg_pool: {{}}
  - dropout: {{rate: {rate}}}
    name: vector
  - linear: {{features: $classes}}
    name: fc
"""
ALL = {"depth", "map", "vector"}
Layer = Callable[[Array, bool], Array]
Make = Callable[[bool, float], Layer]  # whether whole samples are dropped, and the rate


def elaborated(folder: Path, rate: float) -> Elaborated:
    path = folder / "tiny.yaml"
    path.write_text(SPEC.format(rate=rate), "utf-8")
    return open_spec(str(path)).analysis.elaborated


def shape_of(whole: bool, x: Array) -> tuple[int, ...]:
    return (len(x), *(1 for _ in x.shape[1:])) if whole else x.shape


def layer(rng: np.random.Generator, rate: float, shape: Any, scale: float) -> Layer:
    """A layer that drops in training, by a mask of the shape that `shape` makes of its input."""

    def draw(x: Array, training: bool) -> Array:
        if not training:
            return x
        return np.asarray(x * (rng.random(shape(x)) >= rate) * scale)

    return draw


def right(whole: bool, rate: float) -> Layer:
    rng = np.random.default_rng(7)
    return layer(rng, rate, lambda x: shape_of(whole, x), 1 / (1 - rate))


def of_rate(factor: float) -> Make:
    """What draws at another rate, but scales as it should."""
    return lambda whole, rate: layer(
        np.random.default_rng(7), rate * factor, lambda x: shape_of(whole, x), 1 / (1 - rate)
    )


def of_shape(shape: Callable[[Array], tuple[int, ...]]) -> Make:
    return lambda whole, rate: layer(np.random.default_rng(7), rate, shape, 1 / (1 - rate))


def unscaled(whole: bool, rate: float) -> Layer:
    return layer(np.random.default_rng(7), rate, lambda x: shape_of(whole, x), 1.0)


def always(whole: bool, rate: float) -> Layer:
    made = right(whole, rate)
    return lambda x, training: made(x, True)


def everything(whole: bool, rate: float) -> Layer:
    return lambda x, training: x * 0 if training else x


def no_number(whole: bool, rate: float) -> Layer:
    return lambda x, training: x * np.nan if training else x


def found(network: Elaborated, make: Make, held: float | None = None) -> dict[str, Deviation]:
    """What is told of a network whose layers are made so, and say that they hold a rate."""
    made = {}
    for path, trace in drops(network):
        assert hasattr(trace.op, "rate")
        rate = trace.op.rate
        draw = make(isinstance(trace.op, StochasticDepth), rate)
        made[".".join(path)] = figures(trace, rate if held is None else held, draw)
    return surprises(network, made)


@pytest.mark.parametrize("rate", [0.0, 0.003, 0.2, 0.5, 0.9])
def test_what_drops_as_it_should_passes(tmp_path: Path, rate: float) -> None:
    judged = found(elaborated(tmp_path, rate), right)
    assert judged.keys() == {"depth", "map", "vector"}
    assert worst(judged).error < SURPRISE, judged


@pytest.mark.parametrize("rate", [0.003, 0.2, 0.5])
@pytest.mark.parametrize(
    ("make", "names", "where"),
    [
        (of_rate(0.5), ALL, "share"),
        (of_rate(0), ALL, "share"),
        (everything, ALL, "share"),
        (unscaled, ALL, "scale"),
        (always, ALL, "evaluation"),
        (no_number, ALL, ""),
        (of_shape(lambda x: x.shape), {"depth"}, "channels"),
        (of_shape(lambda x: (len(x), *(1 for _ in x.shape[1:]))), {"map", "vector"}, "channels"),
        (of_shape(lambda x: (len(x), x.shape[1], *(1 for _ in x.shape[2:]))), {"map"}, "rows"),
        (of_shape(lambda x: (*x.shape[:-1], 1)), ALL, ""),
        (of_shape(lambda x: (1, *x.shape[1:])), ALL, ""),
        (of_shape(lambda x: tuple(1 for _ in x.shape)), ALL, ""),
    ],
)
def test_what_drops_otherwise_is_told(
    tmp_path: Path, rate: float, make: Make, names: set[str], where: str
) -> None:
    judged = found(elaborated(tmp_path, rate), make)
    wrong = {name for name, deviation in judged.items() if deviation.error > SURPRISE}
    assert names <= wrong
    assert all(where in judged[name].where for name in names), judged
    if where == "channels":
        assert wrong == names


def test_the_rate_that_a_layer_holds_is_compared(tmp_path: Path) -> None:
    judged = found(elaborated(tmp_path, 0.2), right, held=0.1)
    assert worst(judged) == Deviation(math.inf, "rate of depth", (), 0.1, 0.2)


def test_a_layer_that_is_not_there_is_told_unless_it_drops_nothing(tmp_path: Path) -> None:
    judged = surprises(elaborated(tmp_path, 0.2), {})
    assert "depth is no layer that drops" in judged["depth"].problem
    assert not surprises(elaborated(tmp_path, 0.0), {})


def test_known_factors_stand_where_something_is_dropped(tmp_path: Path) -> None:
    network = elaborated(tmp_path, 0.2)
    known = factors(network, 4)
    assert {path[-1]: value.shape for path, value in known.items()} == {
        "depth": (4, 1, 1, 1),
        "map": (4, 3, 8, 8),
        "vector": (4, 3),
    }
    images = np.random.default_rng(0).standard_normal((4, 3, 8, 8))
    weights = random_weights(network)
    values = run(network, weights, images, training=True, keep=True, factors=known).values
    assert np.array_equal(values[("depth",)], values[("conv1",)] * known[("depth",)])
    assert np.array_equal(values[("add",)], values[("depth",)] + images)
    assert not factors(elaborated(tmp_path, 0.0), 4)
