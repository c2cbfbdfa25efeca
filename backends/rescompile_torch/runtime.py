"""Emitted PyTorch source brought to life: weights in and out, and outputs."""

from __future__ import annotations

from pathlib import Path as FilePath
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn

from rescompile.backend.contract import Weights
from rescompile.backend.weights import COUNTER, Slot, Stored, leaf_of
from rescompile.ir.facts import Facts
from rescompile.ir.structure import Path

from . import files


class TorchRuntime:
    """Weights are the state dict: the path of a parameter, joined by dots, is its key."""

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__}

    def build(self, module: ModuleType, name: str, dtype: str) -> nn.Module:
        model: nn.Module = getattr(module, name)()
        return model.to(getattr(torch, dtype))

    def set_weights(self, model: nn.Module, facts: Facts, weights: Weights) -> None:
        given = {".".join(path): torch.as_tensor(np.array(w)) for path, w in weights.items()}
        counters = {k: v for k, v in model.state_dict().items() if k.endswith(COUNTER)}
        dtype = next((p.dtype for p in model.parameters()), torch.float32)
        try:
            model.load_state_dict({**{k: v.to(dtype) for k, v in given.items()}, **counters})
        except RuntimeError as error:
            raise ValueError(str(error)) from None

    def get_weights(self, model: nn.Module, facts: Facts) -> dict[Path, Any]:
        state = model.state_dict()
        return {
            tuple(key.split(".")): value.detach().cpu().numpy().copy()
            for key, value in state.items()
            if not key.endswith(COUNTER)
        }

    def run(self, model: nn.Module, images: Any, training: bool = False) -> list[Any]:
        model.train(training)
        dtype = next((p.dtype for p in model.parameters()), torch.float32)
        with torch.no_grad():
            made = model(torch.as_tensor(np.asarray(images)).to(dtype))
        outputs = made if isinstance(made, tuple) else (made,)
        return [output.numpy().copy() for output in outputs]

    def slots(self, model: nn.Module, facts: Facts) -> list[Slot]:
        return [
            Slot(
                tuple(name.split(".")),
                name,
                leaf_of(name),
                tuple(value.shape),
                optional=leaf_of(name) == COUNTER,
            )
            for name, value in model.state_dict().items()
        ]

    def read(self, file: FilePath) -> list[Stored]:
        return files.read(file)

    def save(self, model: nn.Module, facts: Facts, weights: Weights, file: FilePath) -> None:
        files.write(file, self.slots(model, facts), weights)
