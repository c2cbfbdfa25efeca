"""Files of weights that Keras owns: .weights.h5, and the one inside of a .keras archive.

They are read by h5py, never by loading a model: a .keras file can bring code along. Links, external
and virtual data are refused. Each reader raises `ValueError` with a sentence.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from rescompile.backend.weights import Stored

from .storage import STORAGE

STATE = ("optimizer", "seed_generator", "metrics")  # of training, not of the network
DEFLATE = 1032  # zlib expands nothing by more
INSIDE = "model.weights.h5"
MAX_DEPTH = 16


def read(file: Path) -> list[Stored]:
    """The variables of all layers, in the order of Keras' numbers."""
    try:
        source: Any = file
        if file.suffix == ".keras":
            with zipfile.ZipFile(file) as archive:
                source = io.BytesIO(archive.read(INSIDE))
        with h5py.File(source, "r") as opened:
            return list(_layers(opened, ()))
    except Refused as error:
        raise ValueError(str(error)) from None
    except Exception as error:  # a broken file can make its parsers raise almost anything
        raise ValueError(f"not a file of Keras weights, or broken: {error}") from None


def snake_case(name: str) -> str:
    """What Keras calls a class of layers in a file: Conv2DTranspose is `conv2d_transpose`."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


# What a layer's variables are called, in the order in which Keras numbers them in a file.
VARIABLES = {
    snake_case(layer): tuple(kept.variables.values())
    for kept in STORAGE.values()
    for layer in kept.layers
}


class Refused(Exception):
    """What a file asks for is not done."""


def _layers(group: Any, path: tuple[str, ...]) -> Iterator[Stored]:
    if len(path) > MAX_DEPTH:
        raise Refused("its groups are nested too deeply")
    for name in sorted(group, key=_natural):
        if name in STATE:
            continue
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise Refused(f"'{'/'.join((*path, name))}' is a link to another place")
        inner = group[name]
        if isinstance(inner, h5py.Group):
            yield from _layers(inner, (*path, name))
        else:
            yield _variable(inner, group, path, name)


def _natural(name: str) -> list[tuple[int, int | str]]:
    """A key by which `conv2d`, `conv2d_2` and `conv2d_10` come in this order."""
    return [(0, int(p)) if p.isdigit() else (1, p) for p in re.split(r"(\d+)", name) if p]


def _variable(data: Any, group: Any, path: tuple[str, ...], index: str) -> Stored:
    where = "/".join((*path, index))
    if data.external or data.is_virtual:
        raise Refused(f"the data of '{where}' is not in the file")
    if data.nbytes > DEFLATE * data.id.get_storage_size():
        raise Refused(f"'{where}' declares {data.nbytes:,} bytes, which the file does not have")
    path = tuple(part for part in path if part not in ("layers", "vars"))
    layer = re.sub(r"_\d+\Z", "", path[-1]) if path else ""
    known = VARIABLES.get(layer, ())
    variable = known[int(index)] if index.isdigit() and int(index) < len(known) else index
    label = group.attrs.get("name", "/".join(path))
    if data.attrs.get("dtype") == "bfloat16":
        wide = data[()].view("<u2").astype("<u4") << 16
        return Stored(f"{label}/{variable}", f"{layer}/{variable}", wide.view("<f4"), "bfloat16")
    return Stored(f"{label}/{variable}", f"{layer}/{variable}", np.asarray(data[()]))
