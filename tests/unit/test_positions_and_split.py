"""Steps at each position of a map, and channels split between branches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rescompile.api import Architecture, open_spec
from rescompile.cost.cost import network_cost
from rescompile.ops import LayerNorm, Linear, Permute
from rescompile.reference import run
from rescompile.reference.weights import random_weights

Net = Callable[[str], Architecture]
MLP = """
stages:
  - conv: {channels: 6, kernel: 3}
    name: conv
  - name: mlp
    group:
      - positions:
          - norm: {kind: layer}
          - linear: {features: 12}
          - activation: {kind: gelu}
          - linear: {features: 4}
      - conv: {channels: 8, kernel: 1}
"""
SPLIT = """
stages:
  - conv: {channels: 6, kernel: 1}
    name: conv
  - concat: {a: [], b: {conv: {channels: 5, kernel: 1}}, c: []}
    split: true
    name: joined
"""
TURNED = """
stages:
  - conv: {channels: 8, kernel: 3, stride: [1, 2]}
    name: conv
  - positions:
      - linear: {features: 12}
        name: wide
      - linear: {features: 6}
        name: narrow
  - conv: {channels: 5, kernel: 1}
    name: last
"""


@pytest.fixture
def net(write: Callable[..., Path]) -> Net:
    return lambda given: open_spec(write(given))


def test_positions_are_members_of_the_sequence(net: Net) -> None:
    flat = dict(net(MLP).analysis.elaborated.flat())
    kinds = [type(flat["mlp", str(i)].op) for i in range(6)]
    assert kinds[:3] == [Permute, LayerNorm, Linear]
    assert kinds[5] is Permute
    assert flat["mlp", "6"].x == (4, 32, 32)


def test_positions_cost_as_1x1_convolutions_do(net: Net) -> None:
    as_convs = MLP.replace("linear: {features", "conv: {bias: true, kernel: 1, channels")
    as_convs = as_convs.replace("- positions:", "- group:")
    found, wanted = (network_cost(net(text).analysis.elaborated) for text in (MLP, as_convs))
    assert (found.macs, found.parameters) == (wanted.macs, wanted.parameters)


def test_positions_compute_a_matrix_product_at_each_pixel(net: Net) -> None:
    made = net("stages: [{positions: [{linear: {features: 4}}]}]").analysis.elaborated
    weights = random_weights(made, 1)
    x = np.random.default_rng(2).standard_normal((2, 3, 32, 32))
    (y,) = run(made, weights, x).outputs
    weight, bias = (weights["linear", leaf] for leaf in ("weight", "bias"))
    assert np.allclose(y[1, :, 5, 7], weight @ x[1, :, 5, 7] + bias, rtol=1e-12)


def test_a_split_gives_each_branch_its_share(net: Net) -> None:
    made = net(SPLIT).analysis.elaborated
    assert made.output == (2 + 5 + 2, 32, 32)
    weights = random_weights(made, 1)
    x = np.random.default_rng(2).standard_normal((2, 3, 32, 32))
    result = run(made, weights, x, keep=True)
    before = result.values[("conv",)]
    (y,) = result.outputs
    assert np.array_equal(y[:, :2], before[:, :2])
    assert np.array_equal(y[:, 7:], before[:, 4:])
    weight = weights["b", "weight"][:, :, 0, 0]
    assert np.allclose(y[0, 2:7, 3, 4], weight @ before[0, 2:4, 3, 4], rtol=1e-12)
