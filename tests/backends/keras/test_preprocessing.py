"""The emitted preprocessing gives on each of Keras' engines what that of PyTorch gives.

In the tests' images and in noise of several sizes, values differ by a level in fewer than 1 of
1,000 places, where engines round otherwise; Keras on PyTorch gives the same values.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

import rescompile
from rescompile.errors import UnsupportedError

from ..preparing import NORMALISED, PLANS, images, levels, prepared

BY_KERAS = """
import keras
for wrong in (images / 1, images[0], images[..., :1], images.transpose(0, 3, 1, 2)):
    try:
        preprocess(wrong)
    except ValueError as error:
        assert str(error) == "expected images of uint8, N x height x width x 3", error
    else:
        raise SystemExit(1)
keras.config.set_image_data_format("channels_first")
made = keras.ops.convert_to_numpy(preprocess(images))
"""


def test_another_interpolation_than_pytorchs_is_refused() -> None:
    plan = {"resize": 40, "interpolation": "bicubic", "antialias": False, **NORMALISED}
    entry = {"name": "V1", "url": "https://example.org/mine-01234567.pth", "preprocessing": plan}
    spec = {"rescompile": 1, "extends": "resnet18", "name": "mine", "weights": [entry]}
    assert "antialias=False" in rescompile.load(spec).preprocessing("torch")
    with pytest.raises(UnsupportedError, match="bicubic without antialias"):
        rescompile.load(spec).preprocessing("keras")


@pytest.mark.parametrize(
    "engine",
    ["tensorflow", *(pytest.param(one, marks=pytest.mark.slow) for one in ("jax", "torch"))],
)
def test_an_engine_gives_what_pytorch_gives(
    engine: str, by_torch: dict[str, Any], tmp_path: Path
) -> None:
    missing = [m for m in ("keras", engine) if importlib.util.find_spec(m) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    made = prepared(tmp_path, "keras", BY_KERAS, KERAS_BACKEND=engine, TF_CPP_MIN_LOG_LEVEL="3")
    for name, plan in PLANS.items():
        difference = abs(levels(made[name], plan) - levels(by_torch[name], plan))
        assert difference.shape[0] == len(images())
        assert difference.max() < 1.01, name
        assert (difference > 0.01).mean() < (0.001 if engine != "torch" else 1e-9), name
