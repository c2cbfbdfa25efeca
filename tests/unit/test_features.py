"""`features: true`: the maps of each shipped classifier, against what timm's `features_only` gives.

tests/facts/timm_features.json has stride, channels and module of each of timm 1.0.31's features,
for the networks that timm has as well: under the same function, and so with as many parameters.
"""

from __future__ import annotations

import json
from math import ceil
from pathlib import Path

import pytest

from rescompile.api import Architecture, open_spec
from rescompile.errors import SpecError
from rescompile.language.load import zoo
from rescompile.reference.weights import parameters
from rescompile.registry import backend_names

FACTS = Path(__file__).parents[1] / "facts"
TIMM = json.loads((FACTS / "timm_features.json").read_text("utf-8"))
# timm takes MobileNetV3's last 1x1 convolution for a stage, as its pool comes before the last but
# one layer. By form it is the one that MobileNetV2 and EfficientNet have before theirs, which timm
# leaves out: here it is left out of all.
OTHERWISE = {"mobilenet_v3_small": (576, 96), "mobilenet_v3_large": (960, 160)}
SEGMENTATION = json.loads((FACTS / "segmentation.json").read_text("utf-8"))
DECODERS = json.loads((FACTS / "decoders.json").read_text("utf-8"))
NO_BACKBONE = {"unet", "googlenet_aux", "inception_v3_aux", *SEGMENTATION, *DECODERS}
SAMPLE = [
    *("resnet18", "vgg11_bn", "densenet121", "mobilenet_v2", "efficientnet_b0", "inception_v3"),
    *("regnet_x_400mf", "shufflenet_v2_x0_5", "squeezenet1_0", "xception", "wrn_28_10", "alexnet"),
]
SLOW = sorted({*zoo()} - NO_BACKBONE - {*SAMPLE})


def channels(net: Architecture) -> list[int]:
    return [shape[0] for shape in net.lowered.outputs.values()]


@pytest.mark.parametrize("spec", TIMM)
def test_channels_and_strides_are_timms(spec: str) -> None:
    """All of them but for the stride 1, which VGG has."""
    theirs = [(stride, count) for stride, count, _ in TIMM[spec]["features"] if stride > 1]
    if spec in OTHERWISE:
        last, ours = OTHERWISE[spec]
        assert theirs[-1] == (32, last)
        theirs[-1] = (32, ours)
    net = open_spec(spec, features=True)
    assert channels(net) == [count for _, count in theirs]
    size = net.lowered.network.input[1]
    for (stride, _), (_, rows, columns) in zip(theirs, net.lowered.outputs.values(), strict=True):
        assert size / stride - 4 < rows == columns <= ceil(size / stride)  # Inception pads nothing


@pytest.mark.parametrize("spec", TIMM)
def test_timms_network_is_the_same(spec: str) -> None:
    assert open_spec(spec).report("network").total.parameters == TIMM[spec]["parameters"]


def test_places_are_timms_where_names_are() -> None:
    for spec in ("vgg11", "vgg16_bn", "densenet121"):
        theirs = [module for stride, _, module in TIMM[spec]["features"] if stride > 1]
        # A norm of timm's DenseNet has its activation in it, which here is the step after.
        steps = {"features.norm0": "features.relu0", "features.norm5": "relu"}
        ours = open_spec(spec, features=True).lowered.network.outputs
        assert list(ours) == [steps.get(name, name) for name in theirs]


def emits(spec: str) -> None:
    """In both frameworks, proved; with weights of the whole network by their names and shapes."""
    net = open_spec(spec, features=True)
    for backend in backend_names():
        assert "with features=true; edit the spec" in " ".join(net.source(backend).split())
    whole = {path: given.shape for path, given, _ in parameters(open_spec(spec).lowered)}
    own = {path: given.shape for path, given, _ in parameters(net.lowered)}
    assert own.items() < whole.items()
    assert [path for path in whole if path in own] == list(own)


