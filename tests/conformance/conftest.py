"""What the tests of backends share."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from rescompile.registry import backend_names, get_backend
from rescompile.worker.client import Worker


@pytest.fixture(scope="module", params=backend_names())
def worker(request: pytest.FixtureRequest) -> Iterator[Worker]:
    """Each backend that is found, in a process of its own."""
    name = request.param
    missing = [m for m in get_backend(name).requires if importlib.util.find_spec(m) is None]
    if missing:
        pytest.skip(f"the {name} backend needs {', '.join(missing)}")
    with Worker(name) as made:
        yield made
