"""Files of Flax's weights, .msgpack, as flax.serialization writes them; nothing here needs Flax.

They are nested maps of arrays: the state of a model, from attribute to attribute.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path as FilePath
from typing import Any, BinaryIO

import msgpack
import numpy as np

from rescompile.emit.contract import Weights
from rescompile.emit.guard import Bound, BrokenFile, parsing
from rescompile.emit.placed import laid_out
from rescompile.emit.weights import Slot, Stored, widened
from rescompile.ir.analysis import Analysis

from .places import keys, tensors

WHAT = "a file of Flax weights"
ARRAY = 1  # what Flax calls an array among msgpack's types of extensions
HEAD = 1 << 10  # bytes in which the shape and the type of an array are


class FlaxFiles:
    """Reads and writes .msgpack; a network tells what its models are made of."""

    def slots(self, analysis: Analysis, source: str) -> list[Slot]:
        return [tensor.slot for tensor in tensors(analysis.elaborated)]

    @contextmanager
    def read(self, file: FilePath, bound: Bound) -> Iterator[list[Stored]]:
        with open(file, "rb") as opened, parsing(WHAT):
            size = file.stat().st_size
            limits = {"max_buffer_size": size, "max_array_len": 0, "max_map_len": 0}
            unpacker = msgpack.Unpacker(opened, **limits)
            found = list(_Reader(file, unpacker, bound).arrays(()))
            if unpacker.tell() != size:
                raise ValueError("something follows the weights")
        yield found

    def write(
        self, analysis: Analysis, source: str, weights: Weights, dtype: str, file: FilePath
    ) -> None:
        state: dict[str | int, Any] = {}
        for tensor, array in laid_out(tensors(analysis.elaborated), weights):
            *steps, leaf = keys(tensor.place)
            inner = state
            for step in steps:
                inner = inner.setdefault(step, {})
            inner[leaf] = array
        with open(file, "wb") as opened:
            _write(state, opened)


def _write(value: Any, file: BinaryIO) -> None:
    if not isinstance(value, dict):
        told = msgpack.packb((value.shape, value.dtype.name, value.tobytes()))
        file.write(msgpack.packb(msgpack.ExtType(ARRAY, told)))
        return
    file.write(msgpack.Packer().pack_map_header(len(value)))
    for key in sorted(value):
        file.write(msgpack.packb(key))
        _write(value[key], file)


@dataclass
class _Reader:
    """Goes through a file from map to map: entries are counted before they are read."""

    file: FilePath
    unpacker: Any
    bound: Bound
    entries: int = 0

    def arrays(self, path: tuple[str, ...]) -> Iterator[Stored]:
        try:
            count = self.unpacker.read_map_header()
        except ValueError:  # no map, and nothing is read
            yield self.array(path, self.unpacker.unpack())
            return
        self.entries += count
        self.bound.count(self.entries)
        for _ in range(count):
            key = self.unpacker.unpack()
            if not isinstance(key, (str, int)):
                raise ValueError(f"a {type(key).__name__} for a name")
            yield from self.arrays((*path, str(key)))

    def array(self, path: tuple[str, ...], made: Any) -> Stored:
        """An array by its head alone, which must tell how large the rest is."""
        name, end = "/".join(path), self.unpacker.tell()
        if not isinstance(made, msgpack.ExtType) or made.code != ARRAY:
            raise BrokenFile(f"its entry '{name}' is no array")
        head = msgpack.Unpacker()
        head.feed(made.data[:HEAD])
        if head.read_array_header() != 3:
            raise ValueError("an array is a shape, a type and values")
        shape, kind = tuple(head.unpack()), head.unpack()
        halves = kind == "bfloat16"
        stored = np.dtype("uint16" if halves else kind)
        size, rest = prod(shape) * stored.itemsize, len(made.data) - head.tell()
        if min(shape, default=0) < 0 or not size <= rest <= size + 5:
            raise ValueError(f"'{name}' is not as large as its shape says")

        def read() -> Any:
            with parsing(WHAT):
                found = np.fromfile(self.file, stored, prod(shape), offset=end - size)
                return widened(found.reshape(shape)) if halves else found.reshape(shape)

        dtype = ("float32", "bfloat16") if halves else (stored.name, "")
        return Stored(name, path[-1], shape, dtype[0], read, dtype[1])
