"""Options that the tests share; which networks they run by default, the conformance suite says.

What hypothesis draws is the same at every run, so that a failure is one of the change at hand.
`make fuzz` and `make fuzz-errors`, which set the number of examples, draw others each time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from rescompile.conformance.plugin import pytest_configure, pytest_generate_tests
from rescompile.language.load import zoo
from rescompile.registry import get_backend

__all__ = ["pytest_configure", "pytest_generate_tests"]
HEAD = "rescompile: 1\nname: mine\ninput: {channels: 3, height: 32, width: 32}\nclasses: 10\n"
Write = Callable[..., Path]
SAMPLE = (  # what backends run that are not commands' default: ceil mode, shuffles, gates, scales
    *("googlenet", "shufflenet_v2_x0_5", "mobilenet_v3_small", "convnext_tiny"),
    *("resnet20_cifar", "unet"),
)

os.environ.pop("COLUMNS", None)  # tables are as wide as where no terminal is
settings.register_profile("repeatable", derandomize=True)
# Where the environment says CI, hypothesis makes the first of its own defaults "derandomize".
settings.register_profile("random", derandomize=False, print_blob=True)
FUZZING = {"RESCOMPILE_FUZZ", "RESCOMPILE_FUZZ_ERRORS"} & set(os.environ)
settings.load_profile("random" if FUZZING else "repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--rewrite",
        action="store_true",
        default=False,
        help="rewrite golden files and expected error texts",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is no test of the sample is slow where a backend is not taken by default."""
    shipped = zoo()
    for item in items:
        given = getattr(getattr(item, "callspec", None), "params", {})
        network = given.get("to_run", given.get("spec"))
        skips = "worker" in given and network in shipped and network not in SAMPLE
        if skips and not get_backend(given["worker"]).by_default:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a spec, with the usual head unless told otherwise, and gives its path."""

    def make(text: str, name: str = "mine", head: str = HEAD) -> Path:
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(head + text, encoding="utf-8")
        return path

    return make