@pytest.mark.parametrize("spec", SAMPLE)
def test_a_backbone_is_emitted(spec: str) -> None:
    emits(spec)


@pytest.mark.slow
@pytest.mark.parametrize("spec", SLOW)
def test_every_backbone_is_emitted(spec: str) -> None:
    emits(spec)


def test_what_has_no_classifier_before_its_pool_keeps_its_last_activation() -> None:
    for spec in ("preact_resnet18", "densenet121", "wrn_28_10"):
        assert open_spec(spec, features=True).lowered.root.items[-1].name.startswith("relu")


def test_some_strides() -> None:
    net = open_spec("resnet18", features=[8, 32])
    assert list(net.lowered.outputs) == ["layer2", "layer4"]
    assert channels(open_spec("vgg11", features=[1, 2])) == [64, 128]
    assert channels(open_spec("resnet20_cifar", features=[1])) == [16]


def test_what_is_not_needed_is_left_out() -> None:
    net = open_spec("efficientnet_b0", features=[8])
    (features,) = net.lowered.root.items
    assert [item.name for item in features.parts[0]] == ["0", "1", "2", "3"]
    assert "conv_norm_activation" in net.lowered.network.blocks
    net = open_spec("googlenet", features=[2])
    assert set(net.lowered.network.blocks) == {"conv_norm"}


def test_a_spec_may_say_so_itself() -> None:
    net = open_spec("rescompile: 1\nextends: resnet18\nname: backbone\nfeatures: [16, 8]\n")
    assert list(net.lowered.outputs) == ["layer2", "layer3"]
    assert "features: [16, 8]" in net.resolved()
    assert "features=" not in net.source()
    again = open_spec(net.resolved())
    assert again.lowered.outputs == net.lowered.outputs
    whole = open_spec(net.resolved(), set={"features": False})
    assert whole.lowered.output == (1000,)


@pytest.mark.parametrize(
    ("spec", "features", "message"),
    [
        ("unet", True, "the maps of 'unet' grow again at 'up4'"),
        ("resnet18", [8, 64], "no map of 'resnet18' has the stride 64"),
        ("googlenet_aux", True, "`outputs` are named as well"),
        ("resnet18", [0], "a whole number from 1, found 0"),
        ("resnet18", [8, 8], "a stride stands twice"),
    ],
)
def test_what_cannot_be(spec: str, features: bool | list[int], message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        _ = open_spec(spec, features=features).lowered
    assert all(found.location and found.help for found in caught.value.diagnostics)


def test_an_error_stands_at_the_stride() -> None:
    with pytest.raises(SpecError) as caught:
        _ = open_spec("rescompile: 1\nextends: resnet18\nname: n\nfeatures: [64, 8]\n").lowered
    (found,) = caught.value.diagnostics
    assert found.location is not None
    assert (found.location.line, found.location.column) == (4, 12)


def test_steps_that_go_back_leave_values_that_nobody_needs() -> None:
    text = """\
rescompile: 1
name: net
input: {channels: 3, height: 8, width: 8}
features: true
stages:
  - {conv: {channels: 4, kernel: 3, stride: 2}, name: one}
  - {conv: {channels: 4, kernel: 3}, name: aside}
  - from: one
  - {conv: {channels: 4, kernel: 3, stride: 2}, name: two}
  - concat: [[], [{from: aside}, {max_pool: {kernel: 2}}]]
head: [global_avg_pool: {}]
"""
    with pytest.raises(SpecError, match="go back to 'one' before its last map"):
        _ = open_spec(text).lowered


def test_a_network_of_one_size_has_no_features() -> None:
    text = "rescompile: 1\nname: net\ninput: {channels: 3, height: 8, width: 8}\nfeatures: true\n"
    text += "stages: [{conv: {channels: 4, kernel: 3}}]\n"
    with pytest.raises(SpecError, match="no map of 'net' is smaller than the image"):
        _ = open_spec(text).lowered
