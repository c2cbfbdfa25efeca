"""Answers, line by line, what PyTorch itself counts: [path, name, shape] to parameters and MACs."""

from __future__ import annotations

import importlib.util
import json
import sys
import traceback
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode


def count(path: str, name: str, shape: list[int]) -> dict[str, int]:
    """Trainable parameters, and a quarter of the FLOPs for two images (two a MAC)."""
    spec = importlib.util.spec_from_file_location("emitted", path)
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model = getattr(module, name)().eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(2, *shape))  # of one, a norm over a single value is refused
    parameters = sum(p.numel() for p in model.parameters())
    return {"parameters": parameters, "macs": counter.get_total_flops() // 4}


for line in sys.stdin:
    try:
        answer: dict[str, Any] = count(*json.loads(line))
    except Exception:
        answer = {"error": traceback.format_exc()}
    print(json.dumps(answer), flush=True)
