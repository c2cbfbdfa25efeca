"""PyTorch, for the tests of what is its backend's alone."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from rescompile.worker.client import Worker


@pytest.fixture(scope="session")
def torch() -> Iterator[Worker]:
    """PyTorch in a process of its own."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    with Worker("torch") as worker:
        yield worker
