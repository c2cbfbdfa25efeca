"""What the language says of layers that timm has, against these layers, where it is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import pytest

from rescompile import load

torch: Any = pytest.importorskip("torch")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed"),
]
HEAD = "rescompile: 1\nname: net\ninput: {channels: 16, height: 9, width: 10}\nclasses: 2\n"
SELECTIVE_KERNEL = """
blocks:
  path:
    parameters: {dilation: {type: int}}
    body:
      - conv: {channels: 16, kernel: 3, dilation: $dilation}
        name: conv
      - norm: {}
        name: bn
      - activation: {}
  attn:
    body:
      - add: [[], []]
        split: true
      - global_avg_pool: {keepdims: true}
      - {conv: {channels: 8, kernel: 1}, name: fc_reduce}
      - {norm: {}, name: bn}
      - activation: {}
      - {conv: {channels: 32, kernel: 1}, name: fc_select}
      - split_softmax: {splits: 2}
stages:
  - concat:
      - [{block: path, dilation: 1, name: paths0}]
      - [{block: path, dilation: 2, name: paths1}]
    split: true
  - multiply: [[], [{block: attn, name: attn}]]
  - add: [[], []]
    split: true
"""
SPLIT_ATTENTION = """
stages:
  - {conv: {channels: 32, kernel: 3, groups: 2}, name: conv}
  - {norm: {}, name: bn0}
  - activation: {}
  - multiply:
      - []
      - - add: [[], []]
          split: true
        - global_avg_pool: {keepdims: true}
        - {conv: {channels: 8, kernel: 1, bias: true}, name: fc1}
        - {norm: {}, name: bn1}
        - activation: {}
        - {conv: {channels: 32, kernel: 1, bias: true}, name: fc2}
        - split_softmax: {splits: 2}
  - add: [[], []]
    split: true
"""
# In groups the softmax is over the splits of each; the splits' groups then come before the groups'.
RADIX_SOFTMAX = """
stages:
  - {conv: {channels: 24, kernel: 1, bias: true}, name: conv}
  - global_avg_pool: {keepdims: true}
  - split_softmax: {splits: 3, groups: 2}
  - channel_shuffle: {groups: 2}
  - concat:
      - [channel_shuffle: {groups: 4}]
      - [channel_shuffle: {groups: 4}]
      - [channel_shuffle: {groups: 4}]
    split: true
  - flatten: {}
"""
SPATIAL_ATTENTION = """
stages:
  - multiply:
      - []
      - - concat: [[channel_mean: {}], [channel_max: {}]]
        - {conv: {channels: 1, kernel: 7}, name: conv_conv}
        - {norm: {}, name: conv_bn}
        - activation: {kind: sigmoid}
"""


BLUR_POOL = """
use: [blocks/blur_pool]
stages:
  - {block: blur_pool, name: small}
  - {block: blur_pool, name: wide, kernel: 5, stride: 1}
  - {block: blur_pool, name: wider, kernel: 5, stride: 2}
"""


def _blur_pool(layers: Any) -> Any:
    """Its kernels are buffers that no state dict has."""
    made = ((3, 2), (5, 1), (5, 2))
    return torch.nn.Sequential(*(layers.BlurPool2d(16, kernel, stride) for kernel, stride in made))


ECA = """
stages:
  - multiply:
      - []
      - - global_avg_pool: {keepdims: true}
        - {channel_conv: {size: 5}, name: conv}
        - activation: {kind: sigmoid}
"""
CONVNEXT_V2 = """
blocks:
  mlp:
    sequence:
      - positions:
          - {linear: {features: 64}, name: fc1}
          - activation: {kind: gelu}
          - {global_response_norm: {}, name: grn}
          - {linear: {features: 16}, name: fc2}
stages:
  - residual:
      branch:
        - {depthwise_conv: {kernel: 7, bias: true}, name: conv_dw}
        - name: norm
          group:
            - positions:
                - {norm: {kind: layer, epsilon: 1.0e-6}, name: norm}
        - {block: mlp, name: mlp}
      shortcut: identity
"""
GRN = "stages: [{global_response_norm: {}, name: grn}]"
LRN = "stages: [{local_response_norm: {size: 4, alpha: 0.3, beta: 0.6, k: 1.5}}]"


def _named(name: str, module: Any) -> Any:
    """A module under a name of the spec."""
    made = torch.nn.Module()
    made.add_module(name, module)
    made.forward = module.forward
    return made


def _convnext_v2(layers: Any) -> Any:
    from timm.models.convnext import ConvNeXtBlock

    block = ConvNeXtBlock(16, use_grn=True, ls_init_value=None)
    block.norm = _named("norm", block.norm)
    return block


def _radix_softmax(layers: Any) -> Any:
    nn, softmax = torch.nn, layers.split_attn.RadixSoftmax(3, 2)
    made = nn.Sequential(nn.Conv2d(16, 24, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), softmax)
    made[0], made.conv = nn.Identity(), made[0]  # by the name of the spec
    made.forward = lambda x: softmax(made.conv(x).mean((2, 3)))
    return made


LAYERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "selective kernel": (
        SELECTIVE_KERNEL,
        lambda layers: layers.SelectiveKernel(16, rd_channels=8),
    ),
    "split attention": (
        SPLIT_ATTENTION,
        lambda layers: layers.SplitAttn(16, rd_channels=4, norm_layer=torch.nn.BatchNorm2d),
    ),
    "radix softmax": (RADIX_SOFTMAX, _radix_softmax),
    "spatial attention": (
        SPATIAL_ATTENTION,
        lambda layers: layers.cbam.SpatialAttn(),
    ),
    "efficient channel attention": (ECA, lambda layers: layers.EcaModule(kernel_size=5)),
    "global response norm": (
        GRN,
        lambda layers: _named("grn", layers.grn.GlobalResponseNorm(16, channels_last=False)),
    ),
    "a block of ConvNeXt V2": (CONVNEXT_V2, _convnext_v2),
    "local response norm": (LRN, lambda layers: torch.nn.LocalResponseNorm(4, 0.3, 0.6, 1.5)),
    "blur pool": (BLUR_POOL, _blur_pool),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_timms(name: str) -> None:
    """With its weights, under names that differ in dots alone, as strictly as they load."""
    steps, make = LAYERS[name]
    import timm.layers

    torch.manual_seed(0)
    theirs = make(timm.layers)
    for key, tensor in theirs.state_dict().items():
        if tensor.is_floating_point():
            tensor.normal_() if "var" not in key else tensor.uniform_(0.5, 1.5)
    ours = load(HEAD + steps).module("torch")
    plain = {key.replace(".", "").replace("_", ""): key for key in ours.state_dict()}
    given = theirs.state_dict().items()
    ours.load_state_dict({plain[key.replace(".", "").replace("_", "")]: v for key, v in given})
    x = torch.randn(2, 16, 9, 10)
    for training in (False, True):
        wanted, got = (model.train(training)(x) for model in (theirs, ours))
        assert got.shape == wanted.shape
        assert (got - wanted).norm() < 1e-5 * wanted.norm()
