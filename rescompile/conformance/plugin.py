"""For which backends and networks a test runs: what it takes as arguments says it.

* `backend` is each backend that is chosen and has the parts that the mark `needs` names.
* `suffix`, beside `backend`, is each of its files of weights; `further_suffix` each but the first.
* `table` and `kind`, beside `backend`, are each of its tables and each operation that is in it.
* `backends` are the names of all that are chosen, keep weights and are installed, together.
* `engine` is each engine of each backend, as in NAME:ENGINE; all but the first are slow.
* `worker` is a process with each backend that has a runtime.
* `spec` is each shipped network; `to_run` and `to_keep` are those of networks.py.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from typing import Any

import pytest

from ..emit.contract import Backend
from ..errors import SpecError
from ..language.load import zoo
from ..ops import Op
from ..registry import get_backend, working
from .networks import kept, runs
from .option import CHOSEN

# Tests run side by side, and threads that wait for each other on busy cores take many times longer.
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
FOLDER = __name__.rpartition(".")[0]


def pytest_configure(config: pytest.Config) -> None:
    for name in THREADS:
        os.environ.setdefault(name, "1")
    config.addinivalue_line("markers", "slow: takes minutes; run with `-m slow`")
    config.addinivalue_line("markers", "needs(part, ...): for backends with these parts alone")


def chosen(config: pytest.Config) -> list[Backend]:
    """The backends that are tested, by name. One that does not work is a wrong command line."""
    names = config.getoption(CHOSEN, default=None)
    try:
        return _backends(None if names is None else tuple(names))
    except SpecError as error:
        raise pytest.UsageError(str(error)) from None


@cache
def _backends(names: tuple[str, ...] | None) -> list[Backend]:
    """Looked for once: every test asks, and it reads the folders of the whole path."""
    if names is None:
        return sorted(working(), key=lambda one: one.name)
    return [get_backend(name) for name in names]


def missing(name: str) -> list[str]:
    """The modules that a backend's runtime needs and that are not installed."""
    return [module for module in get_backend(name).requires if find_spec(module) is None]


def ready(name: str) -> None:
    """Skip a test where the framework of a backend is not installed."""
    if lacking := missing(name):
        pytest.skip(f"the {name} backend needs {', '.join(lacking)}")


def installed(config: pytest.Config) -> list[Backend]:
    """The chosen backends that keep weights, and whose frameworks are installed."""
    return [one for one in chosen(config) if one.weight_files and not missing(one.name)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    asked, config = set(metafunc.fixturenames), metafunc.config
    ours = metafunc.module.__name__.rpartition(".")[0] in (FOLDER, f"{FOLDER}.running")
    if "to_run" in asked:  # which takes seconds to find out
        runnable = not ours or any(one.runtime for one in chosen(config))
        metafunc.parametrize("to_run", runs() if runnable else _or_skip([]))
    if "to_keep" in asked:
        metafunc.parametrize("to_keep", kept() if not ours or installed(config) else _or_skip([]))
    if not ours:
        return
    if "spec" in asked and not _is_given(metafunc, "spec"):
        metafunc.parametrize("spec", sorted(zoo()))
    if "worker" in asked:
        running = [one.name for one in chosen(config) if one.runtime]
        metafunc.parametrize("worker", _or_skip(running), indirect=True, scope="module")
    if "engine" in asked:
        labels = [
            pytest.param(f"{one.name}:{engine}", marks=[pytest.mark.slow] if i else [])
            for one in chosen(config)
            for i, engine in enumerate(one.engines)
        ]
        metafunc.parametrize("engine", _or_skip(labels))
    if "backends" in asked:
        names = [one.name for one in installed(config)]
        metafunc.parametrize("backends", _or_skip([names] if names else []), ids=str)
    if "table" in asked:
        metafunc.parametrize(("backend", "table", "kind"), _or_skip(_entries(chosen(config)), 3))
    elif "suffix" in asked:
        pairs = [(one.name, suffix) for one in chosen(config) for suffix in one.weight_files]
        metafunc.parametrize(("backend", "suffix"), _or_skip(pairs, 2))
    elif "further_suffix" in asked:
        pairs = [(one.name, suffix) for one in chosen(config) for suffix in one.weight_files[1:]]
        metafunc.parametrize(("backend", "further_suffix"), _or_skip(pairs, 2))
    elif "backend" in asked and not _is_given(metafunc, "backend"):
        able = [one.name for one in chosen(config) if _has(one, metafunc.definition)]
        metafunc.parametrize("backend", _or_skip(able))


def _or_skip(values: list[Any], arguments: int = 1) -> list[Any]:
    """The values; where there is none, the reason for which a test does not run."""
    skip = pytest.mark.skip("no chosen backend has what this test needs")
    return values or [pytest.param(*[None] * arguments, marks=skip, id="none")]


def _is_given(metafunc: pytest.Metafunc, argument: str) -> bool:
    marks = metafunc.definition.iter_markers("parametrize")
    return any(argument in (mark.args[0], *mark.args[0]) for mark in marks)


def _has(backend: Backend, item: pytest.Item) -> bool:
    """Whether a backend has the parts that a test needs."""
    for mark in item.iter_markers("needs"):
        if not all(getattr(backend, part) for part in mark.args):
            return False
        if any(getattr(backend, part) != value for part, value in mark.kwargs.items()):
            return False
    return True


def _entries(backends: list[Backend]) -> list[tuple[str, str, type[Op]]]:
    named = [(one.name, *entry) for one in backends for entry in one.tables.items()]
    return [(name, table, kind) for name, table, entries in named for kind in entries]
