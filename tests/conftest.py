"""Options that the tests share, and which of the shipped networks the tests run by default.

Every network is compiled, counted and compared with its generated files. To run all of them in the
frameworks takes long, so `to_run` parametrises a test by those that have something new: from the
cheapest network on, each that has a line, as the compiler sees it, which none before it has within
a line like that. Names and numbers do not count. The others are marked slow, as are deep and costly
ones. `to_keep` does so for what writes and reads files: a few that have every kind of layer.

What hypothesis draws is the same at every run, so that a failure is one of the change at hand.
`make fuzz` and `make fuzz-errors`, which set the number of examples, draw others each time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from rescompile.api import open_spec
from rescompile.cost.cost import Cost, network_cost
from rescompile.language.load import zoo

DEEP = 150  # layers: with more, a framework takes long to build a network
COSTLY = 10e9  # multiply-adds: with more, the reference takes minutes
HEAD = "rescompile: 1\nname: mine\ninput: {channels: 3, height: 32, width: 32}\nclasses: 10\n"
Write = Callable[..., Path]
HEAVY = 100e6  # parameters: with more, a test takes half a minute
KEPT = (  # flattening, branches, gates, shuffles, dense connections, layer scales, dead branches
    *("alexnet", "googlenet", "mobilenet_v3_small", "shufflenet_v2_x0_5"),
    *("densenet121", "convnext_tiny", "repvgg_a0", "resnet20_cifar", "unet"),
)
LARGE = 250e6  # parameters: with more, a machine's memory is at risk
BLOTTED = [  # what two lines of one kind may differ in
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"  -> .*", ""),  # the shape of what leaves
        (r"^\w+ = |^\w+(?=:$)", ""),  # the name of a step or a stage
        (r"^block \w+\(.*\)", "block"),
        (r"^\w+\(", "call("),
        (r"(?<=[(,] )\w+=|(?<=\()\w+=", "="),  # the names of arguments
        (r"\$\w+", "$"),
        (r"\d+(?:\.\d+)?(?:e-?\d+)?", "#"),
    )
]

# Tests run side by side, and threads that wait for each other on busy cores take many times longer.
THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
os.environ.update({name: "1" for name in THREADS if name not in os.environ})
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "to_run" in metafunc.fixturenames:
        metafunc.parametrize("to_run", _runs())
    if "to_keep" in metafunc.fixturenames:
        slow = pytest.mark.slow
        kept = [pytest.param(n, marks=[] if n in KEPT else slow) for n in sorted(zoo())]
        metafunc.parametrize("to_keep", kept)


@cache
def _runs() -> list[Any]:
    """Every shipped network as a parameter, with the marks that it gets."""
    nets = {name: open_spec(name) for name in sorted(zoo())}
    costs = {name: network_cost(net.analysis.elaborated) for name, net in nets.items()}
    chosen: set[str] = set()
    seen: set[tuple[str, str]] = set()
    for name in sorted(
        filter(lambda name: _light(costs[name]), costs), key=lambda n: costs[n].macs
    ):
        kinds = kinds_of_lines(nets[name].text())
        if not kinds <= seen:
            chosen.add(name)
            seen |= kinds
    return [pytest.param(name, marks=_marks(name in chosen, costs[name])) for name in costs]


def kinds_of_lines(text: str) -> set[tuple[str, str]]:
    """Each line of a network, as the compiler sees it, with the kind of the line around it.

    Names, numbers and shapes are blotted out.
    """
    found = set()
    around: list[
        tuple[int, str]
    ] = []  # the lines around this one: their indents, and what they are
    for line in filter(None, text.splitlines()[1:]):
        indent = len(line) - len(line.lstrip())
        kind = line.strip()
        for pattern, instead in BLOTTED:
            kind = pattern.sub(instead, kind)
        while around and around[-1][0] >= indent:
            around.pop()
        found.add((around[-1][1] if around else "", kind))
        around.append((indent, kind))
    return found


def _marks(chosen: bool, cost: Cost) -> list[pytest.MarkDecorator]:
    if cost.parameters > LARGE:
        reason = f"{cost.parameters:,} parameters: compiled and counted only"
        return [pytest.mark.slow, pytest.mark.skip(reason)]
    return [] if chosen else [pytest.mark.slow]


def _light(cost: Cost) -> bool:
    return cost.layers <= DEEP and cost.macs <= COSTLY and cost.parameters <= HEAVY


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a spec, with the usual head unless told otherwise, and gives its path."""

    def make(text: str, name: str = "mine", head: str = HEAD) -> Path:
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(head + text, encoding="utf-8")
        return path

    return make
