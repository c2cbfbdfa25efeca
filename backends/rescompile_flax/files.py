"""Files of Flax's weights, .msgpack, as flax.serialization writes them; nothing here needs Flax.

They are nested maps of arrays: the state of a model, from attribute to attribute.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path as FilePath
from typing import Any, BinaryIO

import msgpack
import numpy as np

from rescompile.emit.contract import Weights
from rescompile.emit.guard import Bound, BrokenFile, parsing
from rescompile.emit.weights import Slot, Stored, widened
from rescompile.ir.analysis import Analysis

from .places import tensors

WHAT = "a file of Flax weights"
ARRAY = 1  # what Flax calls an array among msgpack's types of extensions
EXTENSIONS = {0xC7: 3, 0xC8: 4, 0xC9: 6}  # how many bytes come before an extension, by its first
HEAD = 1 << 10  # bytes in which the shape and the type of an array are


class FlaxFiles:
    """Reads and writes .msgpack; a network tells what its models are made of."""

    def slots(self, analysis: Analysis, source: str = "") -> list[Slot]:
        return [
            Slot(t.path, "/".join(t.place), t.place[-1], t.layout.shape, t.layout.back)
            for t in tensors(analysis.elaborated)
        ]

    @contextmanager
    def read(self, file: FilePath, bound: Bound) -> Iterator[list[Stored]]:
        with open(file, "rb") as opened, open(file, "rb") as beside:
            with parsing(WHAT):
                size = file.stat().st_size
                unpacker = msgpack.Unpacker(opened, max_buffer_size=size, max_array_len=0)
                found = list(_Reader(unpacker, beside, bound).arrays(()))
                if unpacker.tell() != size:
                    raise ValueError("something follows the weights")
            yield found

    def write(
        self, analysis: Analysis, source: str, weights: Weights, dtype: str, file: FilePath
    ) -> None:
        state: dict[str | int, Any] = {}
        for tensor in tensors(analysis.elaborated):
            *steps, leaf = (int(step) if step.isdigit() else step for step in tensor.place)
            inner = state
            for step in steps:
                inner = inner.setdefault(step, {})
            inner[leaf] = partial(tensor.layout.to, weights[tensor.path])
        with open(file, "wb") as opened:
            _write(state, opened)


def _write(value: Any, file: BinaryIO) -> None:
    if not isinstance(value, dict):
        array = np.ascontiguousarray(value())
        told = msgpack.packb((array.shape, array.dtype.name, array.tobytes()))
        file.write(msgpack.packb(msgpack.ExtType(ARRAY, told)))
        return
    file.write(msgpack.Packer().pack_map_header(len(value)))
    for key in sorted(value):
        file.write(msgpack.packb(key))
        _write(value[key], file)


@dataclass
class _Reader:
    """Goes through a file from map to map: entries are counted before they are read."""

    unpacker: Any
    file: BinaryIO  # the same file
    bound: Bound
    entries: int = 0

    def arrays(self, path: tuple[str, ...]) -> Iterator[Stored]:
        start = self.unpacker.tell()
        first = self.bytes(start, start + 1)[0]
        if first >> 4 == 8 or first in (0xDE, 0xDF):
            count = self.unpacker.read_map_header()
            self.entries += count
            self.bound.count(self.entries)
            for _ in range(count):
                yield from self.arrays((*path, str(self.key())))
            return
        self.unpacker.skip()
        start += EXTENSIONS.get(first, 2)
        if self.bytes(start - 1, start)[0] != ARRAY or not (
            first in EXTENSIONS or 0xD4 <= first <= 0xD8
        ):
            raise BrokenFile(f"its entry '{'/'.join(path)}' is no array")
        yield self.array(path, start, self.unpacker.tell())

    def key(self) -> str | int:
        made = self.unpacker.unpack()
        if not isinstance(made, (str, int)):
            raise ValueError(f"a {type(made).__name__} for a name")
        return made

    def bytes(self, start: int, end: int) -> bytes:
        self.file.seek(start)
        return self.file.read(end - start)

    def array(self, path: tuple[str, ...], start: int, end: int) -> Stored:
        """An array by its head alone, which must tell how large the rest is."""
        head = msgpack.Unpacker()
        head.feed(self.bytes(start, min(end, start + HEAD)))
        if head.read_array_header() != 3:
            raise ValueError("an array is a shape, a type and values")
        shape, kind = tuple(head.unpack()), head.unpack()
        halves = kind == "bfloat16"
        stored = np.dtype("uint16" if halves else kind)
        size = prod(shape) * stored.itemsize
        if min(shape, default=0) < 0 or not size <= end - start - head.tell() <= size + 5:
            raise ValueError(f"'{'/'.join(path)}' is not as large as its shape says")

        def read() -> Any:
            with parsing(WHAT):
                found = np.frombuffer(self.bytes(end - size, end), stored).reshape(shape)
                return widened(found) if halves else found

        dtype = ("float32", "bfloat16") if halves else (stored.name, "")
        return Stored("/".join(path), path[-1], shape, dtype[0], read, dtype[1])
