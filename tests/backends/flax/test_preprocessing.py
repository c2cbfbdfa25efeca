"""The emitted preprocessing in JAX gives what that of PyTorch gives, up to rounding."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from ..preparing import PLANS, images, levels, prepared

BY_JAX = """
for wrong in (images / 1, images[0], images[..., :1], images.transpose(0, 3, 1, 2)):
    try:
        preprocess(wrong)
    except ValueError as error:
        assert str(error) == "expected images of uint8, N x height x width x 3", error
    else:
        raise SystemExit(1)
made = np.asarray(preprocess(images))
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax")
def test_jax_gives_what_pytorch_gives(by_torch: dict[str, Any], tmp_path: Path) -> None:
    made = prepared(tmp_path, "flax", BY_JAX)
    for name, plan in PLANS.items():
        difference = abs(levels(made[name], plan) - levels(by_torch[name], plan))
        assert difference.shape[0] == len(images())
        assert difference.max() < 1.01, name
        assert (difference > 0.01).mean() < 0.001, name
