"""A published file, from the cache or from its address; nothing else ever leaves the cache."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..errors import Diagnostic, SpecError
from ..prose import visible
from ..published import Published
from .part import Part
from .settings import Settings
from .watch import Watch

FOLDER = "weights"  # in the cache
MIB = 1 << 20
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
NEEDS = ("requests", "filelock")


@dataclass(frozen=True)
class Fetched:
    """A file that is what was published, and the address it came from, empty from the cache."""

    path: Path
    source: str = ""


def place(file: Published, settings: Settings) -> Path:
    """Where the cache has a file, under the name by which its kind is told."""
    name = f"{file.filename}{file.format}"
    if "/" in name or "\\" in name:
        raise SpecError([Diagnostic("E308", f"{name!r} is no name of a file")])
    return settings.folder / FOLDER / name


def fetch(file: Published, limit: int, settings: Settings, watch: Watch | None = None) -> Fetched:
    """The file of published weights, fetched where the cache has it not.

    `limit` is what no file of its network is larger than, in bytes. What comes is put into its
    place when it is whole and its hash is the published one; of two processes one fetches, and the
    other waits. Raises `SpecError`.
    """
    watch, path = watch or Watch(), place(file, settings)
    with _writing(path):
        if _is_published(path, file):
            return Fetched(path)
        if settings.is_offline:
            raise _offline(file, path)
        _check_installed()
        url = settings.address(file.url)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(path, watch):
            if _is_published(path, file):  # the other process has fetched it
                return Fetched(path)
            if path.exists():
                watch.say(f"{path} is not the published file, and is fetched again")
            return _fetch(file, path, _bound(file, limit), url, watch)


def _fetch(file: Published, path: Path, limit: int, url: str, watch: Watch) -> Fetched:
    from .transfer import TransferError, download

    part = Part(path.with_name(f".{path.name}.part"))
    for again in (True, False):
        watch.say(f"fetching {url}")
        try:
            received = download(url, part, limit, watch)
        except TransferError as error:
            raise _failed(file, path, part, str(error)) from None
        except OSError as error:
            if error.errno in FULL:
                part.remove()  # the space may be needed elsewhere
            raise
        found = sha256(part.path)
        if found.startswith(file.sha256):
            os.replace(part.path, path)
            part.remove()
            return Fetched(path, received.url)
        part.remove()
        if not (again and received.resumed):
            raise _another(file, path, received.url, received.kind, found)
        watch.say("what was resumed is not the published file; all of it is fetched again")
    raise AssertionError("the second time is the last")


def _check_installed() -> None:
    missing = next((name for name in NEEDS if find_spec(name) is None), None)
    if missing:
        message = f"{missing} is not installed, which a download needs"
        raise SpecError([Diagnostic("E308", message, help="pip install 'rescompile[weights]'")])


def _bound(file: Published, limit: int) -> int:
    """Bytes that the file does not exceed: its size, if that is published, to all its figures."""
    return limit if file.mib is None else min(limit, int(file.mib * MIB * 1.01) + MIB)


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, as hexadecimal digits."""
    found = hashlib.sha256()
    with path.open("rb") as opened:
        while block := opened.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def _is_published(path: Path, file: Published) -> bool:
    return path.is_file() and sha256(path).startswith(file.sha256)


@contextmanager
def _alone(path: Path, watch: Watch) -> Iterator[None]:
    """Inside, no other process fetches the file."""
    from filelock import FileLock, Timeout

    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except NotImplementedError:  # in some file systems
        raise OSError(errno.ENOSYS, "files cannot be locked there") from None
    except Timeout:
        watch.say(f"another process fetches {path.name}: waiting")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """What the system says of the cache, as a diagnostic."""
    try:
        yield
    except OSError as error:
        message = f"cannot keep {path.as_posix()}: {error.strerror or error}"
        help = "make room there, or choose another folder by RESCOMPILE_CACHE"
        raise SpecError([Diagnostic("E308", message, help=help)]) from None


def _by_hand(file: Published, path: Path) -> str:
    return f"or put the file of {file.url} into its place yourself: {path.as_posix()}"


def _failed(file: Published, path: Path, part: Part, why: str) -> SpecError:
    kept = f"{part.size:,} bytes are kept, and the same command goes on from there"
    notes = (kept,) if part.size else ()
    help = f"try again; {_by_hand(file, path)}"
    message = f"cannot fetch {file.filename}: {why}"
    return SpecError([Diagnostic("E308", message, help=help, notes=notes)])


def _offline(file: Published, path: Path) -> SpecError:
    if path.exists():
        message = f"{path.as_posix()} is not the published file {file.filename}"
        notes: tuple[str, ...] = (_hashes(file, sha256(path)),)
        return SpecError([Diagnostic("E309", message, notes=notes, help=_replace(file))])
    message = f"{file.filename} is not in the cache, and nothing is fetched while offline"
    help = f"go without `--offline` and RESCOMPILE_OFFLINE once; {_by_hand(file, path)}"
    return SpecError([Diagnostic("E308", message, help=help)])


def _replace(file: Published) -> str:
    return f"replace it by the file of {file.url}, or go without `--offline`"


def _hashes(file: Published, found: str) -> str:
    return f"its SHA-256 begins with {found[: max(16, len(file.sha256))]}, not {file.sha256}"


def _another(file: Published, path: Path, url: str, kind: str, found: str) -> SpecError:
    message = f"what {visible(url)} sends is not the published file {file.filename}"
    notes = [_hashes(file, found)]
    if kind.startswith("text/"):
        notes.append(f"it says that it is {visible(kind[:100])}: a page, and no file of weights")
    help = f"nothing of it was kept; try again, from another mirror perhaps; {_by_hand(file, path)}"
    return SpecError([Diagnostic("E309", message, help=help, notes=tuple(notes))])
