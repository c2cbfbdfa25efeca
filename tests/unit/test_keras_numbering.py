"""Numbers of layers in Keras: odd specs compute what the reference does, in another process."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rescompile.compiler import open_spec
from rescompile.parity.process import Worker, relative_error
from rescompile.parity.reference import run as reference
from rescompile.parity.weights import random_weights

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("keras") is None or importlib.util.find_spec("tensorflow") is None,
    reason="Keras on TensorFlow is not installed",
)
TEXT = r"""
# --- inline 128 128
blocks:
  st:
    parameters: {channels: {type: int}, convs: {type: int}, extra: {type: bool, default: false}}
    inline:
      - repeat: $convs
        steps:
          - conv: {channels: $channels, kernel: 3, bias: true}
          - activation: {}
      - norm: {}
      - max_pool: {kernel: 2, stride: 2}
  outer:
    parameters: {convs: {type: int}}
    sequence:
      - {block: st, channels: 4, convs: 1}
      - {block: st, channels: 6, convs: $convs}
      - conv: {channels: 4, kernel: 1}
stages:
  - name: features
    group:
      - {block: st, channels: 8, convs: 2}
      - {block: st, channels: 8, convs: 1}
  - {name: o1, block: outer, convs: 2}
  - {name: o2, block: outer, convs: 1}
HEAD
# --- inline_when 17 22
blocks:
  st:
    parameters: {channels: {type: int}, bn: {type: bool, default: false}}
    inline:
      - conv: {channels: $channels, kernel: 3}
      - norm: {}
        when: $bn
      - activation: {}
stages:
  - name: features
    group:
      - {block: st, channels: 8}
      - {block: st, channels: 8, bn: true}
      - {block: st, channels: 4}
HEAD
# --- loops 17 22
stages:
  - name: features
    group:
      - repeat: 2
        steps:
          - conv: {channels: "4 + $index", kernel: 3}
          - repeat: 2
            steps:
              - conv: {channels: "6 + $index * 2", kernel: 1}
              - activation: {}
          - conv: {channels: "4 + $index", kernel: 3}
      - norm: {}
HEAD
# --- loop_when 17 22
blocks:
  s:
    parameters: {n: {type: int}}
    sequence:
      - repeat: $n
        steps:
          - conv: {channels: 4, kernel: 3}
          - activation: {}
            when: $index > 0
      - norm: {}
stages:
  - {name: a, block: s, n: 2}
  - {name: b, block: s, n: 3}
HEAD
# --- when_groups 17 22
blocks:
  s:
    parameters: {a: {type: bool}, b: {type: bool}}
    body:
      - name: g
        group:
          - conv: {channels: 4, kernel: 1}
            when: $a
          - conv: {channels: 4, kernel: 3}
          - name: inner
            when: $b
            group:
              - conv: {channels: 4, kernel: 1}
              - activation: {}
                when: $a
              - conv: {channels: 4, kernel: 3}
          - norm: {}
            when: $b
          - activation: {}
      - name: h
        when: $a
        group:
          - conv: {channels: 4, kernel: 1}
      - activation: {}
        name: act
stages:
  - {name: s1, block: s, a: true, b: true}
  - {name: s2, block: s, a: true, b: false}
  - {name: s3, block: s, a: false, b: true}
  - {name: s4, block: s, a: false, b: false}
HEAD
# --- patterns 17 22
blocks:
  d:
    parameters: {growth: {type: int}}
    body:
      - concat:
          - []
          - - conv: {channels: $growth, kernel: 3}
              name: conv
            - norm: {}
              name: bn
  e:
    parameters: {growth: {type: int}}
    body:
      - conv: {channels: $growth, kernel: 3}
        name: conv
stages:
  - {name: d1, block: d, repeat: 3, growth: 4, children: "layer{n}"}
  - {name: d2, block: e, repeat: 2, growth: "2 + $index", children: "layer{n}"}
  - {name: d3, block: e, repeat: 2, growth: "2 + $index"}
  - name: g
    group:
      - {block: d, repeat: 2, growth: 4}
      - {block: d, repeat: 2, growth: 3}
      - {block: e, repeat: 2, growth: "2 + $index"}
      - conv: {channels: 4, kernel: 1}
HEAD
# --- params 17 22
blocks:
  conv:
    parameters: {x: {type: int}, layers: {default: 3}, i: {default: 1}, start: {default: 2},
        batch_norm: {default: 4}, keras: {default: 1}, range: {default: 2},
            blocks: {default: 1}, number: {type: bool, default: true}}
    body:
      - name: g
        group:
          - activation: {}
            when: $number
          - conv: {channels: $x, kernel: $layers}
          - conv: {channels: $batch_norm, kernel: $i}
          - conv: {channels: $start, kernel: $keras}
          - conv: {channels: $range + $blocks, kernel: 1}
stages:
  - {name: a, block: conv, x: 3}
  - {name: b, block: conv, x: 4, layers: 1, i: 3, start: 5, batch_norm: 6, keras: 3, range: 4,
      blocks: 2, number: false}
  - {name: c, block: conv, repeat: 2, x: 4, layers: 1, i: 3, start: 5, batch_norm: 6, keras: 3,
      range: 4, blocks: 2}
HEAD
"""
HEAD = "head: [{global_avg_pool: {}}, {linear: {features: $classes}, name: fc}]\n"


def _specs() -> Iterator[tuple[str, str]]:
    """Each spec follows a line `# --- name height width`."""
    for part in TEXT.split("# --- ")[1:]:
        title, body = part.split("\n", 1)
        name, height, width = title.split()
        size = f"input: {{channels: 3, height: {height}, width: {width}}}\n"
        body = body.replace("HEAD\n", HEAD)
        yield name, f"rescompile: 1\nname: {name}\n{size}classes: 5\n{body}"


SPECS = dict(_specs())


@pytest.fixture(scope="module")
def keras() -> Iterator[Worker]:
    with Worker("keras") as worker:
        yield worker


@pytest.mark.parametrize("name", SPECS)
def test_odd_specs_agree_with_the_reference(
    keras: Worker, write: Callable[..., Path], name: str
) -> None:
    path = write(SPECS[name], name, head="")
    elaborated = open_spec(path).facts.elaborated
    x = np.random.default_rng(7).standard_normal((2, *elaborated.network.input))
    wanted = reference(elaborated, random_weights(elaborated, 3), x).outputs
    made = keras.run(path, x.astype(np.float32), weights=3)
    for got, expected in zip(made, wanted, strict=True):
        assert relative_error(got, expected) < 1e-5
