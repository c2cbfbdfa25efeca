"""Weights that fit by their names and shapes, and are those of another network."""

from __future__ import annotations

from pathlib import Path

import pytest

from rescompile.conformance.running.drawn import drawn
from rescompile.convert.conversion import Converter

TINY = """
rescompile: 1
extends: {base}
name: tiny
stages:
  layer1: {{channels: 2}}
  layer2: {{channels: 2}}
  layer3: {{channels: 2}}
  layer4: {{channels: 2}}
"""


@pytest.mark.parametrize("base", ["resnet50", "resnet50_v1_5"])
def test_weights_that_fit_a_network_they_are_not_for_are_warned_of(
    base: str, converter: Converter, tmp_path: Path
) -> None:
    """Names and shapes are the same, wherever the stride of a bottleneck is."""
    pytest.importorskip("safetensors")
    spec = tmp_path / "tiny.yaml"
    spec.write_text(TINY.format(base=base), encoding="utf-8")
    given, published = drawn(str(spec), tmp_path / "given.npz"), tmp_path / "published.safetensors"
    assert "warning" not in converter.convert(given, str(spec), published).text()
    made = converter.convert(published, str(spec), tmp_path / "made.npz").text()
    if base == "resnet50":
        assert made.endswith(
            "warning: The stride of a bottleneck is on its first 1x1 convolution, as in the paper; "
            "torchvision's weights are for resnet50_v1_5, which has it on the 3x3.\n"
        )
    else:
        assert "warning" not in made
