"""Files of weights that PyTorch owns: a state dict, perhaps inside of a checkpoint."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rescompile.emit.contract import Weights
from rescompile.emit.guard import Bound, BrokenFile, open_archive, parsing
from rescompile.emit.weights import Slot, Stored, leaf_of, widened

INSIDE = ("state_dict", "model")  # where checkpoints keep the weights


@contextmanager
def read(file: Path, bound: Bound) -> Iterator[list[Stored]]:
    """The tensors of a file. Raises `BrokenFile`; pickled code is refused, not executed."""
    with parsing("a file of PyTorch weights"):
        state = _state(_load(file, bound))
        bound.count(len(state))
        found = [_stored(name, value) for name, value in state.items()]
    yield found


def _load(file: Path, bound: Bound) -> Any:
    with open(file, "rb") as opened:
        zipped = opened.read(2) == b"PK"
    if zipped:  # PyTorch packs nothing, so that what it unpacks is as large as the file
        with open_archive(file, replace(bound, size=0)):
            pass
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(file, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except Exception as error:
        said = str(error)
        if "can't allocate memory" in said or "bad_alloc" in said:
            raise MemoryError from None
        if "weights_only" in said or "Unsupported" in said:
            raise BrokenFile("it holds more than tensors, which could execute code") from None
        raise ValueError(said.strip().partition("\n")[0][:200]) from None


def _state(found: Any) -> Mapping[Any, Any]:
    """The state dict in a checkpoint; it may hold itself, but is visited once."""
    visited: set[int] = set()
    while isinstance(found, Mapping) and id(found) not in visited:
        visited.add(id(found))
        inside = next((key for key in INSIDE if isinstance(found.get(key), Mapping)), None)
        if inside is None:
            return found
        found = found[inside]
    if isinstance(found, Mapping):
        raise BrokenFile("it holds itself")
    raise BrokenFile(f"it holds a {type(found).__name__}, not a state dict")


def _stored(name: Any, value: Any) -> Stored:
    if not isinstance(name, str) or not isinstance(value, torch.Tensor):
        raise BrokenFile(f"its entry {name!r} is a {type(value).__name__}, not a tensor")
    if value.layout is not torch.strided or value.is_quantized or value.device.type != "cpu":
        raise BrokenFile(f"'{name}' is not a plain tensor of numbers")
    kept, dtype = value.detach(), str(value.dtype).removeprefix("torch.")
    shape, kind = tuple(kept.shape), leaf_of(name)
    if kept.dtype is torch.bfloat16:
        halves = kept.view(torch.int16).numpy().view("<u2")
        return Stored(name, kind, shape, "float32", lambda: widened(halves), dtype)
    return Stored(name, kind, shape, dtype, lambda: kept.numpy())


def write(file: Path, slots: list[Slot], weights: Weights) -> None:
    """A state dict in the model's order, each tensor of its own type; counters start at zero."""
    zero = np.zeros((), np.int64)
    arrays = {slot.name: weights.get(slot.path, zero) for slot in slots}
    state = {name: torch.from_numpy(np.array(a, order="C")) for name, a in arrays.items()}
    with open(file, "wb") as target:  # by its name, the file would contain that name
        torch.save(state, target)
