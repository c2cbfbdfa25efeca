"""Processes that tests share."""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from functools import cache

import pytest

from ..convert.conversion import Converter
from ..worker.client import Worker
from .plugin import ready


@cache
def process(backend: str) -> Worker:
    """A backend in a process of its own, shared by all modules: frameworks take long to start."""
    made = Worker(backend)
    atexit.register(made.close)
    return made


@pytest.fixture(scope="module")
def worker(request: pytest.FixtureRequest) -> Worker:
    ready(request.param)
    return process(request.param)


@pytest.fixture(scope="module")
def converter() -> Iterator[Converter]:
    with Converter() as made:
        yield made
