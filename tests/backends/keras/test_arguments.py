"""The arguments of emitted networks, given other values, in Keras itself."""

from __future__ import annotations

from typing import Any

import pytest

import rescompile
from rescompile.live import import_source

keras = pytest.importorskip("keras")

CASES: list[tuple[str, dict[str, Any]]] = [
    ("resnet18", {"classes": 10, "input_shape": (64, 64, 1)}),
    ("mobilenet_v2", {"width": 0.5}),
    ("mnasnet1_0", {"width": 1.3, "classes": 3}),
    ("wrn_28_10", {"k": 2}),
    ("repvgg_a0", {"a": 1.0, "b": 2.0}),
]


@pytest.mark.parametrize(("name", "given"), CASES)
def test_other_values_are_the_changed_spec(name: str, given: dict[str, Any]) -> None:
    module = import_source(rescompile.load(name).source("keras"), "keras", name)
    model = getattr(module, name)(**given)
    own = {key: value for key, value in given.items() if key not in ("classes", "input_shape")}
    height, width, channels = given.get("input_shape", (0, 0, 3))
    size = (height, width) if height else None
    other = rescompile.load(name, size, channels, given.get("classes"), set=own)
    parameters = sum(int(v.numpy().size) for v in model.trainable_variables)
    assert parameters == other.report("network").total.parameters
    assert model.output_shape == (None, other.document.spec.classes)


def test_channels_that_cannot_vary_are_refused() -> None:
    spec = """
rescompile: 1
name: fixed
input: {channels: 3, height: 8, width: 8}
stages:
  - name: own
    residual: {branch: [{conv: {channels: 3, kernel: 3}}], shortcut: identity}
"""
    module = import_source(rescompile.load(spec).source("keras"), "keras", "fixed")
    assert module.fixed((8, 12, 3)).output_shape == (None, 8, 12, 3)
    with pytest.raises(ValueError, match="the number of channels is fixed"):
        module.fixed((8, 8, 1))
