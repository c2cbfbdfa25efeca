"""Files of weights that Keras owns: .weights.h5, and the one inside of a .keras archive.

They are read by h5py, never by loading a model: a .keras file can bring code along. Links, external
and virtual data are refused. Each reader raises `BrokenFile`.
"""

from __future__ import annotations

import math
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import h5py
import numpy as np

from rescompile.emit.guard import Bound, BrokenFile, open_archive, parsing
from rescompile.emit.weights import Stored, widened

from .storage import VARIABLES

STATE = ("optimizer", "seed_generator", "metrics")  # of training, not of the network
DEFLATE = 1032  # zlib expands nothing by more
INSIDE = "model.weights.h5"
WEIGHTS = "a file of Keras weights"
MAX_DEPTH = 16
FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
CHUNK = 1 << 20  # bytes of a chunk that may be larger than the data in it
HEADS = 64  # bytes that a packed chunk may have beside its data: heads and checksums
LONGEST = 1000  # characters of a name; each is repeated for everything below it


@contextmanager
def read(file: Path, bound: Bound) -> Iterator[list[Stored]]:
    """The variables of all layers, in the order of Keras' numbers."""
    with ExitStack() as stack:
        with parsing(WEIGHTS):
            source: Any = file
            if file.suffix == ".keras":
                source = stack.enter_context(_unpacked(file, bound))
            opened = stack.enter_context(h5py.File(source, "r"))
            found = list(Reader(bound).layers(opened, ()))
        yield found


@contextmanager
def _unpacked(file: Path, bound: Bound) -> Iterator[IO[bytes]]:
    """The weights in an archive, as a file on the disk: in memory they would be there twice."""
    with tempfile.TemporaryFile() as target:
        with open_archive(file, bound) as archive, archive.open(INSIDE) as source:
            shutil.copyfileobj(source, target)
        yield target


class Reader:
    """Goes through the groups of a file, into each once: links can make circles and worse."""

    def __init__(self, bound: Bound) -> None:
        self.bound = bound
        self.visited: dict[tuple[int, int], str] = {}

    def layers(self, group: Any, path: tuple[str, ...]) -> Iterator[Stored]:
        if len(path) > MAX_DEPTH:
            raise BrokenFile("its groups are nested too deeply")
        self.bound.count(len(group))
        for name in sorted(group, key=_natural):
            if name in STATE:
                continue
            inner = self.enter(group, name, "/".join((*path, name)))
            if isinstance(inner, h5py.Group):
                yield from self.layers(inner, (*path, name))
            elif isinstance(inner, h5py.Dataset):
                yield _variable(inner, group, path, name)
            else:
                raise BrokenFile(f"'{'/'.join((*path, name))}' is no array of numbers")

    def enter(self, group: Any, name: str, where: str) -> Any:
        """What a group has by a name. Raises `BrokenFile` for what is elsewhere, or seen before."""
        if len(name) > LONGEST:
            raise BrokenFile(f"it has a name of {len(name):,} characters")
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise BrokenFile(f"'{where}' is a link to another place")
        inner = group[name]
        about = h5py.h5o.get_info(inner.id)
        first = self.visited.setdefault((about.fileno, about.addr), where)
        if first != where:
            raise BrokenFile(f"'{where}' is another name of '{first}'")
        self.bound.count(len(self.visited))
        return inner


def _natural(name: str) -> list[tuple[int, int | str]]:
    """A key by which `conv2d`, `conv2d_2` and `conv2d_10` come in this order."""
    return [(0, int(p)) if p.isdigit() else (1, p) for p in re.split(r"(\d+)", name) if p]


def _variable(data: Any, group: Any, path: tuple[str, ...], index: str) -> Stored:
    where = "/".join((*path, index))
    if data.external or data.is_virtual:
        raise BrokenFile(f"the data of '{where}' is not in the file")
    if data.nbytes > DEFLATE * data.id.get_storage_size():
        raise BrokenFile(f"'{where}' declares {data.nbytes:,} bytes, which the file does not have")
    path = tuple(part for part in path if part not in ("layers", "vars"))
    layer = re.sub(r"_\d+\Z", "", path[-1]) if path else ""
    known = VARIABLES.get(layer, ())
    variable = known[int(index)] if index.isdigit() and int(index) < len(known) else index
    name, kind = f"{_text(group, 'name') or '/'.join(path)}/{variable}", f"{layer}/{variable}"
    if _text(data, "dtype") == "bfloat16":
        read = partial(_array, data, where, halves=True)
        return Stored(name, kind, data.shape, "float32", read, "bfloat16")
    return Stored(name, kind, data.shape, data.dtype.name, partial(_array, data, where))


def _text(owner: Any, name: str) -> str:
    """An attribute that is a short text, or nothing."""
    if name not in owner.attrs or owner.attrs.get_id(name).shape != ():
        return ""
    text = owner.attrs[name]
    return text if isinstance(text, str) and len(text) <= LONGEST else ""


def _array(data: Any, where: str, halves: bool = False) -> Any:
    with parsing(WEIGHTS):
        _check_chunks(data, where)
        return widened(data[()].view("<u2")) if halves else np.asarray(data[()])


def _check_chunks(data: Any, where: str) -> None:
    """Refuses chunks that are larger than the data, or that unpack to more than they say.

    HDF5 takes the memory for them before it notices.
    """
    made = data.id.get_create_plist()
    filters = [made.get_filter(i)[0] for i in range(made.get_nfilters())]
    if not set(filters) <= FILTERS or filters.count(h5py.h5z.FILTER_DEFLATE) > 1:
        raise BrokenFile(f"'{where}' is packed in a way that is not read here")
    size = math.prod(data.chunks or ()) * data.dtype.itemsize
    if size > max(data.nbytes, CHUNK):
        raise BrokenFile(f"'{where}' has chunks that are larger than it is")
    if h5py.h5z.FILTER_DEFLATE in filters:
        step = filters.index(h5py.h5z.FILTER_DEFLATE)
        chunks = map(data.id.get_chunk_info, range(data.id.get_num_chunks()))
        if any(_grows(data, chunk, step, size + HEADS) for chunk in chunks):
            raise BrokenFile(f"'{where}' unpacks to more than it says")


def _grows(data: Any, chunk: Any, step: int, most: int) -> bool:
    """Whether a chunk is, or unpacks to, more than `most` bytes; `step` is that of deflation."""
    if chunk.size > most:
        return True
    if chunk.filter_mask >> step & 1:  # as it is, since deflation would not have made it smaller
        return False
    _, packed = data.id.read_direct_chunk(chunk.chunk_offset)
    return len(zlib.decompressobj().decompress(packed, most + 1)) > most
