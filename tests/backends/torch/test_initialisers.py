"""How weights are drawn: the words of the language, and what is written for them."""

from __future__ import annotations

import pytest

from rescompile.api import open_spec

from ...conftest import Write

STEPS = "stages: [{conv: {channels: 4, kernel: 3}}, {global_avg_pool: {}}, {linear: {features: 2}}]"
# After PyTorch's documentation of torch.nn.init: kaiming_uniform_ reaches gain * sqrt(3 / fan), the
# gain being sqrt(2) for ReLU, 1 for linear, and sqrt(2 / (1 + a^2)) for a slope a, so that a^2 = 5
# gives 1 / sqrt(fan).
KINDS = {
    "kaiming_uniform, mode: fan_in": 'kaiming_uniform_(module.weight, nonlinearity="relu")',
    "lecun_uniform, mode: fan_out": (
        'kaiming_uniform_(module.weight, mode="fan_out", nonlinearity="linear")'
    ),
    "uniform_fan_out": 'kaiming_uniform_(module.weight, mode="fan_out", a=5**0.5)',
    "uniform_fan_in": "",
    "normal, std: 0.02": "normal_(module.weight, std=0.02)",
}


@pytest.mark.parametrize(("layer", "kind"), [("conv", "nn.Conv2d"), ("linear", "nn.Linear")])
@pytest.mark.parametrize("words", KINDS)
def test_words_are_the_frameworks(write: Write, layer: str, kind: str, words: str) -> None:
    net = open_spec(write(f"defaults: {{init: {{{layer}: {{kind: {words}}}}}}}\n{STEPS}\n"))
    _, found, rest = net.source("torch").partition(f"isinstance(module, {kind}):\n")
    first = rest.splitlines()[0].strip() if found else ""
    assert first == f"nn.init.{KINDS[words]}" if KINDS[words] else "weight" not in first
