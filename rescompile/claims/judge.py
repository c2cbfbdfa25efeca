"""Claims against exact counts: does what a source prints follow from the network?

A printed figure `holds` if the exact value rounds to it at its own precision, halves up. It holds
`as printed` if the exact value cut off gives it, or, for a ratio, the source's own rounded figures
do; the finding says which. Otherwise it `fails`. All arithmetic is on integers and fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import floor, prod
from typing import Protocol

from ..cost.cost import Cost, network_cost
from ..ir.nodes import JoinKind
from ..ir.trace import Elaborated, JoinTrace, Trace, walk_traces
from ..ops import GlobalAvgPool, Norm, Op, Weighted
from ..table import percent, rounded


class Printed(Protocol):
    """A printed figure: its value, what its last digit is worth, and other values in its words."""

    @property
    def text(self) -> str: ...
    @property
    def value(self) -> Fraction: ...
    @property
    def step(self) -> Fraction: ...
    def say(self, steps: int) -> str: ...


class Verdict(Enum):
    """What became of a claim."""

    HOLDS = "holds"
    AS_PRINTED = "as printed"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and, in words, how the printed figure follows."""

    verdict: Verdict
    how: str = ""


def judge(printed: Printed, exact: int | Fraction) -> Judgement:
    """Whether `exact`, which is not negative, rounds to a printed figure or is cut off to it."""
    wanted, steps = printed.value / printed.step, Fraction(exact) / printed.step
    nearest = floor(steps + Fraction(1, 2))
    if nearest == wanted:
        return Judgement(Verdict.HOLDS)
    if floor(steps) == wanted:
        return Judgement(Verdict.AS_PRINTED, f"cut off; rounded it would be {printed.say(nearest)}")
    return Judgement(Verdict.FAILS, f"rounded it would be {printed.say(nearest)}")


def judge_ratio(
    printed: Printed, ours: int, theirs: int, figures: Sequence[Printed] = ()
) -> Judgement:
    """Whether `ours` over `theirs` gives a printed ratio, or the source's own two `figures` do.

    The figures count only where each of them follows from the exact number by itself.
    """
    direct = judge(printed, Fraction(ours, theirs))
    verdict, ways = direct.verdict, [direct.how] if direct.how else []
    if figures and verdict is not Verdict.HOLDS:
        ratio = figures[0].value / figures[1].value
        said = f"{figures[0].text} / {figures[1].text} = {percent(100 * ratio, 2)}"
        wrong = [f.text for f, n in zip(figures, (ours, theirs), strict=True) if not _follows(f, n)]
        if wrong:
            ways.append(f"the source's figures, {said}, do not help: {wrong[0]} does not hold")
        elif judge(printed, ratio).verdict is Verdict.HOLDS:
            verdict = Verdict.AS_PRINTED
            ways.append(f"the source's own rounded figures give it: {said}")
        else:
            ways.append(f"the source's own rounded figures do not give it: {said}")
    return Judgement(verdict, "; ".join([*ways, f"exactly {ours:,} / {theirs:,}"]))


def _follows(printed: Printed, exact: int) -> bool:
    return judge(printed, exact).verdict is not Verdict.FAILS


def times(ratio: Fraction, digits: int) -> str:
    """A ratio as people read it, as a factor."""
    return f"{rounded(ratio, digits)} x"


def measure(elaborated: Elaborated, quantity: str, counts: Iterable[str] = ()) -> int:
    """`layers`, `parameters` or `macs` of a network; `counts` names what is counted.

    Without `counts`: layers on the longest path without shortcuts and gates, all trainable
    parameters, and multiply-adds of convolutions and linear layers.
    """
    words = tuple(dict.fromkeys(counts))
    if words:
        return sum(PARTS[quantity][word](elaborated) for word in words)
    return quantities(network_cost(elaborated))[quantity]


def quantities(cost: Cost) -> dict[str, int]:
    """What claims are about, of a network or of a part of it."""
    return {"layers": cost.layers, "parameters": cost.parameters, "macs": cost.macs}


def _weights(elaborated: Elaborated) -> int:
    return _owned(elaborated, Weighted, "weight")


def _biases(elaborated: Elaborated) -> int:
    return _owned(elaborated, Weighted, "bias")


def _norms(elaborated: Elaborated) -> int:
    return _owned(elaborated, Norm, "weight") + _owned(elaborated, Norm, "bias")


def _owned(elaborated: Elaborated, family: type[Op], leaf: str) -> int:
    return sum(
        prod(parameter.shape)
        for _, trace in elaborated.flat()
        if isinstance(trace.op, family)
        for parameter in trace.op.parameters(trace.x)
        if parameter.leaf == leaf
    )


def _global_pools(elaborated: Elaborated) -> int:
    """An addition for each value that a global average pool reads."""
    pools = (trace for _, trace in elaborated.flat() if isinstance(trace.op, GlobalAvgPool))
    return sum(prod(trace.x) for trace in pools)


def _products(elaborated: Elaborated) -> int:
    """A multiplication for each value that a gate scales."""
    joins = (t for _, t in walk_traces(elaborated.root.items) if isinstance(t, JoinTrace))
    gates = (item for item in joins if item.node.kind is JoinKind.MULTIPLY)
    return sum(prod(item.y) * (len(item.branches) - 1) for item in gates)


PARTS: dict[str, dict[str, Callable[[Elaborated], int]]] = {
    "parameters": {"weights": _weights, "biases": _biases, "norms": _norms},
    "macs": {
        "convolutions": lambda elaborated: network_cost(elaborated).conv_macs,
        "linear": lambda elaborated: network_cost(elaborated).linear_macs,
        "global_pools": _global_pools,
        "products": _products,
    },
}


def scope_of(items: Iterable[Trace]) -> dict[str, Trace]:
    """What stands in a scope by name; joins have no name of their own, their parts do."""
    found = walk_traces(items, enter=lambda item: item.shares_scope)
    return {item.name: item for _, item in found if not item.shares_scope}


def step_of(elaborated: Elaborated, path: str) -> tuple[Trace | None, tuple[str, ...]]:
    """The step at a dotted path; if there is none, None and the names to choose of."""
    scope, found = scope_of(elaborated.root.items), None
    prefix = ""
    for name in path.split("."):
        if name not in scope:
            return None, tuple(prefix + known for known in scope)
        found, prefix = scope[name], f"{prefix}{name}."
        scope = scope_of(part for inside in found.parts for part in inside)
    return found, ()
