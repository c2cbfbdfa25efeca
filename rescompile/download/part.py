"""The part of a file that is there already, and what tells whether the rest belongs to it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO


@dataclass(frozen=True)
class Part:
    """A file on its way, in the cache beside its place; another file says what it is a part of."""

    path: Path

    @property
    def about(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    @property
    def size(self) -> int:
        """The bytes that are there."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def validator(self, url: str) -> str:
        """The ETag or date that the server gave it, empty where none is known for that address."""
        try:
            known = json.loads(self.about.read_bytes())
            return str(known["validator"]) if known["url"] == url else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def open(self, url: str, validator: str, resume: bool) -> IO[bytes]:
        """To write the rest, or all of it."""
        told = {"url": url, "validator": validator}
        self.about.write_bytes(json.dumps(told).encode())
        return self.path.open("ab" if resume else "wb")

    def remove(self) -> None:
        for path in (self.path, self.about):
            with suppress(OSError):
                path.unlink(missing_ok=True)
