"""What PyTorch itself counts of a model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

Shapes = Iterable[Sequence[int]]  # of a network's inputs


def count(model: nn.Module, shapes: Shapes) -> dict[str, int]:
    """Trainable parameters, and a quarter of the FLOPs for two images (two a MAC)."""
    dtype = next((p.dtype for p in model.parameters()), torch.float32)
    model.eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        # Two images: of one, a norm over one value is refused.
        model(*(torch.zeros(2, *shape, dtype=dtype) for shape in shapes))
    parameters = sum(p.numel() for p in model.parameters())
    return {"parameters": parameters, "macs": counter.get_total_flops() // 4}


def called(model: nn.Module, shapes: Shapes) -> list[nn.Module]:
    """The modules that a forward pass calls: one may be there for a condition that never holds."""
    found: list[nn.Module] = []
    hooks = [
        module.register_forward_hook(lambda module, given, made: found.append(module))
        for module in model.modules()
    ]
    count(model, shapes)
    for hook in hooks:
        hook.remove()
    return found
