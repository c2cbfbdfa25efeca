"""Networks and blocks of several inputs and outputs: verified, in training too."""

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
    # Two resolutions that exchange what they have, three times, and then at other widths (in the
    # manner of Sun et al. 2019).
    "exchange": """
input: {channels: 3, height: 16, width: 16}
blocks:
  exchange:
    inputs: [high, low]
    outputs: [to_high, to_low]
    parameters: {channels: {type: int}}
    body:
      - from: high
      - conv: {channels: $channels, kernel: 3}
        name: own_high
      - norm: {}
      - activation: {}
        name: kept_high
      - from: low
      - conv: {channels: 2 * $channels, kernel: 3}
      - norm: {}
      - activation: {}
        name: kept_low
      - add:
          - [from: kept_high]
          - [conv: {channels: $channels, kernel: 1}, upsample: {scale: 2}]
      - activation: {}
        name: to_high
      - from: kept_low
      - add:
          - [from: kept_high, conv: {channels: 2 * $channels, kernel: 3, stride: 2}]
          - []
      - activation: {}
        name: to_low
stages:
  - conv: {channels: 4, kernel: 3}
    name: high
  - conv: {channels: 8, kernel: 3, stride: 2}
    name: low
  - {name: same, block: exchange, from: [high, low], channels: 4, repeat: 3}
  - {name: wide, block: exchange, from: [same.to_high, same.to_low], channels: 6}
outputs: [wide.to_high, wide.to_low]
""",
    # A pyramid in a block of its own: what it gives are members of lists and what calls gave.
    "pyramid": """
input: {channels: 3, height: 16, width: 24}
blocks:
  body:
    outputs: {fine: c4, coarse: c5}
    body:
      - conv: {channels: 8, kernel: 3, stride: 2}
        name: c4
      - norm: {}
      - activation: {}
      - conv: {channels: 12, kernel: 3, stride: 2}
        name: c5
  pyramid:
    inputs: [c4, c5]
    outputs: {p4: smooth.0, p5: smooth.1, raw: c5}
    body:
      - from: c5
      - {name: inner.1, conv: {channels: 6, kernel: 1, bias: true}}
      - {name: smooth.1, conv: {channels: 6, kernel: 3}}
      - from: c4
      - {name: inner.0, conv: {channels: 6, kernel: 1, bias: true}}
      - add: [[], [from: inner.1, upsample: {to: c4}]]
      - {name: smooth.0, conv: {channels: 6, kernel: 3}}
  backbone:
    outputs: {raw: fpn.raw, p5: fpn.p5, p4: fpn.p4}
    body:
      - {name: body, block: body}
      - {name: fpn, block: pyramid, from: [body.fine, body.coarse]}
stages:
  - {name: backbone, block: backbone}
outputs: [backbone.p4, backbone.raw, backbone.p5]
""",
    # Cells that take what the two before them gave, and hand one of it on (in the manner of Zoph
    # et al. 2018): their channels are others in each turn.
    "cells": """
input: {channels: 3, height: 9, width: 9}
blocks:
  cell:
    inputs: [before, now]
    outputs: [now, made]
    parameters: {channels: {type: int}, kernel: {default: 3}}
    body:
      - from: before
      - activation: {}
      - conv: {channels: $channels, kernel: 1}
      - norm: {}
        name: left
      - from: now
      - activation: {}
      - conv: {channels: $channels, kernel: 1}
      - norm: {}
        name: right
      - concat:
          - - add:
                - [from: left, depthwise_conv: {kernel: $kernel}]
                - [from: right, depthwise_conv: {kernel: 5}]
          - - multiply: [[from: left], [from: right]]
          - [from: before]
        name: made
  pair:
    about: A network in a block, which has a single input and output.
    parameters: {channels: {type: int}}
    body:
      - conv: {channels: $channels, kernel: 3}
        name: first
      - {name: inner, block: cell, from: [input, first], channels: 2, repeat: 2}
      - from: inner.made
stages:
  - conv: {channels: 4, kernel: 3}
    name: stem
  - conv: {channels: 6, kernel: 3}
    name: second
  - {name: cells, block: cell, from: [stem, second], channels: 4, repeat: 3}
  - {name: more, block: cell, from: [cells.now, cells.made], channels: 5, kernel: 1}
  - {name: last, block: pair, from: more.made, channels: 3}
""",
    # Several values of one, one of several, and one that nobody asks for.
    "parts": """
input: {channels: 4, height: 8, width: 8}
blocks:
  parts:
    outputs: [fine, coarse, input]
    body:
      - conv: {channels: $in_channels, kernel: 3}
        name: fine
      - max_pool: {kernel: 2}
        name: coarse
  fuse:
    inputs: [fine, coarse]
    body:
      - from: coarse
      - upsample: {scale: 2}
      - concat: [[], [from: fine, conv: {channels: $coarse_channels, kernel: 1}]]
      - activation: {}
stages:
  - {name: parts, block: parts}
  - {name: again, block: fuse, from: [parts.input, parts.coarse]}
  - {name: fuse, block: fuse, from: [again, parts.coarse]}
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
    # Values of groups and of lists, sizes of inputs, and weights that are used again.
    "all kinds of values": """
