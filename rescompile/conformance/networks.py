"""Which of the shipped networks a test runs by default.

Every network is compiled and emitted. To run all of them in every framework takes long, so `to_run`
parametrises a test by those that differ in more than numbers: of the networks that look alike to
the compiler once every number is blotted out (RegNets of one kind in seven sizes, say) the cheapest
runs. The others are marked slow, as are deep and costly ones. `to_keep` does so for what writes and
reads files, and runs a few that have every kind of layer.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import groupby
from typing import Any

import pytest

from ..api import Architecture, open_spec
from ..cost.cost import Cost, network_cost
from ..language.load import zoo

DEEP = 150  # layers: with more, a framework takes long to build a network
COSTLY = 10e9  # multiply-adds: with more, the reference takes minutes
HEAVY = 100e6  # parameters: with more, a test takes half a minute
LARGE = 250e6  # parameters: with more, a machine's memory is at risk
KEPT = (  # flattening, branches, gates, shuffles, dense connections, layer scales, dead branches
    *("alexnet", "googlenet", "mobilenet_v3_small", "shufflenet_v2_x0_5"),
    *("densenet121", "convnext_tiny", "repvgg_a0", "resnet20_cifar", "unet"),
)
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e-?\d+)?")


@lru_cache(maxsize=1)
def compiled(spec: str) -> Architecture:
    """A shipped network; the tests of one come together, for all backends."""
    return open_spec(spec)


@cache
def runs() -> list[Any]:
    """Every shipped network as a parameter, with the marks that it gets."""
    costs: dict[str, Cost] = {}
    alike: dict[str, list[str]] = {}
    for name in sorted(zoo()):
        net = open_spec(name)
        costs[name] = network_cost(net.analysis.elaborated)
        alike.setdefault(structure(net.text()), []).append(name)
    chosen = {min(names, key=lambda name: costs[name].macs) for names in alike.values()}
    return [pytest.param(name, marks=_marks(name in chosen, costs[name])) for name in costs]


def kept() -> list[Any]:
    """Every shipped network as a parameter, all but a few of them slow."""
    slow = pytest.mark.slow
    return [pytest.param(name, marks=[] if name in KEPT else slow) for name in sorted(zoo())]


def structure(text: str) -> str:
    """A network as the compiler sees it, without name, numbers, and equal lines in a row."""
    lines = [NUMBER.sub("#", line) for line in text.splitlines()[1:]]
    return "\n".join(line for line, _ in groupby(lines))


def _marks(chosen: bool, cost: Cost) -> list[pytest.MarkDecorator]:
    if cost.parameters > LARGE:
        reason = f"{cost.parameters:,} parameters: compiled and counted only"
        return [pytest.mark.slow, pytest.mark.skip(reason)]
    light = cost.layers <= DEEP and cost.macs <= COSTLY and cost.parameters <= HEAVY
    return [] if chosen and light else [pytest.mark.slow]
