"""What the tests of emitted preprocessing share: images, and ways to prepare them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import rescompile

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NORMALISED: dict[str, Any] = {"mean": list(MEAN), "std": list(STD)}
PLANS: dict[str, dict[str, Any]] = {
    "usual": {"resize": 64, "crop": 54, **NORMALISED},
    "bicubic": {"resize": 64, "crop": 63, "interpolation": "bicubic", **NORMALISED},
    "enlarged": {"resize": 150, "crop": 101, **NORMALISED},
    "without a crop": {"resize": 64, "interpolation": "bicubic", "mean": 0.5, "std": 0.5},
    "not filtered": {"resize": 64, "crop": 64, "antialias": False, **NORMALISED},
    "only normalised": NORMALISED,
}
BY_TORCH = """
import torch
whole = torch.from_numpy(images).permute(0, 3, 1, 2)
for wrong in (whole.float(), whole[0], whole[:, :1], whole.permute(0, 2, 3, 1)):
    try:
        preprocess(wrong)
    except ValueError as error:
        assert str(error) == "expected images of uint8, N x 3 x height x width", error
    else:
        raise SystemExit(1)
made = preprocess(whole).permute(0, 2, 3, 1)
"""


def images(height: int = 97, width: int = 130) -> Any:
    """Two images of uint8, N x H x W x 3: a slope with waves and noise, lit to both ends."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width][..., None] / 20
    waves = 128 + 90 * np.sin(x + np.arange(3)) * np.cos(y * [1, 1.3, 0.7]) + 10 * x
    noisy = waves + random.normal(0, 12, (2, height, width, 3))
    return noisy.round().clip(0, 255).astype("u1")


def prepared(folder: Path, backend: str, program: str, **environment: str) -> dict[str, Any]:
    """What the emitted files make of the images, by the names of their plans.

    `program` has the images as `images`, and is to make `made` of them with `preprocess`.
    """
    np.save(folder / "images.npy", images())
    entry = {"name": "V1", "url": "https://example.org/mine-01234567.pth"}
    for i, plan in enumerate(PLANS.values()):
        spec = {"rescompile": 1, "extends": "resnet18", "name": "mine"}
        net = rescompile.load({**spec, "weights": [{**entry, "preprocessing": plan}]})
        (folder / f"plan{i}.py").write_text(net.preprocessing(backend), "utf-8")
    lines = [
        "import numpy as np",
        "from importlib import import_module",
        f"for i in range({len(PLANS)}):",
        "    preprocess, images = import_module(f'plan{i}').preprocess, np.load('images.npy')",
        *(f"    {line}" for line in program.splitlines()),
        "    np.save(f'made{i}.npy', made)",
    ]
    subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        cwd=folder,
        env={**os.environ, **environment},
        check=True,
        capture_output=True,
    )
    return {name: np.load(folder / f"made{i}.npy") for i, name in enumerate(PLANS)}


def levels(values: Any, plan: dict[str, Any]) -> Any:
    """Prepared images as levels from 0 to 255 again."""
    return 255 * (values * np.array(plan["std"]) + np.array(plan["mean"]))
