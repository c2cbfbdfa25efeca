"""The emitted preprocessing does what Pillow does, up to its rounding, and what torchvision does.

Pillow resizes in two passes, each rounded to whole values, so that its images differ by a level
here and there. torchvision itself is asked in test_torchvision_weights.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rescompile.reference.deviation import relative_error

from ..preparing import MEAN, PLANS, STD, images, levels

MOST = {"bilinear": 1, "bicubic": 2}  # levels by which Pillow differs


def by_pillow(image: Any, plan: dict[str, Any]) -> Any:
    """The levels that Pillow gives: its shorter side, and the middle."""
    from PIL import Image

    whole = Image.fromarray(image)
    scale = plan["resize"] / min(whole.size)
    size = (int(scale * whole.width), int(scale * whole.height))
    kind = Image.Resampling[plan.get("interpolation", "bilinear").upper()]
    resized = np.asarray(whole.resize(size, kind)).astype(int)
    side = plan.get("crop")
    if side is None:
        return resized
    top, left = (round((n - side) / 2) for n in resized.shape[:2])
    return resized[top : top + side, left : left + side]


@pytest.mark.parametrize("name", [n for n, p in PLANS.items() if "antialias" not in p])
def test_it_is_pillows_up_to_rounding(by_torch: dict[str, Any], name: str) -> None:
    pytest.importorskip("PIL")
    plan = PLANS[name]
    if "resize" not in plan:
        wanted = (images() / 255 - np.array(MEAN)) / np.array(STD)
        assert relative_error(by_torch[name], wanted) < 1e-6
        return
    for image, values in zip(images(), by_torch[name], strict=True):
        got, wanted = levels(values, plan), by_pillow(image, plan)
        assert got.shape == wanted.shape
        difference = abs(got - wanted)
        assert difference.max() < MOST[plan.get("interpolation", "bilinear")] + 0.01
        assert (difference > 0.5).mean() < 0.25
        assert abs(got - got.round()).max() < 1e-4


def test_a_filter_matters(by_torch: dict[str, Any]) -> None:
    """Otherwise the test above would not see whether there is one."""
    plan = PLANS["not filtered"]
    with_filter = by_pillow(images()[0], plan)
    assert abs(levels(by_torch["not filtered"][0], plan) - with_filter).max() > 5
