"""Files of Flax's weights, .msgpack, as flax.serialization writes them; nothing here needs Flax.

They are nested maps of arrays: the state of a model, from attribute to attribute.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Any

import msgpack
import numpy as np

from rescompile.emit.contract import Weights
from rescompile.emit.guard import Bound, BrokenFile, parsing
from rescompile.emit.placed import laid_out
from rescompile.emit.weights import Slot, Stored, widened
from rescompile.ir.analysis import Analysis

from .places import keys, tensors

HALF = "bfloat16"
ARRAY = 1  # what Flax calls an array among msgpack's types of extensions


class FlaxFiles:
    """Reads and writes .msgpack; a network tells what its models are made of."""

    def slots(self, analysis: Analysis, source: str) -> list[Slot]:
        return [tensor.slot for tensor in tensors(analysis.elaborated)]

    @contextmanager
    def read(self, file: FilePath, bound: Bound) -> Iterator[list[Stored]]:
        entries = 0

        def counted(pairs: list[Any]) -> dict[Any, Any]:
            nonlocal entries
            entries += len(pairs)
            bound.count(entries)
            return dict(pairs)

        with (
            parsing("a file of Flax weights"),
            open(file, "rb") as opened,
            mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as packed,
        ):
            how = {"ext_hook": _unpacked, "object_pairs_hook": counted, "strict_map_key": False}
            limits = {"max_array_len": 0, "max_map_len": bound.entries}
            found = list(_stored(msgpack.unpackb(packed, **how, **limits)))
        yield found

    def write(
        self, analysis: Analysis, source: str, weights: Weights, dtype: str, file: FilePath
    ) -> None:
        placed = laid_out(tensors(analysis.elaborated), weights)
        state: dict[Any, Any] = {}
        for tensor, array in sorted(placed, key=lambda one: keys(one[0].place)):
            *outer, leaf = keys(tensor.place)
            inner = state
            for key in outer:
                inner = inner.setdefault(key, {})
            inner[leaf] = array
        file.write_bytes(msgpack.packb(state, default=_packed))


def _packed(array: Any) -> msgpack.ExtType:
    told = (array.shape, array.dtype.name, array.tobytes())
    return msgpack.ExtType(ARRAY, msgpack.packb(told))


def _unpacked(code: int, told: bytes) -> tuple[str, Any]:
    """The type of an array, and the array; of bfloat16, which NumPy lacks, its bits."""
    if code != ARRAY:
        raise BrokenFile("it holds more than arrays")
    shape, kind, values = msgpack.unpackb(told)
    return kind, np.frombuffer(values, "<u2" if kind == HALF else kind).reshape(shape)


def _stored(found: Any, path: tuple[str, ...] = ()) -> Iterator[Stored]:
    """The arrays of a state that has been unpacked."""
    if isinstance(found, dict):
        for key, inner in found.items():
            yield from _stored(inner, (*path, str(key)))
        return
    name = "/".join(path)
    if not isinstance(found, tuple):
        raise BrokenFile(f"its entry '{name}' is no array")
    kind, array = found
    if kind == HALF:
        yield Stored(name, path[-1], array.shape, "float32", lambda: widened(array), kind)
    else:
        yield Stored.of(name, path[-1], array)
