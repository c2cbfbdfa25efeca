"""Files of weights that no framework owns: .npz and .safetensors, with PyTorch's names and layout.

They are read as tensors only: no pickle, no code. Each reader raises `ValueError` with a sentence.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..backend.weights import Stored, leaf_of

INFLATION, SLACK = 20, 64 << 20

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


def _read_npz(file: Path) -> list[Stored]:
    try:
        if zipfile.is_zipfile(file):
            _measure(file)
        with np.load(file, allow_pickle=False) as arrays:
            if not isinstance(arrays, np.lib.npyio.NpzFile):
                raise ValueError("it holds a single array without a name")
            return [_stored(name, arrays[name]) for name in arrays.files]
    except Exception as error:  # a broken file can make its parsers raise almost anything
        raise ValueError(f"not an .npz file of plain arrays, or broken: {error}") from None


def _measure(file: Path) -> None:
    """Refuses, before anything is allocated, arrays that are not as large as they say, and bombs.

    Trained weights hardly compress: what grows `INFLATION` times is none.
    """
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        whole = sum(member.file_size for member in members)
        if whole > SLACK + INFLATION * file.stat().st_size:
            raise ValueError(f"it grows to {whole >> 20} MiB when it is unpacked")
        for member in members:
            with archive.open(member) as stream:
                version = np.lib.format.read_magic(stream)
                read = (
                    np.lib.format.read_array_header_1_0
                    if version == (1, 0)
                    else np.lib.format.read_array_header_2_0
                )
                shape, _, dtype = read(stream)
                size = stream.tell() + math.prod(shape) * dtype.itemsize
            if size != member.file_size and not dtype.hasobject:
                raise ValueError(f"'{member.filename}' is not as large as it says")


def _write_npz(file: Path, arrays: Mapping[str, Any]) -> None:
    with open(file, "wb") as target:
        np.savez(target, **arrays)


def _read_safetensors(file: Path) -> list[Stored]:
    import safetensors

    try:
        found = safetensors.deserialize(file.read_bytes())  # type: ignore[no-untyped-call]
    except (OSError, safetensors.SafetensorError) as error:
        raise ValueError(f"not a .safetensors file, or broken: {error}") from None
    return [_tensor(name, given) for name, given in found]


def _tensor(name: str, given: Mapping[str, Any]) -> Stored:
    """A tensor from its bytes; bfloat16 becomes float32, of which it is the upper half."""
    dtype, data, shape = given["dtype"], given["data"], given["shape"]
    if dtype == "BF16":
        wide = np.frombuffer(data, "<u2").astype("<u4") << 16
        return _stored(name, wide.view("<f4").reshape(shape), "bfloat16")
    if dtype not in TYPES:
        raise ValueError(f"'{name}' is of type {dtype}, which is none of {', '.join(TYPES)}, BF16")
    return _stored(name, np.frombuffer(data, TYPES[dtype]).reshape(shape))


def _write_safetensors(file: Path, arrays: Mapping[str, Any]) -> None:
    from safetensors.numpy import save_file

    plain = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    save_file(plain, file, metadata={"format": "pt"})


def _stored(name: str, array: Any, dtype: str = "") -> Stored:
    return Stored(name, leaf_of(name), array, dtype)


@dataclass(frozen=True)
class Format:
    """How a file is read and written; `ordered` if it keeps its tensors in the order given."""

    read: Callable[[Path], list[Stored]]
    write: Callable[[Path, Mapping[str, Any]], None]
    ordered: bool


FORMATS = {
    ".npz": Format(_read_npz, _write_npz, ordered=True),
    ".safetensors": Format(_read_safetensors, _write_safetensors, ordered=False),
}
