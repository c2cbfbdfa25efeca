"""Steps that are applied more than once with the same weights, in networks that are known for it.

The heads of RetinaNet, twins as Siamese networks have them, and recurrent convolutions.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ...api import open_spec
from ...convert.conversion import Converter
from ...emit.weights import state_slots
from ...registry import get_backend
from ...verify.checks import Level
from ...verify.verification import Options, verify
from ...worker.client import Worker
from .drawn import drawn

RETINA = """\
rescompile: 1
name: retina
source: the heads of Lin et al. 2017, arXiv:1708.02002, over three levels
input: {channels: 3, height: 64, width: 64}
blocks:
  head:
    parameters: {channels: {type: int}, outputs: {type: int}}
    body:
      - {name: conv1, conv: {channels: $channels, kernel: 3, bias: true}}
      - activation: {}
      - {name: conv2, conv: {channels: $channels, kernel: 3, bias: true}}
      - activation: {}
      - {name: last, conv: {channels: $outputs, kernel: 3, bias: true}}
  heads:
    about: A block that gives two values, and is applied again.
    outputs: {classes: classes, boxes: boxes}
    parameters: {channels: {type: int}}
    body:
      - {name: enter, conv: {channels: $channels, kernel: 1}}
      - norm: {}
        name: mixed
      - {name: classes, block: head, channels: $channels, outputs: 9}
      - from: mixed
      - {name: boxes, block: head, channels: $channels, outputs: 4}
stem:
  - {name: stem, conv: {channels: 8, kernel: 3, stride: 4}}
  - norm: {}
  - activation: {}
stages:
  - {name: c3, conv: {channels: 8, kernel: 3, stride: 2}}
  - {name: c4, conv: {channels: 12, kernel: 3, stride: 2}}
  - {name: c5, conv: {channels: 16, kernel: 3, stride: 2}}
  - {name: p5, conv: {channels: 8, kernel: 1}}
  - upsample: {scale: 2}
  - {name: p4, add: [[], [{from: c4}, {name: lateral4, conv: {channels: 8, kernel: 1}}]]}
  - upsample: {scale: 2}
  - {name: p3, add: [[], [{from: c3}, {name: lateral3, conv: {channels: 8, kernel: 1}}]]}
head:
  - {name: level3, block: heads, channels: 8}
  - from: p4
  - {name: level4, reuse: level3}
  - from: p5
  - {name: level5, reuse: level4}
  - from: p3
  - {name: centre3, block: head, channels: 8, outputs: 1}
  - from: p4
  - {name: centre4, reuse: centre3}
outputs:
  - level3.classes
  - level5.boxes
  - level4.classes
  - level3.boxes
  - level4.boxes
  - level5.classes
  - centre3
  - centre4
"""
TWINS = """\
rescompile: 1
name: twins
source: two views through one tower, as in Bromley et al. 1993
input: {channels: 3, height: 16, width: 16}
classes: 2
blocks:
  tower:
    parameters: {channels: {type: int}}
    body:
      - {name: conv1, conv: {channels: $channels, kernel: 3, stride: 2}}
      - {name: bn1, norm: {}}
      - activation: {}
      - {name: drop, dropout: {rate: 0.2}}
      - {name: conv2, conv: {channels: $channels, kernel: 3, stride: 2}}
      - {name: bn2, norm: {}}
      - activation: {}
      - flatten: {}
      - {name: embed, linear: {features: 8}}
stages:
  - {name: near, conv: {channels: 4, kernel: 3}}
  - {name: far, conv: {channels: 4, kernel: 3, dilation: 2}}
  - concat:
    - [{from: near}, {name: left, block: tower, channels: 6}]
    - [{from: far}, {name: right, reuse: left}]
  - {name: fc, linear: {features: $classes}}
"""
RECURRENT = """\
rescompile: 1
name: recurrent
source: layers that are applied to what they make, as in Liang and Hu 2015
input: {channels: 3, height: 32, width: 32}
classes: 5
blocks:
  turn:
    body:
      - {name: conv, conv: {channels: $in_channels, kernel: 3}}
      - {name: bn, norm: {}}
      - activation: {}
  recurrent:
    about: A block of which the turns have the same weights.
    parameters: {channels: {type: int}, turns: {type: int}}
    body:
      - {name: enter, conv: {channels: $channels, kernel: 3, stride: 2}}
      - activation: {}
      - {name: first, block: turn}
      - {name: more, reuse: first, repeat: $turns - 1}
      - {name: pass, residual: {branch: [{name: last, reuse: first}], shortcut: identity}}
stages:
  - {name: layer1, block: recurrent, channels: 6, turns: 1}
  - {name: layer2, block: recurrent, channels: 8, turns: 3}
head:
  - global_avg_pool: {}
  - {name: fc, linear: {features: $classes}}
"""
SPECS = {"retina": RETINA, "twins": TWINS, "recurrent": RECURRENT}


@pytest.fixture(params=SPECS)
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The path of a spec."""
    file = tmp_path / f"{request.param}.yaml"
    file.write_bytes(SPECS[request.param].encode())
    return str(file)


def test_a_backend_agrees_with_the_reference(worker: Worker, shared: str) -> None:
    """Gradients add up, and statistics are updated each time, in the order of the spec."""
    level = Level.FORWARD if get_backend(worker.backend).no_training else Level.TRAIN
    certificate = verify(shared, [worker], Options(level=level))
    assert certificate.good, certificate.text()


@pytest.mark.needs("weight_files")
def test_files_hold_what_is_shared_once(
    converter: Converter, backend: str, shared: str, tmp_path: Path
) -> None:
    given = drawn(shared, tmp_path / "given.npz")
    names = {slot.name for slot in state_slots(open_spec(shared).analysis) if not slot.optional}
    file, last = tmp_path / f"made{get_backend(backend).weight_files[0]}", tmp_path / "last.npz"
    converter.convert(given, shared, file)
    converter.convert(file, shared, last)
    with np.load(given) as wanted, np.load(last) as got:
        kept = {name for name in got.files if not name.endswith("num_batches_tracked")}
        assert kept == set(wanted.files) == names
        for name in names:
            assert got[name].tobytes() == wanted[name].tobytes(), name
