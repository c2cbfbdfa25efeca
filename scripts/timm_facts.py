"""Records what timm's own networks are and compute, for the specs that have their names.

    python scripts/timm_facts.py [NAME...]

writes tests/facts/timm.json, anew for these names, or for those that stand there. It needs timm,
PyTorch and NumPy, and nothing of rescompile: the weights are drawn by the rule that
rescompile/reference/weights.py tells, which anyone can follow.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from torch.utils.flop_counter import FlopCounterMode

FACTS = Path(__file__).parents[1] / "tests/facts/timm.json"
COUNTER = "num_batches_tracked"  # of a batch norm, which PyTorch keeps and nothing here needs
SHOWN = 8  # logits that are recorded of each image
SMALL = 96  # pixels of the images for them: all of these networks take any size


def seeded(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    """The tensor of a name: from a generator that the name alone seeds."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    rng, leaf = np.random.default_rng(seed), key.rpartition(".")[2]
    if leaf == "running_var" or (leaf == "weight" and len(shape) < 2):
        drawn = rng.uniform(0.5, 1.5, shape)
    elif leaf == "weight":
        drawn = rng.standard_normal(shape) * math.sqrt(2 / math.prod(shape[1:]))
    else:
        drawn = 0.1 * rng.standard_normal(shape)
    return torch.from_numpy(np.asarray(drawn, np.float32))


def facts(name: str) -> dict[str, Any]:
    """The state dict, the size and the costs of a network, and its logits under seeded weights."""
    model = timm.create_model(name, pretrained=False).eval()
    shapes = {key: [*tensor.shape] for key, tensor in model.state_dict().items()}
    shapes = {key: shape for key, shape in shapes.items() if not key.endswith(COUNTER)}
    model.load_state_dict({key: seeded(key, tuple(s)) for key, s in shapes.items()}, strict=False)
    images = np.random.default_rng(0).standard_normal((2, 3, SMALL, SMALL)).astype(np.float32)
    with torch.no_grad():
        logits = model(torch.from_numpy(images)).numpy()
    size = model.pretrained_cfg["input_size"]
    with FlopCounterMode(display=False) as counter:
        model.to("meta")(torch.empty(1, *size, device="meta"))
    found: dict[str, Any] = {
        "input": [*size],
        "parameters": sum(p.numel() for p in model.parameters()),
        "macs": counter.get_total_flops() // 2,
        "state_dict": shapes,
    }
    norms = np.linalg.norm(logits, axis=1)
    if np.isfinite(norms).all():  # StarNet-S4 multiplies until they are not
        found["logits_norm"] = [float(f"{v:.7g}") for v in norms]
        found["logits_first8"] = [[float(f"{v:.7g}") for v in row[:SHOWN]] for row in logits]
    return found


def main(names: list[str]) -> None:
    known = json.loads(FACTS.read_text("utf-8")) if FACTS.is_file() else {}
    for name in names or sorted(known):
        known[name] = facts(name)
        lines = [f" {json.dumps(one)}: {json.dumps(known[one])}" for one in sorted(known)]
        FACTS.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
