"""Files of weights that no framework owns: .npz and .safetensors, with PyTorch's names and layout.

They are read as tensors only: no pickle, no code. Each reader raises `BrokenFile`.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..emit.guard import Bound, BrokenFile, open_archive, parsing
from ..emit.weights import Stored, leaf_of, widened

NPZ = "an .npz file of plain arrays"
HEADER = 16 << 10  # bytes in which the header of an array ends; NumPy reads none of 10,000

# What safetensors calls the types that NumPy has.
TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "<i1",
    "U8": "<u1",
    "BOOL": "?",
}


@contextmanager
def _read_npz(file: Path, bound: Bound) -> Iterator[list[Stored]]:
    with ExitStack() as stack:
        with parsing(NPZ):
            archive = stack.enter_context(open_archive(file, bound))
            found = [_member(archive, member) for member in archive.infolist()]
        yield found


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Stored:
    """An array by its header alone, which must tell how large the rest is."""
    with archive.open(member) as stream:
        head = io.BytesIO(stream.read(HEADER))
    version = np.lib.format.read_magic(head)
    read = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, dtype = read(head)
    if dtype.hasobject:
        raise BrokenFile(f"'{member.filename}' holds pickled objects, which could execute code")
    if head.tell() + math.prod(shape) * dtype.itemsize != member.file_size:
        raise BrokenFile(f"'{member.filename}' is not as large as it says")
    name = member.filename.removesuffix(".npy")
    return Stored(name, leaf_of(name), shape, dtype.name, lambda: _array(archive, member))


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Any:
    with parsing(NPZ), archive.open(member) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)


def _write_npz(file: Path, arrays: Mapping[str, Any]) -> None:
    with open(file, "wb") as target:
        np.savez(target, **arrays)


@contextmanager
def _read_safetensors(file: Path, bound: Bound) -> Iterator[list[Stored]]:
    import safetensors

    with parsing("a .safetensors file"):
        # Its reader refuses data that lies twice, and data that is not there.
        given = safetensors.deserialize(file.read_bytes())  # type: ignore[no-untyped-call]
        bound.count(len(given))
        found = [_tensor(name, tensor) for name, tensor in given]
    yield found


def _tensor(name: str, given: Mapping[str, Any]) -> Stored:
    """A tensor over its bytes; bfloat16 becomes float32."""
    dtype, data, shape = given["dtype"], given["data"], tuple(given["shape"])
    if dtype == "BF16":
        wide = widened(np.frombuffer(data, "<u2")).reshape(shape)
        return Stored.of(name, leaf_of(name), wide, "bfloat16")
    if dtype not in TYPES:
        known = ", ".join(TYPES)
        raise BrokenFile(f"'{name}' is of type {dtype}, which is none of {known}, BF16")
    return Stored.of(name, leaf_of(name), np.frombuffer(data, TYPES[dtype]).reshape(shape))


def _write_safetensors(file: Path, arrays: Mapping[str, Any]) -> None:
    from safetensors.numpy import save

    plain = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    # Written by Python: where there is no space, safetensors' own writer raises no OSError.
    file.write_bytes(save(plain, metadata={"format": "pt"}))


@dataclass(frozen=True)
class Format:
    """How a file is read and written; `ordered` if it keeps its tensors in the order given."""

    read: Callable[[Path, Bound], AbstractContextManager[list[Stored]]]
    write: Callable[[Path, Mapping[str, Any]], None]
    ordered: bool


FORMATS = {
    ".npz": Format(_read_npz, _write_npz, ordered=True),
    ".safetensors": Format(_read_safetensors, _write_safetensors, ordered=False),
}
