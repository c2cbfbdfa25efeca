"""Specs as text, for the tests of the front end."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rescompile.parity.process import Worker

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


@pytest.fixture(scope="session")
def torch() -> Iterator[Worker]:
    """PyTorch in a process of its own."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    with Worker("torch") as worker:
        yield worker
