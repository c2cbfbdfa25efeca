"""Records what torchvision's networks for segmentation are and compute, as timm_facts.py does.

    python scripts/segmentation_facts.py [NAME...]

writes tests/facts/segmentation.json, anew for these names, or for those that stand there. It needs
torchvision, PyTorch and NumPy, and nothing of rescompile.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from seeded import with_seeded_weights
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import segmentation

FACTS = Path(__file__).parents[1] / "tests/facts/segmentation.json"
SIZE = 520  # pixels of the images that the published weights are for
SMALL = 96  # and of those whose scores are recorded
CLASSES = 21
AT, SHOWN = 37, 8  # so many scores of the pixel in that row and column


def facts(name: str) -> dict[str, Any]:
    """The state dict and the costs of a network, and scores of its outputs under seeded weights."""
    options = {} if name.startswith("lraspp") else {"aux_loss": True}
    build = getattr(segmentation, name)
    model = build(weights=None, weights_backbone=None, num_classes=CLASSES, **options).eval()
    shapes = with_seeded_weights(model)
    images = np.random.default_rng(0).standard_normal((2, 3, SMALL, SMALL)).astype(np.float32)
    with torch.no_grad():
        outputs = {key: y.numpy() for key, y in model(torch.from_numpy(images)).items()}
    with FlopCounterMode(display=False) as counter:
        model.to("meta")(torch.empty(1, 3, SIZE, SIZE, device="meta"))
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "macs": counter.get_total_flops() // 2,
        "state_dict": shapes,
        "outputs": {
            key: {
                "norm": [float(f"{np.linalg.norm(one):.7g}") for one in y],
                "pixel": [[float(f"{v:.7g}") for v in one[:SHOWN, AT, AT]] for one in y],
            }
            for key, y in outputs.items()
        },
    }


def main(names: list[str]) -> None:
    known = json.loads(FACTS.read_text("utf-8")) if FACTS.is_file() else {}
    for name in names or sorted(known):
        known[name] = facts(name)
        lines = [f" {json.dumps(one)}: {json.dumps(known[one])}" for one in sorted(known)]
        FACTS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
