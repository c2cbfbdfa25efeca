"""What the tests of backends share."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from rescompile.registry import backend_names, get_backend
from rescompile.worker.client import Worker

from ..conftest import KEPT


def pytest_itemcollected(item: pytest.Item) -> None:
    """Backends that no command takes by itself run few networks by default, and the rest slowly."""
    given = getattr(item, "callspec", None)
    asked = {} if given is None else given.params
    network = asked.get("to_run", asked.get("spec", KEPT[0]))
    if "worker" in asked and not get_backend(asked["worker"]).by_default and network not in KEPT:
        item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module", params=backend_names())
def worker(request: pytest.FixtureRequest) -> Iterator[Worker]:
    """Each backend that is found, in a process of its own."""
    name = request.param
    missing = [m for m in get_backend(name).requires if importlib.util.find_spec(m) is None]
    if missing:
        pytest.skip(f"the {name} backend needs {', '.join(missing)}")
    with Worker(name) as made:
        yield made
