"""Processes that tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..convert.conversion import Converter
from ..worker.client import Worker
from .plugin import ready


@pytest.fixture(scope="module")
def worker(request: pytest.FixtureRequest) -> Iterator[Worker]:
    """A backend in a process of its own."""
    ready(request.param)
    with Worker(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def converter() -> Iterator[Converter]:
    with Converter() as made:
        yield made