inputs:
  image: {channels: 3, height: 16, width: 20}
  guide: {channels: 2, height: 8, width: 10}
defaults: {bias: true}
blocks:
  pair:
    inputs: [high, low]
    outputs: [up, low]
    body:
      - from: low
      - {name: convs.0, conv: {channels: 4, kernel: 3}}
      - {name: convs.1, conv: {channels: 4, kernel: 3}}
      - {name: more, reuse: convs.1, repeat: 2}
      - upsample: {to: high, mode: bilinear}
      - add: [[], [from: high]]
      - concat: [[], [from: convs.0, upsample: {to: high}]]
      - {name: up, conv: {channels: 4, kernel: 1}}
  twice:
    body:
      - {name: a, conv: {channels: 4, kernel: 3, stride: 2}}
      - norm: {}
      - upsample: {to: input, mode: bilinear}
      - add: [[], [from: input]]
stages:
  - from: image
  - group: [conv: {channels: 4, kernel: 3}, activation: {}, conv: {channels: 4, kernel: 3}]
    name: ims
  - from: guide
  - {name: guided, conv: {channels: 4, kernel: 3}}
  - {name: cells.0, block: twice}
  - {name: cells.1, reuse: cells.0}
  - {name: p, block: pair, from: [ims.1, cells.1], repeat: 2}
  - from: p.up
  - {name: q, block: twice}
  - {name: r, reuse: q}
  - add: [[], [from: ims]]
  - {name: s, upsample: {to: image}}
  - from: p.low
  - {name: low, upsample: {to: image, mode: bilinear}}
outputs: [p.up, ims.0, s, low]
""",
}


@pytest.mark.parametrize("name", SPECS)
def test_a_backend_computes_what_the_reference_does(
    worker: Worker, name: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes((HEAD + SPECS[name]).encode())
    level = Level.FORWARD if get_backend(worker.backend).no_training else Level.TRAIN
    certificate = verify(str(path), [worker], Options(level))
    assert certificate.good, certificate.text()


def test_inputs_are_told_apart_by_their_order(worker: Worker, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes((HEAD + SPECS["two streams"].replace("10", "3")).encode())
    elaborated = open_spec(path).analysis.elaborated
    rng = np.random.default_rng(0)
    first, second = (rng.standard_normal((2, 3, 16, 20)).astype(np.float32) for _ in range(2))
    weights = random_weights(elaborated, 3)
    wanted, other = (
        run(elaborated, weights, images).outputs[0] for images in ((first, second), (second, first))
    )
    (got,) = worker.run(path, (first, second), weights=3)
    assert relative_error(got, wanted) < FORWARD_FLOAT32 < relative_error(got, other)
