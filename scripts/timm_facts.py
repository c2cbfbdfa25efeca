"""Records what timm's own networks are and compute, for the specs that have their names.

    python scripts/timm_facts.py [NAME...]

writes tests/facts/timm.json, anew for these names, or for those that stand there. It needs timm,
PyTorch and NumPy, and nothing of rescompile.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from seeded import with_seeded_weights
from timm.layers import BlurPool2d
from torch.utils.flop_counter import FlopCounterMode

FACTS = Path(__file__).parents[1] / "tests/facts/timm.json"
SHOWN = 8  # logits that are recorded of each image
SMALL = 96  # pixels of the images for them: all of these networks take any size
FLOAT32 = 1e-4  # of their norm, how far timm's own logits may be from those in float64


def facts(name: str) -> dict[str, Any]:
    """The state dict, the size and the costs of a network, and its logits under seeded weights."""
    model = timm.create_model(name, pretrained=False).eval()
    shapes = with_seeded_weights(model)
    images = np.random.default_rng(0).standard_normal((2, 3, SMALL, SMALL)).astype(np.float32)
    with torch.no_grad():
        logits = model(torch.from_numpy(images)).numpy()
        exact = model.double()(torch.from_numpy(images).double()).numpy()
    model.float()
    size = model.pretrained_cfg["input_size"]
    found: dict[str, Any] = {
        "input": [*size],
        "parameters": sum(p.numel() for p in model.parameters()),
        "macs": multiply_adds(model, size),
        "state_dict": shapes,
    }
    norms = np.linalg.norm(exact, axis=1)
    if (np.abs(logits - exact).max(axis=1) < FLOAT32 * norms).all():  # else they tell nothing
        found["logits_norm"] = [float(f"{v:.7g}") for v in norms]
        found["logits_first8"] = [[float(f"{v:.7g}") for v in row[:SHOWN]] for row in logits]
    return found


def multiply_adds(model: torch.nn.Module, size: tuple[int, int, int]) -> int:
    """Of an image, without those of blurs: kernels that are constant, which specs have as means."""
    with FlopCounterMode(display=False) as counter:
        model.to("meta")(torch.empty(1, *size, device="meta"))
    blurs = (name for name, module in model.named_modules() if isinstance(module, BlurPool2d))
    counts, root = counter.get_flop_counts(), type(model).__name__
    blurred = sum(sum(counts[f"{root}.{name}"].values()) for name in blurs)
    return (counter.get_total_flops() - blurred) // 2


def main(names: list[str]) -> None:
    known = json.loads(FACTS.read_text("utf-8")) if FACTS.is_file() else {}
    for name in names or sorted(known):
        known[name] = facts(name)
        lines = [f" {json.dumps(one)}: {json.dumps(known[one])}" for one in sorted(known)]
        FACTS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
