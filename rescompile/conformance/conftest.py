"""Has pytest run the suite for the backends that are chosen; see plugin.py."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from .option import add_to
from .plugin import pytest_configure, pytest_generate_tests

__all__ = ["pytest_configure", "pytest_generate_tests"]

collect_ignore: list[str] = []
if find_spec("numpy"):
    from .fixtures import converter, worker

    __all__ += ["converter", "worker"]
else:  # no backend can run or keep weights there
    collect_ignore.append("running")


def pytest_addoption(parser: pytest.Parser) -> None:
    add_to(parser)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if collect_ignore:
        terminalreporter.write_line("numpy is not installed: no test that runs a backend was there")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Slow tests run where the command line asks for them, whatever else is configured there."""
    if config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow") and _is_ours(item)]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


def _is_ours(item: pytest.Item) -> bool:
    return Path(__file__).parent in item.path.parents
