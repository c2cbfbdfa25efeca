"""What the tests of downloads share: a file, how it is published, and what the cache has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rescompile.download import Fetched, Settings, Watch, fetch
from rescompile.errors import SpecError
from rescompile.published import Published

from .server import Server

DATA = bytes(range(256)) * 1000
LIMIT = 2 << 20
OLD = b"another file, which was there before"


class Heard(Watch):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.done: list[tuple[int, int | None]] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def progress(self, done: int, total: int | None) -> None:
        self.done.append((done, total))


def published(server: Server, **changes: object) -> Published:
    made = Published("V1", f"{server.url}/models/net.pth", server.sha256[:8], "net.pth")
    return replace(made, **changes)  # type: ignore[arg-type]


def files(cache: Settings) -> set[str]:
    """The names of all files in the cache but locks."""
    return {f.name for f in cache.folder.rglob("*") if f.is_file() and f.suffix != ".lock"}


def fails(file: Published, cache: Settings, limit: int = LIMIT) -> str:
    """What is said of a download that fails; nothing takes the place of the file."""
    with pytest.raises(SpecError) as caught:
        fetch(file, limit, cache)
    assert "net.pth" not in files(cache)
    return str(caught.value)


def is_whole(found: Fetched, cache: Settings) -> None:
    assert found.path == cache.folder / "weights" / "net.pth"
    assert found.path.read_bytes() == DATA
    assert files(cache) == {"net.pth"}
