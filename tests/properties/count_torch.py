"""What PyTorch itself counts of a model."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def count(model: nn.Module, shape: Sequence[int]) -> dict[str, int]:
    """Trainable parameters, and a quarter of the FLOPs for two images (two a MAC)."""
    dtype = next((p.dtype for p in model.parameters()), torch.float32)
    model.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(2, *shape, dtype=dtype))  # of one, a norm over one value is refused
    parameters = sum(p.numel() for p in model.parameters())
    return {"parameters": parameters, "macs": counter.get_total_flops() // 4}
