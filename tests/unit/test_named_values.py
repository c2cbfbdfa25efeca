"""Values that later steps go back to: meaning by hand, depth, fields, and text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.cost.cost import network_cost
from rescompile.errors import SpecError
from rescompile.ir.text import show
from rescompile.reference import run

Write = Callable[..., Path]
SKIP = """
stages:
  - activation: {}
    name: skip
  - max_pool: {kernel: 2}
  - upsample: {scale: 2}
  - add: [[from: skip], []]
"""
RESTART = """
stages:
  - conv: {channels: 4, kernel: 3}
    name: trunk
  - conv: {channels: 4, kernel: 5}
    name: aux
  - from: trunk
  - conv: {channels: 4, kernel: 3, stride: 2}
    name: main
  - conv: {channels: 4, kernel: 3}
    name: last
outputs: [aux, last]
"""


def test_a_value_is_joined_by_hand(write: Write) -> None:
    elaborated = open_spec(str(write(SKIP))).analysis.elaborated
    x = np.random.default_rng(1).standard_normal((2, 3, 32, 32))
    (got,) = run(elaborated, {}, x).outputs
    skip = np.maximum(x, 0)
    pooled = skip.reshape(2, 3, 16, 2, 16, 2).max((3, 5))
    assert np.array_equal(got, skip + pooled.repeat(2, 2).repeat(2, 3))


def test_depth_and_field_follow_the_value(write: Write) -> None:
    net = open_spec(str(write(RESTART)))
    assert network_cost(net.analysis.elaborated).layers == 3  # trunk, main, last
    assert network_cost(net.analysis.elaborated).weighted_layers == 4
    found = {row.name: row.field.size for row in net.report("layer").rows}
    assert found == {"trunk": (3, 3), "aux": (7, 7), "main": (5, 5), "last": (9, 9)}
    found = {row.name: row.field.size for row in net.report("stage").rows}
    assert found["last"] == (9, 9)


def test_the_channels_of_an_input_hide_a_parameter_of_the_network(write: Write) -> None:
    text = """
parameters: {wide_channels: 5}
blocks:
  fuse:
    inputs: [wide, narrow]
    body:
      - concat: [[from: wide], [from: narrow]]
      - {conv: {channels: $wide_channels, kernel: 1}, name: mix}
stages:
  - {conv: {channels: 8, kernel: 3}, name: first}
  - {conv: {channels: $wide_channels, kernel: 3}, name: second}
  - {block: fuse, name: fused, from: [first, second]}
"""
    assert open_spec(str(write(text))).analysis.elaborated.output == (8, 32, 32)


def test_show_tells_where_a_value_comes_from(write: Write) -> None:
    text = show(open_spec(str(write(SKIP))).analysis)
    assert "      branch:\n        from skip\n      branch:\n        identity\n" in text


ALTERNATIVES = """
blocks:
  unit:
    parameters: {{kind: {{type: int}}}}
    body:
      - {{name: down, when: $kind == 1, conv: {{channels: 8, kernel: 3}}}}
      - {{name: down, when: {other}, conv: {{channels: 8, kernel: 1}}}}
      - {{name: last, conv: {{channels: 8, kernel: 3}}}}
      - add: [[], [from: down]]
stages:
  - {{name: one, block: unit, kind: 1}}
  - {{name: two, block: unit, kind: 2}}
"""


def test_an_alternative_is_gone_back_to_where_one_is_sure_to_be_there(write: Write) -> None:
    open_spec(str(write(ALTERNATIVES.format(other="$kind != 1")))).report("network")
    with pytest.raises(SpecError, match="'down' has a condition: it need not be there"):
        open_spec(str(write(ALTERNATIVES.format(other="$kind == 2")))).report("network")
