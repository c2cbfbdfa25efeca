"""Odd operations in Keras: each spec computes what the reference does, in a process with Keras."""

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
# --- acts 17 22
stem:
  - conv: {channels: 6, kernel: 3}
    name: crelu
  - activation: {kind: relu}
    name: arelu
  - conv: {channels: 6, kernel: 3}
    name: crelu6
  - activation: {kind: relu6}
    name: arelu6
  - conv: {channels: 6, kernel: 3}
    name: cleaky_relu
  - activation: {kind: leaky_relu}
    name: aleaky_relu
  - conv: {channels: 6, kernel: 3}
    name: csigmoid
  - activation: {kind: sigmoid}
    name: asigmoid
  - conv: {channels: 6, kernel: 3}
    name: chard_sigmoid
  - activation: {kind: hard_sigmoid}
    name: ahard_sigmoid
  - conv: {channels: 6, kernel: 3}
    name: ctanh
  - activation: {kind: tanh}
    name: atanh
  - conv: {channels: 6, kernel: 3}
    name: csilu
  - activation: {kind: silu}
    name: asilu
  - conv: {channels: 6, kernel: 3}
    name: chard_swish
  - activation: {kind: hard_swish}
    name: ahard_swish
  - conv: {channels: 6, kernel: 3}
    name: cgelu
  - activation: {kind: gelu}
    name: agelu
  - conv: {channels: 6, kernel: 3}
    name: celu
  - activation: {kind: elu}
    name: aelu
  - conv: {channels: 6, kernel: 3}
    name: csoftmax
  - activation: {kind: softmax}
    name: asoftmax
HEAD
# --- convs 23 29
stem:
  - conv: {channels: 8, kernel: 3, stride: 2}
    name: c1
  - conv: {channels: 8, kernel: [1, 7], padding: [0, 3]}
    name: c2
  - conv: {channels: 8, kernel: [7, 1], padding: [3, 0], bias: true}
    name: c3
  - conv: {channels: 12, kernel: 3, padding: 0, groups: 2}
    name: c4
  - conv: {channels: 12, kernel: 3, padding: [1, 0, 2, 1], groups: 4}
    name: c5
  - conv: {channels: 10, kernel: 3, stride: [1, 2], padding: [1, 1]}
    name: c6
  - conv: {channels: 10, kernel: 2, stride: 1, padding: 1}
    name: c7
  - conv: {channels: 10, kernel: 3, dilation: 2}
    name: c8
  - conv: {channels: 10, kernel: 3, stride: 2, padding: same}
    name: c9
  - conv: {channels: 10, kernel: 2, dilation: 2, padding: same}
    name: c10
HEAD
# --- convs_mixed_stride_block 33 40
blocks:
  b:
    parameters: {channels: {type: int}, kernel: {default: 3}, stride: {default: 1},
        dilation: {default: 1}, groups: {default: 1}}
    body:
      - conv: {channels: $channels, kernel: $kernel, stride: $stride, dilation: $dilation,
          groups: $groups}
        name: conv
      - norm: {}
        name: bn
      - activation: {}
stages:
  - {name: s1, block: b, channels: 8, stride: 2}
  - {name: s2, block: b, channels: 8, kernel: 5, dilation: 2}
  - {name: s3, block: b, channels: 16, kernel: 1, stride: 2}
  - {name: s4, block: b, channels: 16, kernel: 3, groups: 16}
  - {name: s5, block: b, channels: 16, kernel: 3, groups: 4, stride: 2}
HEAD
# --- stride_dilation 33 40
stem:
  - conv: {channels: 8, kernel: 3, stride: 2, dilation: 2}
    name: c1
  - activation: {}
  - conv: {channels: 8, kernel: 3, stride: 2, dilation: 3, groups: 8}
    name: c2
HEAD
# --- depthwise_kaiming 17 22
stem:
  - depthwise_conv: {kernel: 3, stride: 2}
    name: c1
  - depthwise_conv: {kernel: 3, multiplier: 2, bias: true}
    name: c2
HEAD
# --- pools 37 44
stem:
  - conv: {channels: 6, kernel: 3}
    name: c1
  - max_pool: {kernel: 3, stride: 2, padding: 1}
    name: p1
  - max_pool: {kernel: 3, stride: 1, padding: 1}
    name: p2
  - max_pool: {kernel: 2, stride: 1}
    name: p3
  - conv: {channels: 6, kernel: 3}
    name: c2
  - max_pool: {kernel: [3, 2], stride: [1, 2], padding: [1, 0]}
    name: p4
  - activation: {}
  - max_pool: {kernel: 3, stride: 2, padding: 1}
    name: p5
HEAD
# --- pools_ceil 38 44
stem:
  - conv: {channels: 6, kernel: 3}
    name: c1
  - max_pool: {kernel: 3, stride: 2, ceil_mode: true}
    name: p1
  - max_pool: {kernel: 3, stride: 2, padding: 1, ceil_mode: true}
    name: p2
  - activation: {}
  - max_pool: {kernel: 2, stride: 2, ceil_mode: true}
    name: p3
HEAD
# --- avgs 38 47
stem:
  - conv: {channels: 6, kernel: 3}
    name: c1
  - avg_pool: {kernel: 3, stride: 1, padding: 1}
    name: p1
  - avg_pool: {kernel: 3, stride: 1, padding: 1, count_include_pad: true}
    name: p2
  - avg_pool: {kernel: 3, stride: 2, padding: 1}
    name: p3
  - avg_pool: {kernel: 3, stride: 2, padding: 1, count_include_pad: true}
    name: p4
  - avg_pool: {kernel: 2, stride: 2}
    name: p5
HEAD
# --- avgs_ceil 38 44
stem:
  - conv: {channels: 6, kernel: 3}
    name: c1
  - avg_pool: {kernel: 3, stride: 2, ceil_mode: true}
    name: p1
  - avg_pool: {kernel: 2, stride: 2, ceil_mode: true}
    name: p2
  - avg_pool: {kernel: 3, stride: 2, padding: 1, ceil_mode: true}
    name: p3
HEAD
# --- avgs_ceil_include_pad 38 44
stem:
  - conv: {channels: 6, kernel: 3}
    name: c1
  - avg_pool: {kernel: 3, stride: 2, padding: 1, ceil_mode: true, count_include_pad: true}
    name: p1
HEAD
# --- norms 17 22
stem:
  - conv: {channels: 12, kernel: 3, stride: 2}
    name: c1
  - norm: {kind: layer, epsilon: 1.0e-6}
    name: n1
  - conv: {channels: 12, kernel: 3}
    name: c2
  - norm: {kind: group, groups: 3}
    name: n2
  - conv: {channels: 12, kernel: 3}
    name: c3
  - norm: {kind: batch, epsilon: 0.001, momentum: 0.01}
    name: n3
  - norm: {}
    name: n4
  - layer_scale: {init: 0.1}
    name: gamma
head:
  - global_avg_pool: {}
  - norm: {kind: layer}
    name: n5
  - norm: {kind: group, groups: 4}
    name: n6
  - norm: {}
    name: n7
  - layer_scale: {}
    name: gamma2
  - linear: {features: $classes}
    name: fc
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
