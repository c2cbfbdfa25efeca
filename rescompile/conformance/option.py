"""The option `--backend`, known to pytest wherever this package is asked for by its name.

With --pyargs pytest reads a conftest.py only after the command line, so the option comes from here:
this is what the wheel declares as a plugin of pytest. It adds nothing to runs of other tests.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

SUITE = __name__.rpartition(".")[0]
CHOSEN = "rescompile_backends"  # what the configuration calls the option


def add_to(parser: Any) -> None:
    """Add the option, unless it is there."""
    with suppress(ValueError):
        parser.getgroup("rescompile").addoption(
            "--backend",
            dest=CHOSEN,
            action="append",
            metavar="NAME",
            help="backend that is tested; may be given several times. Default: all that are found",
        )


def pytest_load_initial_conftests(parser: Any, args: list[str]) -> None:
    if any(word.startswith(SUITE) for word in args):
        add_to(parser)
