"""What the tests of backends share."""

from __future__ import annotations

import pytest

from rescompile.conformance.fixtures import converter, worker
from rescompile.registry import working

__all__ = ["converter", "worker"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "worker" in metafunc.fixturenames:
        running = sorted(one.name for one in working() if one.runtime)
        metafunc.parametrize("worker", running, indirect=True, scope="module")
