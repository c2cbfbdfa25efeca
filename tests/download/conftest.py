from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rescompile.download import Settings, transfer

from .cases import DATA
from .server import Server, serving


@pytest.fixture(autouse=True)
def quick_and_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PAUSE", 0.0)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("RESCOMPILE_CACHE", "RESCOMPILE_MIRROR", "RESCOMPILE_OFFLINE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(DATA) as made:
        yield made


@pytest.fixture
def cache(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "cache")
