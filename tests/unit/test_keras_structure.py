"""Odd structures in Keras: each spec computes what the reference does, in a process with Keras."""

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
# --- flat_plain 17 22
stem:
  - conv: {channels: 6, kernel: 3, stride: 2}
    name: c1
head:
  - flatten: {}
  - activation: {kind: gelu}
  - dropout: {rate: 0.5}
  - linear: {features: 9}
    name: l1
  - activation: {}
  - linear: {features: $classes, bias: false}
    name: l2
# --- flat_norm 17 22
stem:
  - conv: {channels: 6, kernel: 3, stride: 2}
    name: c1
head:
  - flatten: {}
  - norm: {}
    name: bn
  - linear: {features: $classes}
    name: l2
# --- flat_output 17 22
stem:
  - conv: {channels: 6, kernel: 3, stride: 2}
    name: c1
head:
  - flatten: {}
    name: vec
  - linear: {features: $classes}
    name: l2
outputs: [vec, l2]
# --- flat_join 17 22
stem:
  - conv: {channels: 6, kernel: 3, stride: 2}
    name: c1
head:
  - flatten: {}
  - concat:
      - []
      - - linear: {features: 4}
          name: l1
  - linear: {features: $classes}
    name: l2
# --- outputs 32 40
blocks:
  b:
    parameters: {channels: {type: int}, stride: {default: 1, once: true}}
    body:
      - residual:
          branch:
            - conv: {channels: $channels, kernel: 3, stride: $stride}
              name: conv
            - norm: {}
              name: bn
          shortcut: projection
          when: $channels > 8
      - activation: {}
stem:
  - conv: {channels: 8, kernel: 3}
    name: stem
stages:
  - {name: layers, block: b, repeat: 2, channels: 8}
  - {name: x, block: b, repeat: 2, channels: 16, stride: 2}
  - {name: conv, block: b, repeat: 2, channels: 16, stride: 2}
outputs: [layers, x, conv]
# --- nested 17 22
blocks:
  inner:
    parameters: {channels: {type: int}}
    body:
      - concat:
          conv:
            - conv: {channels: $channels, kernel: 1}
          layers:
            - conv: {channels: $channels, kernel: 1}
            - name: deep
              concat:
                - - conv: {channels: $channels, kernel: 3}
                    name: ca
                - - conv: {channels: 3, kernel: 1}
                    name: cb
                  - add:
                      - []
                      - - conv: {channels: 3, kernel: 3}
                          name: cc
                      - - multiply:
                            - []
                            - - global_avg_pool: {keepdims: true}
                              - conv: {channels: 3, kernel: 1, bias: true}
                                name: cd
                              - activation: {kind: sigmoid}
stem:
  - conv: {channels: 8, kernel: 3, stride: 2}
    name: c0
stages:
  - {name: b1, block: inner, channels: 4}
  - {name: b2, block: inner, channels: 5}
HEAD
# --- loop_pool_sign 33 33
stages:
  - conv: {channels: 4, kernel: 3}
    name: c0
  - activation: {}
  - name: features
    group:
      - repeat: 2
        steps:
          - max_pool: {kernel: 3, stride: 2, padding: 1}
          - conv: {channels: 4, kernel: 3, bias: true}
HEAD
# --- same_first 17 22
stem:
  - residual:
      branch:
        - conv: {channels: 3, kernel: 3}
          name: q
      shortcut: identity
    name: z
  - residual:
      preactivation:
        - norm: {}
          name: n
      branch:
        - conv: {channels: 6, kernel: 3, stride: 2}
          name: r
      shortcut: avg_projection
      tap: preactivation
    name: y
  - residual:
      branch:
        - conv: {channels: 10, kernel: 3, stride: 2}
          name: t
      shortcut: pad
    name: u
HEAD
# --- hoisted 17 22
stages:
  - name: features
    group:
      - conv: {channels: 4, kernel: 3}
      - residual:
          branch:
            - conv: {channels: 4, kernel: 3}
              name: c
            - norm: {}
              name: n
          shortcut: identity
      - concat:
          - []
          - - conv: {channels: 4, kernel: 3}
              name: c
      - activation: {}
HEAD
# --- shuffle 17 22
blocks:
  unit:
    parameters: {half: {type: int}}
    body:
      - concat:
          - - slice_channels: {stop: $half}
          - - slice_channels: {start: $half, stop: $half * 2}
            - conv: {channels: $half, kernel: 3}
              name: conv
            - norm: {}
              name: bn
      - channel_shuffle: {groups: 2}
stem:
  - conv: {channels: 12, kernel: 3, stride: 2}
    name: c1
stages:
  - {name: s1, block: unit, repeat: 2, half: 6}
  - pad_channels: {before: 1, after: 3}
  - {name: s2, block: unit, repeat: 1, half: 8}
  - upsample: {scale: 2}
  - upsample: {scale: 2, mode: bilinear}
HEAD
# --- convnext 32 40
blocks:
  cn:
    parameters: {channels: {type: int}, rate: {type: float}}
    body:
      - residual:
          branch:
            - depthwise_conv: {kernel: 7, bias: true}
              name: dwconv
            - norm: {kind: layer, epsilon: 1.0e-6}
              name: norm
            - conv: {channels: $channels * 4, kernel: 1, bias: true}
              name: pw1
            - activation: {kind: gelu}
            - conv: {channels: $channels, kernel: 1, bias: true}
              name: pw2
            - layer_scale: {init: 1.0e-2}
              name: gamma
            - stochastic_depth: {rate: $rate}
          shortcut: identity
stem:
  - conv: {channels: 8, kernel: 4, stride: 4, padding: 0, bias: true}
    name: stem
  - norm: {kind: layer, epsilon: 1.0e-6}
    name: stem_norm
stages:
  - {name: s1, block: cn, repeat: 3, channels: 8, rate: "0.1 * $index / 5"}
  - conv: {channels: 16, kernel: 2, stride: 2, padding: 0, bias: true}
    name: down
  - {name: s2, block: cn, repeat: 2, channels: 16, rate: "0.1 * ($index + 3) / 5"}
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
