"""HDF5 files of weights, each part of them looked at before it is read: see `guard`.

Links, external and virtual data are refused, and so is what unpacks to more than it says. All here
raise `BrokenFile`. h5py is needed, and no framework.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Container, Iterator
from typing import Any

import h5py

from .guard import Bound, BrokenFile

DEFLATE = 1032  # zlib expands nothing by more
MAX_DEPTH = 16
FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
CHUNK = 1 << 20  # bytes of a chunk that may be larger than the data in it
HEADS = 64  # bytes that a packed chunk may have beside its data: heads and checksums
LONGEST = 1000  # characters of a name; each is repeated for everything below it
Place = tuple[str, ...]  # the names of groups, and of an array in the last of them


class Reader:
    """Goes through the groups of a file, into each once: links can make circles and worse.

    It passes over what has a name in `left_out`.
    """

    def __init__(self, bound: Bound, left_out: Container[str] = ()) -> None:
        self.bound, self.left_out = bound, left_out
        self.visited: dict[tuple[int, int], str] = {}

    def arrays(self, group: Any, path: Place = ()) -> Iterator[tuple[Place, Any, Any]]:
        """The arrays in a group, each with its own group; numbered ones in the order of numbers."""
        if len(path) > MAX_DEPTH:
            raise BrokenFile("its groups are nested too deeply")
        self.bound.count(len(group))
        for name in sorted(group, key=_natural):
            if name in self.left_out:
                continue
            where = "/".join((*path, name))
            inner = self.enter(group, name, where)
            if isinstance(inner, h5py.Group):
                yield from self.arrays(inner, (*path, name))
            elif not isinstance(inner, h5py.Dataset):
                raise BrokenFile(f"'{where}' is no array of numbers")
            else:
                _check_place(inner, where)
                yield (*path, name), inner, group

    def enter(self, group: Any, name: str, where: str) -> Any:
        """What a group has by a name, if that is in the file, and not seen before."""
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


def _check_place(data: Any, where: str) -> None:
    if data.external or data.is_virtual:
        raise BrokenFile(f"the data of '{where}' is not in the file")
    if data.nbytes > DEFLATE * data.id.get_storage_size():
        raise BrokenFile(f"'{where}' declares {data.nbytes:,} bytes, which the file does not have")


def text(owner: Any, name: str) -> str:
    """An attribute that is a short text, or nothing."""
    if name not in owner.attrs or owner.attrs.get_id(name).shape != ():
        return ""
    found = owner.attrs[name]
    return found if isinstance(found, str) and len(found) <= LONGEST else ""


def values(data: Any, place: Place) -> Any:
    """The numbers of an array.

    Refuses chunks that are larger than the data, or that unpack to more than they say: HDF5 takes
    the memory for them before it notices.
    """
    where, made = "/".join(place), data.id.get_create_plist()
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
    return data[...]


def _grows(data: Any, chunk: Any, step: int, most: int) -> bool:
    """Whether a chunk is, or unpacks to, more than `most` bytes; `step` is that of deflation."""
    if chunk.size > most:
        return True
    if chunk.filter_mask >> step & 1:  # as it is, since deflation would not have made it smaller
        return False
    _, packed = data.id.read_direct_chunk(chunk.chunk_offset)
    return len(zlib.decompressobj().decompress(packed, most + 1)) > most
