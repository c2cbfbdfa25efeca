"""The arguments of emitted networks, given other values, in PyTorch itself."""

from __future__ import annotations

from typing import Any

import pytest

import rescompile
from rescompile.live import import_source

torch = pytest.importorskip("torch")

CASES: list[tuple[str, dict[str, Any]]] = [
    ("resnet34", {"num_classes": 10, "in_channels": 1}),
    ("mobilenet_v2", {"width": 0.5}),
    ("mobilenet_v2", {"width": 0.35, "in_channels": 2}),
    ("mnasnet1_0", {"width": 1.3, "num_classes": 3}),
    ("wrn_28_10", {"k": 2}),
    ("convnext_tiny", {"width": 48}),
    ("repvgg_a0", {"a": 1.0, "b": 2.0}),
    ("regnet_x_400mf", {"w2": 64}),
]
NAMES = {"num_classes": "classes", "in_channels": "channels"}


@pytest.mark.parametrize(("name", "given"), CASES)
def test_other_values_are_the_changed_spec(name: str, given: dict[str, Any]) -> None:
    module = import_source(rescompile.load(name).source("torch"), "torch", name)
    with torch.device("meta"):
        model = getattr(module, name)(**given)
    own = {key: value for key, value in given.items() if key not in NAMES}
    rest = {NAMES[key]: value for key, value in given.items() if key in NAMES}
    other = rescompile.load(name, set=own, **rest)
    with torch.device("meta"):
        wanted = getattr(import_source(other.source("torch"), "torch", name), name)()
    assert {k: v.shape for k, v in model.state_dict().items()} == {
        k: v.shape for k, v in wanted.state_dict().items()
    }
    total = other.report("network").total
    assert sum(p.numel() for p in model.parameters()) == total.parameters
    images = torch.empty(2, other.document.spec.input.channels, 64, 64, device="meta")
    assert model(images).shape == (2, other.document.spec.classes)


@pytest.mark.slow
@pytest.mark.parametrize("width", [0.35, 0.5, 0.75, 1.0, 1.4])
def test_widths_of_mobilenet_v2_are_torchvisions(width: float) -> None:
    models = pytest.importorskip("torchvision.models")
    module = import_source(rescompile.load("mobilenet_v2").source("torch"), "torch", "width")
    with torch.device("meta"):
        ours, theirs = module.mobilenet_v2(width=width), models.mobilenet_v2(width_mult=width)
    assert {k: v.shape for k, v in ours.state_dict().items()} == {
        k: v.shape for k, v in theirs.state_dict().items()
    }
