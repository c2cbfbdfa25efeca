"""What reading a file of weights may take: one guard for every format.

A file is hostile until proven otherwise. Ten megabytes unpack to any size, hold themselves, and
name the same data any number of times; but what a network can hold is known before its file is
opened, and that bounds what is unpacked and how much is listed. Only tensors that have a place in
the network are read at all (see `Stored`).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .weights import Slot

WIDEST = 8  # bytes of a float64, the widest type that weights have
FOREIGN = 2  # times that, for what else is in a file: optimizer states, averages
SLACK = 64 << 20  # bytes that the file of the smallest network may unpack to
ENTRIES = 10_000  # of the file of the smallest network
PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # Python unpacks others without a limit


class BrokenFile(ValueError):
    """A file of weights is broken, or is refused; the message is a sentence that says why."""


@dataclass(frozen=True)
class Bound:
    """What the file of a network's weights may unpack to, in bytes, and how much it may list."""

    size: int
    entries: int

    def count(self, entries: int) -> None:
        """Raises `BrokenFile` where a file lists more than any file of the network would."""
        if entries > self.entries:
            message = f"it lists more than {self.entries:,} entries, too many for the network"
            raise BrokenFile(message)

    def unpack(self, size: int, packed: int) -> None:
        """Raises `BrokenFile` where `packed` bytes of a file grow to more than a network can hold.

        What does not grow is as large as its user made it, and no bomb.
        """
        if size > max(packed, self.size):
            message = f"it grows to {size >> 20:,} MiB when it is unpacked: too much here"
            raise BrokenFile(message)


def bound_of(slots: Iterable[Slot]) -> Bound:
    """The bound for the files of a network that has these tensors."""
    sizes = [prod(slot.shape) for slot in slots]
    return Bound(SLACK + FOREIGN * WIDEST * sum(sizes), ENTRIES + FOREIGN * len(sizes))


@contextmanager
def parsing(what: str) -> Iterator[None]:
    """Makes a `BrokenFile` of whatever a parser raises: a broken file raises almost anything."""
    try:
        yield
    except BrokenFile:
        raise
    except MemoryError:
        raise BrokenFile("it takes more memory to read than the network's weights do") from None
    except Exception as error:
        raise BrokenFile(f"not {what}, or broken: {error}") from None


@contextmanager
def open_archive(file: Path, bound: Bound) -> Iterator[zipfile.ZipFile]:
    """A zip archive whose members together unpack to no more than `bound` has."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        bound.count(len(members))
        bound.unpack(sum(member.file_size for member in members), file.stat().st_size)
        for member in members:
            if member.compress_type not in PLAIN:
                raise BrokenFile(f"'{member.filename}' is packed in a way that is not read here")
        yield archive
