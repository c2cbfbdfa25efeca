"""Emitted files are as `ruff format` would have them for the line length that is asked for."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from ..api import Architecture, open_spec
from ..errors import UnsupportedError

# Every helper, every form of statement: found by emitting all networks at all of these.
NETWORKS = (
    *("convnext_tiny", "densenet121", "efficientnet_b7", "googlenet_aux", "inception_v3"),
    *("mobilenet_v3_small", "plain20_cifar", "preact_resnet1001_cifar", "pyramidnet110"),
    *("regnet_y_400mf", "repvgg_a0", "resnet34_a", "resnet50_d", "se_resnet50"),
    *("shufflenet_v2_x0_5", "squeezenet1_1", "unet", "vgg16_bn"),
)
SPEC = """\
rescompile: 1
name: odd
input: {channels: 3, height: 64, width: 64}
stem:
  - conv: {channels: 12, kernel: 4, padding: [1, 1, 2, 2]}
  - norm: {unbiased: true}
  - conv: {channels: 16, kernel: 3, stride: 2, padding: same}
  - std_conv: {channels: 16, kernel: 3, padding: 1, gain: true, gamma: 1.5}
  - avg_pool: {kernel: 3, stride: 2, padding: same}
  - avg_pool: {kernel: 3, stride: 2, padding: same, count_include_pad: true}
  - upsample: {scale: 4, mode: bilinear, align_corners: true}
  - depth_to_space: {scale: 2}
  - norm: {kind: layer}
  - split_softmax: {splits: 2}
  - local_response_norm: {size: 5, alpha: 0.01, beta: 0.5, k: 2.0}
  - global_response_norm: {}
  - pad: {padding: [1, 2, 3, 4], mode: reflect}
  - multiply: [[], [{global_max_pool: {keepdims: true}}, {channel_conv: {size: 3}}]]
  - channel_shuffle: {groups: 2}
  - concat:
      - - conv: {channels: 2, kernel: 3}
      - - conv: {channels: 4, kernel: 5}
      - - conv: {channels: 6, kernel: 7}
      - - conv: {channels: 8, kernel: 9}
      - - conv: {channels: 10, kernel: 11}
  - multiply: [[], [concat: [[], [channel_max: {}]], global_attention_pool: {keepdims: true}]]
  - multiply: [[], [channel_mean: {}], [channel_max: {}]]
  - activation: {kind: hard_shrink}
  - activation: {kind: soft_shrink}
  - activation: {kind: tanh_shrink}
  - activation: {kind: threshold, threshold: 0.1, value: 0.2}
  - adaptive_max_pool: {size: [3, 5]}
  - layer_scale: {vector: true}
  - flatten: {}
"""


@cache
def networks() -> list[Architecture]:
    return [open_spec(spec) for spec in (*NETWORKS, SPEC)]


def ruff(folder: Path, length: int, *words: str) -> None:
    if find_spec("ruff") is None:
        pytest.skip("ruff is not installed: pip install 'rescompile[conformance]'")
    common = [sys.executable, "-m", "ruff", *words, "--isolated", "--line-length", str(length)]
    done = subprocess.run([*common, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.needs(suffix=".py")
@pytest.mark.parametrize(
    "length", [79, *(pytest.param(n, marks=pytest.mark.slow) for n in (88, 120))]
)
def test_files_are_stable_under_ruff(backend: str, length: int, tmp_path: Path) -> None:
    for net in networks():
        with suppress(UnsupportedError):
            (tmp_path / f"{net.name}.py").write_bytes(net.source(backend, length).encode())
    ruff(tmp_path, length, "format", "--diff")
    ruff(tmp_path, length, "check", "--select", "E,F,I,UP,W")
