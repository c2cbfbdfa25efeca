"""How weights are drawn: the words of the language, and what is written for them."""

from __future__ import annotations

import pytest

from rescompile.api import open_spec

from ...conftest import Write

STEPS = "stages: [{conv: {channels: 4, kernel: 3}}, {global_avg_pool: {}}, {linear: {features: 2}}]"
# Keras' VarianceScaling reaches sqrt(3 * scale / fan) when it is uniform.
KINDS = {
    "kaiming_uniform, mode: fan_in": 'VarianceScaling(2.0, "fan_in", "uniform")',
    "lecun_uniform, mode: fan_out": 'VarianceScaling(1.0, "fan_out", "uniform")',
    "uniform_fan_out": 'VarianceScaling(1 / 3, "fan_out", "uniform")',
    "uniform_fan_in": 'VarianceScaling(1 / 3, "fan_in", "uniform")',
    "normal, std: 0.02": "RandomNormal(stddev=0.02)",
}


@pytest.mark.parametrize("layer", ["conv", "linear"])
@pytest.mark.parametrize("words", KINDS)
def test_words_are_the_frameworks(write: Write, layer: str, words: str) -> None:
    net = open_spec(write(f"defaults: {{init: {{{layer}: {{kind: {words}}}}}}}\n{STEPS}\n"))
    assert f"keras.initializers.{KINDS[words]}" in net.source("keras")
