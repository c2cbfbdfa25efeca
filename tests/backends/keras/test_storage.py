"""Every tensor of an emitted model is found again in a file of its weights, by its name."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from rescompile.api import Architecture, open_spec
from rescompile.convert.conversion import Converter
from rescompile.emit.naming import snake_case
from rescompile.reference.weights import random_weights
from rescompile_keras.files import VARIABLES
from rescompile_keras.vocabulary import ROWS

SPEC = """
rescompile: 1
name: everything
input: {channels: 3, height: 9, width: 9}
defaults: {bias: true}
blocks:
  scaled: {body: [{layer_scale: {init: 0.5}, name: scale}]}
stages:
  - {conv: {channels: 4, kernel: 3}}
  - {std_conv: {channels: 4, kernel: 3, gain: true}}
  - {depthwise_conv: {kernel: 3, multiplier: 2}}
  - {conv_transpose: {channels: 4, kernel: 2, stride: 2}}
  - {conv_transpose: {channels: 4, kernel: 2, bias: false}}
  - {norm: {}}
  - {norm: {unbiased: true}}
  - {norm: {kind: layer}}
  - {norm: {kind: group, groups: 2}}
  - {norm: {kind: instance}}
  - {activation: {kind: prelu}}
  - {global_response_norm: {}}
  - {block: scaled, name: s}
  - {global_avg_pool: {}}
  - {channel_conv: {size: 3}}
  - {linear: {features: 5}}
"""


@pytest.fixture
def net(tmp_path: Path) -> Architecture:
    path = tmp_path / "everything.yaml"
    path.write_text(SPEC, "utf-8")
    return open_spec(path)


def test_the_spec_has_every_operation_that_owns_a_tensor(net: Architecture) -> None:
    flat = [trace for _, trace in net.analysis.elaborated.flat()]
    assert {type(trace.op) for trace in flat if trace.op.parameters(trace.x)} == {
        row.kind for row in ROWS if row.variables
    }


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_a_file_of_our_own_is_matched_by_name(
    net: Architecture, tmp_path: Path, suffix: str
) -> None:
    missing = [m for m in ("keras", "tensorflow") if importlib.util.find_spec(m) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    drawn = random_weights(net.analysis.elaborated, 1)
    given = {".".join(path): array.astype("f4") for path, array in drawn.items()}
    np.savez(tmp_path / "given.npz", **given)
    spec, file = str(tmp_path / "everything.yaml"), tmp_path / f"made{suffix}"
    with Converter() as converter:
        converter.convert(tmp_path / "given.npz", spec, file)
        made = converter.convert(file, spec, tmp_path / "back.npz")
    assert made.by_order == ()
    with np.load(tmp_path / "back.npz") as back:
        assert all(np.array_equal(back[name], array) for name, array in given.items())


def test_layers_are_called_in_files_as_keras_calls_them() -> None:
    naming = pytest.importorskip("keras.src.utils.naming")
    for layer in (row.name for row in ROWS if row.variables):
        assert snake_case(layer) == naming.to_snake_case(layer)
        assert snake_case(layer) in VARIABLES
