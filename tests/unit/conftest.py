"""Specs as text, for the tests of the front end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

HEAD = "rescompile: 1\nname: mine\ninput: {channels: 3, height: 32, width: 32}\nclasses: 10\n"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a spec, with the usual head unless told otherwise, and gives its path."""

    def make(text: str, name: str = "mine", head: str = HEAD) -> Path:
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(head + text, encoding="utf-8")
        return path

    return make
