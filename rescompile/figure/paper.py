"""The paper's style, as Fig. 3 of He et al. 2015: a box a weighted layer, an arc a shortcut."""

from __future__ import annotations

from collections.abc import Iterable

from ..cost.describe import describe_join
from ..ir.nodes import JoinKind
from ..ir.trace import (
    CallTrace,
    FromTrace,
    GroupTrace,
    JoinTrace,
    OpTrace,
    ResidualTrace,
    Trace,
    flatten,
)
from ..ops import AdaptiveAvgPool, Weighted
from . import words
from .diagram import Element, Goto, Parallel, Shortcut, Step
from .folded import POOLS, SIGNS
from .scene import Text

Path = tuple[str, ...]


def elements(items: Iterable[Trace], path: Path = ()) -> tuple[Element, ...]:
    """What is drawn of some traces: layers with weights, pools, joins and shortcuts."""
    made: list[Element] = []
    for item in items:
        if isinstance(item, OpTrace):
            if isinstance(item.op, (Weighted, *POOLS)) and not _is_idle(item):
                made.append(_step(item, path))
            elif made and isinstance(made[-1], Step):
                made[-1] = _named(made[-1], item.name)
        elif isinstance(item, (CallTrace, GroupTrace)):
            inner = list(elements(item.parts[0], (*path, item.name)))
            if inner and isinstance(inner[-1], Step):
                inner[-1] = _named(inner[-1], item.name)
            made += inner
        elif isinstance(item, ResidualTrace):
            made += _residual(item, path)
        elif isinstance(item, FromTrace):
            made.append(Goto(item.node.source, item.node.source.partition(".")[0]))
        else:
            made += _join(item, path)
    return tuple(made)


def _is_idle(item: OpTrace) -> bool:
    """Whether a pool does nothing at this size: papers' figures, of one size, do not have it."""
    return isinstance(item.op, AdaptiveAvgPool) and item.x == item.y


def _named(step: Step, name: str) -> Step:
    """A step that stands for one more that is not drawn by itself."""
    names = (name, *step.names)
    return Step(step.lines, step.kind, step.id, step.tip, names, step.facts, step.size)


def _step(item: OpTrace, path: Path) -> Step:
    kind = "layer" if isinstance(item.op, Weighted) else "pool"
    whole = words.operation(item.op, item.x[0])
    text = words.pool(item.op) if kind == "pool" else whole.removesuffix(", bias")
    where = ".".join((*path, item.name))
    size = item.y[1:] or (1, 1)
    whole += f", {item.again.of} again" if item.again else ""
    shape = " x ".join(map(str, item.y))
    return Step((Text(text),), kind, where, f"{where}: {whole} -> {shape}", (item.name,), (), size)


def _residual(item: ResidualTrace, path: Path) -> list[Element]:
    before = elements(item.pre, path)
    branch = elements(item.branch, path)
    if item.shortcut is None:
        return [*before, *branch]
    layers = [op for _, op in flatten(item.shortcut) if isinstance(op.op, Weighted)]
    kind = "projection" if item.shortcut else "identity"
    told = ", ".join(words.operation(one.op, one.x[0]) for one in layers)
    tip = describe_join(item).removeprefix("add ") + (f": {told}" if told else "")
    where = ".".join((*path, item.name))
    tapped = before if item.node.tap_pre and item.shortcut else ()
    inner = branch if tapped else (*before, *branch)
    return [Shortcut(inner, kind, (), tapped, None, (), where, tip, (item.name,))]


def _join(item: JoinTrace, path: Path) -> list[Element]:
    ways = tuple(elements(branch, path) for branch in item.branches)
    where = ".".join((*path, item.name))
    if not any(ways):
        return []
    sign = SIGNS[item.node.kind]
    style = "small" if item.node.kind is JoinKind.CONCAT else "main"
    size = item.y[1:] or (1, 1)
    joint = Step((Text(sign, style),), "join", where, where, (item.name,), (), size)
    return [Parallel(ways, joint, item.node.split)]
