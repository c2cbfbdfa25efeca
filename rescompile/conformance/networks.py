"""Which of the shipped networks a test runs by default.

Every network is compiled and emitted. To run all of them in every framework takes long, so `to_run`
parametrises a test by those that have something new: from the cheapest network on, each that has a
line, as the compiler sees it, which none before it has within a line like that. Names and numbers
do not count. The others are marked slow, as are deep and costly ones. `to_keep` does so for what
writes and reads files, and runs a few that have every kind of layer.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from ..api import Architecture, open_spec
from ..cost.cost import Cost, network_cost
from ..language.load import zoo

DEEP = 100  # layers: with more, a framework takes long to build a network
COSTLY = 3e9  # multiply-adds: with more, the frameworks and the reference take seconds each
HEAVY = 40e6  # parameters: with more, they do as well
LARGE = 250e6  # parameters: with more, a machine's memory is at risk
KEPT = (  # gates, shuffles, dead branches
    *("mobilenet_v3_small", "shufflenet_v2_x0_5", "repvgg_a0", "resnet20_cifar"),
)
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


@cache
def compiled(spec: str) -> Architecture:
    """A shipped network, once for all tests of a process: together they take 200 MiB."""
    return open_spec(spec)


@cache
def runs() -> list[Any]:
    """Every shipped network as a parameter, with the marks that it gets."""
    nets = {name: compiled(name) for name in sorted(zoo())}
    costs = {name: network_cost(net.analysis.elaborated) for name, net in nets.items()}
    chosen: set[str] = set()
    seen: set[tuple[str, str]] = set()
    for name in sorted(filter(lambda n: _light(costs[n]), costs), key=lambda n: costs[n].macs):
        kinds = kinds_of_lines(nets[name].text())
        if not kinds <= seen:
            chosen.add(name)
            seen |= kinds
    return [pytest.param(name, marks=_marks(name in chosen, costs[name])) for name in costs]


def kept() -> list[Any]:
    """Every shipped network as a parameter, all but a few of them slow."""
    slow = pytest.mark.slow
    return [pytest.param(name, marks=[] if name in KEPT else slow) for name in sorted(zoo())]


def kinds_of_lines(text: str) -> set[tuple[str, str]]:
    """Each line of a network as the compiler sees it with the one around it.

    Names, numbers and shapes are left out.
    """
    found = set()
    around: list[tuple[int, str]] = []  # the lines around this one, with their indents
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
