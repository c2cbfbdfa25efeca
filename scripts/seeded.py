"""Weights that depend on their names alone, by the rule that rescompile/reference/weights.py tells.

Scripts that record what other libraries compute draw them so, which anyone can follow.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
import torch

COUNTER = "num_batches_tracked"  # of a batch norm, which PyTorch keeps and nothing here needs


def seeded(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    """The tensor of a name: from a generator that the name alone seeds."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")
    rng, leaf = np.random.default_rng(seed), key.rpartition(".")[2]
    if leaf in ("running_var", "gain") or (leaf == "weight" and len(shape) < 2):
        drawn = rng.uniform(0.5, 1.5, shape)
    elif leaf == "weight":
        drawn = rng.standard_normal(shape) * math.sqrt(2 / math.prod(shape[1:]))
    else:
        drawn = 0.1 * rng.standard_normal(shape)
    return torch.from_numpy(np.asarray(drawn, np.float32))


def with_seeded_weights(model: torch.nn.Module) -> dict[str, list[int]]:
    """Give a model its weights; returns the shapes in its state dict, without the counters."""
    shapes = {key: [*tensor.shape] for key, tensor in model.state_dict().items()}
    shapes = {key: shape for key, shape in shapes.items() if not key.endswith(COUNTER)}
    model.load_state_dict({key: seeded(key, tuple(s)) for key, s in shapes.items()}, strict=False)
    return shapes
