"""Parameters of networks beyond torchvision, as others print or count them to the last digit."""

from __future__ import annotations

import pytest

from rescompile.api import open_spec
from rescompile.cost.cost import network_cost

# Xception is printed in its paper (Table 3). The U-Net is the popular Keras one, 31,031,685 with an
# input of one channel, less its last two convolutions, and with the paper's: (1154 + 3) to 130.
PUBLISHED = {
    "xception": 22_855_952,
    "unet": 31_031_685 - 1154 - 3 + 130,
    "resnet50_d": 25_576_264,  # timm's resnet50d
    "darknet53": 41_609_928,  # timm's darknet53
    "wrn_28_10": 36_479_194,  # pytorchcv's wrn28_10_cifar10
    "pyramidnet110": 1_772_706,  # pytorchcv's pyramidnet110_a48_cifar10
    "pyramidnet110_a270": 28_485_477,  # pytorchcv's pyramidnet110_a270_cifar10
    "mobilenet_v1": 4_231_976,  # timm's mobilenetv1_100, pytorchcv's mobilenet_w1
    "repvgg_a0": 9_108_968,  # timm's repvgg_a0, as it is trained
}


@pytest.mark.parametrize("spec", sorted(PUBLISHED))
def test_parameters_are_the_published_ones(spec: str) -> None:
    assert network_cost(open_spec(spec).analysis.elaborated).parameters == PUBLISHED[spec]
