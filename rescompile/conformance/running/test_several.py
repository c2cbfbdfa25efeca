"""Networks with several inputs, and bodies that go back to theirs: verified, in training too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ...api import open_spec
from ...reference import run
from ...reference.deviation import relative_error
from ...reference.weights import random_weights
from ...registry import get_backend
from ...verify.checks import Level
from ...verify.verification import Options, verify
from ...worker.client import Worker

HEAD = "rescompile: 1\nname: mine\n"
FORWARD_FLOAT32 = 1e-5
SPECS = {
    # An image and its optical flow, each by a stream of its own, joined late.
    "two streams": """
inputs:
  image: {channels: 3, height: 16, width: 20}
  flow: {channels: 10, height: 16, width: 20}
blocks:
  stream:
    parameters: {channels: {type: int}}
    body:
      - conv: {channels: $channels, kernel: 3, stride: 2}
      - norm: {}
      - activation: {}
stages:
  - from: image
  - {name: spatial, block: stream, channels: 8}
  - from: flow
  - {name: temporal, block: stream, channels: 8}
  - concat: [[from: spatial], []]
head:
  - global_avg_pool: {}
  - linear: {features: 5}
""",
    # Inputs of different sizes, first met in a join, and one that is used twice.
    "two sizes": """
inputs:
  fine: {channels: 2, height: 12, width: 12}
  coarse: {channels: 4, height: 6, width: 6}
stages:
  - concat:
      - [from: fine, conv: {channels: 4, kernel: 3, stride: 2}, activation: {}]
      - [from: coarse]
  - norm: {}
  - conv: {channels: $coarse_channels, kernel: 3}
  - multiply: [[], [from: coarse, activation: {kind: sigmoid}]]
""",
    # What enters a block, again after others worked in place, and what enters the network.
    "own inputs": """
input: {channels: 3, height: 9, width: 8}
blocks:
  unit:
    parameters: {channels: {type: int}}
    body:
      - activation: {}
      - conv: {channels: $channels, kernel: 3}
      - norm: {}
      - activation: {}
      - concat: [[from: input], []]
stages:
  - {name: first, block: unit, channels: 4}
  - {name: more, block: unit, channels: 3, repeat: 3}
  - concat: [[from: input, conv: {channels: 2, kernel: 1}], []]
""",
}


@pytest.mark.parametrize("name", SPECS)
def test_a_backend_computes_what_the_reference_does(
    worker: Worker, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(HEAD + SPECS[name], "utf-8")
    level = Level.FORWARD if get_backend(worker.backend).no_training else Level.TRAIN
    certificate = verify(str(path), [worker], Options(level))
    assert certificate.good, certificate.text()


def test_inputs_are_told_apart_by_their_order(worker: Worker, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(HEAD + SPECS["two streams"].replace("10", "3"), "utf-8")
    elaborated = open_spec(path).analysis.elaborated
    rng = np.random.default_rng(0)
    first, second = (rng.standard_normal((2, 3, 16, 20)).astype(np.float32) for _ in range(2))
    weights = random_weights(elaborated, 3)
    wanted, other = (
        run(elaborated, weights, images).outputs[0] for images in ((first, second), (second, first))
    )
    (got,) = worker.run(path, (first, second), weights=3)
    assert relative_error(got, wanted) < FORWARD_FLOAT32 < relative_error(got, other)
