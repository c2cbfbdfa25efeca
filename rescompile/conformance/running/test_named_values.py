"""Values that later steps go back to, and several outputs, in every backend: as the reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ...api import open_spec
from ...reference import run
from ...reference.deviation import relative_error
from ...reference.weights import random_weights
from ...worker.client import Worker

HEAD = "rescompile: 1\nname: mine\ninput: {channels: 3, height: 17, width: 22}\n"
FORWARD_FLOAT32 = 1e-5
TEXTS = {
    # Names within branches, values used twice, in-place activations right after a kept value.
    "lexical": """
blocks:
  ladder:
    parameters: {channels: {type: int}}
    body:
      - conv: {channels: $channels, kernel: 3}
        name: low
      - activation: {}
      - concat:
          - - conv: {channels: 4, kernel: 3}
              name: inner
            - activation: {kind: leaky_relu}
            - add: [[from: inner], []]
          - [from: low, conv: {channels: 5, kernel: 1}, activation: {}]
          - []
      - norm: {}
        name: bn
      - multiply:
          - [from: low]
          - [from: bn, global_avg_pool: {keepdims: true}, conv: {channels: $channels, kernel: 1}]
stages:
  - {name: ladder, block: ladder, repeat: 2, channels: 6}
""",
    # A feature pyramid: the outputs are not in the order of execution, and one is an input.
    "pyramid": """
stages:
  - conv: {channels: 4, kernel: 3, stride: 2, padding: [0, 1]}
    name: c1
  - conv: {channels: 6, kernel: 3, stride: 2, padding: 0}
    name: c2
  - conv: {channels: 8, kernel: 1}
    name: p2
  - add:
      lateral: [from: c1, conv: {channels: 8, kernel: 1}]
      down:
        - from: p2
        - conv_transpose:
            {channels: 8, kernel: 4, stride: 2, padding: [0, 1], output_padding: [0, 1]}
          name: up
    name: p1
  - from: p2
  - max_pool: {kernel: 1, stride: 2}
    name: p3
outputs: [p3, p1, p2, c1]
""",
    # Transposed convolutions whose stride exceeds the kernel, equals it, and is less.
    "transposed": """
stages:
  - conv_transpose: {channels: 5, kernel: 1, stride: [2, 3], bias: true}
    name: sparse
  - norm: {}
  - activation: {}
  - conv_transpose: {channels: 6, kernel: [3, 4], stride: 2, padding: 1, output_padding: [1, 0]}
    name: twice
  - conv_transpose: {channels: 4, kernel: 3, padding: 1, bias: true}
    name: same
""",
    # Members of lists in an order of their own, with gaps, a condition and a sequence among them.
    "lists": """
blocks:
  mixed:
    parameters: {channels: {type: int}, tall: {type: bool, default: true}}
    body:
      - concat:
          dw:
            repeat: 3
            children: "{name}.{i}"
            branch: [depthwise_conv: {kernel: 2 * $index + 1}]
        split: true
      - {name: norms.1, norm: {}}
      - {name: act.0, activation: {}}
      - {name: norms.0, group: [{conv: {channels: $channels, kernel: 1}}, {activation: {}}]}
      - {name: more.1.2, conv: {channels: $channels, kernel: [3, 1]}, when: $tall}
      - {name: more.1.0, conv: {channels: 9, kernel: 1}}
      - add: [[from: norms.0, conv: {channels: 9, kernel: 1}], []]
stages:
  - {name: c1, conv: {channels: 6, kernel: 3, stride: 2}}
  - {name: body.0, block: mixed, channels: 9, repeat: 2}
  - {name: body.1, block: mixed, channels: 12, tall: false}
outputs: [body.0, body.1]
""",
    # A flattened value that is used again: its order is seen.
    "flat": """
stages:
  - conv: {channels: 3, kernel: 3, stride: 4}
    name: c1
  - flatten: {}
    name: vec
  - linear: {features: 7}
    name: l1
  - concat: [[from: vec], []]
  - linear: {features: 5}
    name: l2
""",
}


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_backend_computes_what_the_reference_does(
    worker: Worker, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes((HEAD + TEXTS[name]).encode())
    elaborated = open_spec(str(path)).analysis.elaborated
    x = np.random.default_rng(5).standard_normal((2, *elaborated.network.input))
    wanted = run(elaborated, random_weights(elaborated, 3), x).outputs
    got = worker.run(path, x.astype(np.float32), weights=3)
    assert [y.shape for y in got] == [y.shape for y in wanted]
    for ours, theirs in zip(got, wanted, strict=True):
        assert relative_error(ours, theirs) < FORWARD_FLOAT32


def test_features_for_detection(worker: Worker, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(
        b"rescompile: 1\nextends: resnet18\nname: mine\ninput: {height: 64, width: 64}\n"
        b"head: []\noutputs: [layer2, layer3, layer4]\n"
    )
    elaborated = open_spec(str(path)).analysis.elaborated
    x = np.random.default_rng(5).standard_normal((2, 3, 64, 64))
    weights = random_weights(elaborated, 3)
    values = run(elaborated, weights, x, keep=True).values
    got = worker.run(path, x.astype(np.float32), weights=3)
    assert [y.shape[1:] for y in got] == [(128, 8, 8), (256, 4, 4), (512, 2, 2)]
    for ours, layer in zip(got, ("layer2", "layer3", "layer4"), strict=True):
        assert relative_error(ours, values[(layer,)]) < FORWARD_FLOAT32
    assert not any(path[0] == "fc" for path in weights)
