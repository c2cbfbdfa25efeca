"""How weights are drawn: the words of the language, and what both backends write for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rescompile.api import open_spec

STEPS = "stages: [{conv: {channels: 4, kernel: 3}}, {global_avg_pool: {}}, {linear: {features: 2}}]"
# After PyTorch's documentation of torch.nn.init: kaiming_uniform_ reaches gain * sqrt(3 / fan), the
# gain being sqrt(2) for ReLU, 1 for linear, and sqrt(2 / (1 + a^2)) for a slope a, so that a^2 = 5
# gives 1 / sqrt(fan). Keras' VarianceScaling reaches sqrt(3 * scale / fan) when it is uniform.
KINDS = [
    (
        "kaiming_uniform, mode: fan_in",
        'kaiming_uniform_(module.weight, nonlinearity="relu")',
        'VarianceScaling(2.0, "fan_in", "uniform")',
    ),
    (
        "lecun_uniform, mode: fan_out",
        'kaiming_uniform_(module.weight, mode="fan_out", nonlinearity="linear")',
        'VarianceScaling(1.0, "fan_out", "uniform")',
    ),
    (
        "uniform_fan_out",
        'kaiming_uniform_(module.weight, mode="fan_out", a=5**0.5)',
        'VarianceScaling(1 / 3, "fan_out", "uniform")',
    ),
    ("uniform_fan_in", "", 'VarianceScaling(1 / 3, "fan_in", "uniform")'),
    ("normal, std: 0.02", "normal_(module.weight, std=0.02)", "RandomNormal(stddev=0.02)"),
]


@pytest.mark.parametrize("layer", ["conv", "linear"])
@pytest.mark.parametrize(("words", "torch", "keras"), KINDS, ids=[kind[0] for kind in KINDS])
def test_both_backends_draw_alike(
    write: Callable[..., Path], layer: str, words: str, torch: str, keras: str
) -> None:
    net = open_spec(write(f"defaults: {{init: {{{layer}: {{kind: {words}}}}}}}\n{STEPS}\n"))
    kind = {"conv": "nn.Conv2d", "linear": "nn.Linear"}[layer]
    _, found, rest = net.source("torch").partition(f"isinstance(module, {kind}):\n")
    first = rest.splitlines()[0].strip() if found else ""
    assert first == f"nn.init.{torch}" if torch else "weight" not in first
    assert f"keras.initializers.{keras}" in net.source("keras")
