"""Files of weights that PyTorch owns: a state dict, perhaps inside of a checkpoint."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rescompile.backend.contract import Weights
from rescompile.backend.weights import Slot, Stored, leaf_of

INSIDE = ("state_dict", "model")  # where checkpoints keep the weights
WITHOUT_NUMPY = (torch.bfloat16,)  # becomes float32, which holds all of its values


def read(file: Path) -> list[Stored]:
    """The tensors of a file. Raises `ValueError`; pickled code is refused, not executed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a broken file can make its parsers raise almost anything
        said = str(error)
        if "weights_only" in said or "Unsupported" in said:
            raise ValueError("it holds more than tensors, which could execute code") from None
        raise ValueError(f"not a file of PyTorch weights, or broken: {_first(said)}") from None
    while isinstance(found, Mapping):
        inside = next((key for key in INSIDE if isinstance(found.get(key), Mapping)), None)
        if inside is None:
            break
        found = found[inside]
    if not isinstance(found, Mapping):
        raise ValueError(f"it holds a {type(found).__name__}, not a state dict")
    return [_stored(name, value) for name, value in found.items()]


def _first(text: str) -> str:
    return text.strip().partition("\n")[0][:200]


def _stored(name: Any, value: Any) -> Stored:
    if not isinstance(name, str) or not isinstance(value, torch.Tensor):
        raise ValueError(f"its entry {name!r} is a {type(value).__name__}, not a tensor")
    kept = value.detach()
    dtype = ""
    if kept.dtype in WITHOUT_NUMPY:
        dtype, kept = str(kept.dtype).removeprefix("torch."), kept.float()
    try:
        return Stored(name, leaf_of(name), kept.numpy(), dtype)
    except (TypeError, RuntimeError):
        raise ValueError(f"'{name}' is a tensor of type {value.dtype}, not of numbers") from None


def write(file: Path, slots: list[Slot], weights: Weights) -> None:
    """A state dict in the model's order, each tensor of its own type; counters start at zero."""
    state = {
        slot.name: torch.from_numpy(np.array(weights[slot.path], order="C"))
        if slot.path in weights
        else torch.zeros(slot.shape, dtype=torch.int64)
        for slot in slots
    }
    with open(file, "wb") as target:  # by its name, the file would contain that name
        torch.save(state, target)
