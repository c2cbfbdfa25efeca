"""Files are written whole or not at all, several of them together, and always as the same bytes.

UTF-8 with a line feed at the end of each line, on every platform. Everything is written beside its
place first and moved when all of it is on the disk: an error leaves what was there before.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .errors import Diagnostic, SpecError


@dataclass(frozen=True)
class Output:
    """A file to be written, or to be compared with what is there."""

    path: Path
    text: str | bytes

    @property
    def data(self) -> bytes:
        return self.text.encode() if isinstance(self.text, str) else self.text

    def is_current(self) -> bool:
        try:
            return self.path.is_file() and self.path.read_bytes() == self.data
        except OSError:
            return False

    def write(self) -> bool:
        """Replace the file in one step; tells whether it had to. Raises `SpecError`."""
        return bool(write_all([self]))


def write_all(outputs: Sequence[Output]) -> list[Output]:
    """Write those that are not current, all or none, and tell which. Raises `SpecError`."""
    stale = [output for output in outputs if not output.is_current()]
    with ExitStack() as stack:
        for output in stale:
            stack.enter_context(replacing(output.path)).write_bytes(output.data)
    return stale


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` to write to, moved into place at the end: no half file is ever seen.

    Its name ends as that of `path` does. A link at `path` is replaced; what it points to is left.
    Raises `SpecError` where nothing can be written, or where `path` is a folder or a device.
    """
    # Named before it is made: whenever a signal ends the command, the name is known and removed.
    beside, made = path.parent / f".{secrets.token_hex(6)}{_suffix(path)}", list[Path]()
    try:
        if path.exists() and not path.is_file():
            raise OSError(0, "Not a regular file")
        made = [folder for folder in path.parents if not folder.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        yield beside
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        os.chmod(beside, mode)
        os.replace(beside, path)
        made = []
    except OSError as error:
        message = f"cannot write {path.as_posix()}: {error.strerror or error}"
        help = "nothing was changed; choose another place with `-o`"
        raise SpecError([Diagnostic("E003", message, help=help)]) from None
    finally:
        with suppress(OSError):
            os.unlink(beside)
        for folder in made:
            with suppress(OSError):
                folder.rmdir()


def _suffix(path: Path) -> str:
    """The end of a name beside `path` that is no longer than its own may be."""
    return f".{path.name}" if len(path.name) < 200 else "".join(path.suffixes[-2:])[-40:]


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
