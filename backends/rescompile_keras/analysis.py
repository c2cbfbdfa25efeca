"""Two proofs over the IR on which the emitted layers depend.

Zeros around a max-pool never win where its input cannot be negative, and a flatten may keep Keras'
order H, W, C where nothing but a Dense layer sees it, whose kernel's rows are then permuted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from rescompile import ops
from rescompile.ir.structure import Path, sources
from rescompile.ir.trace import (
    CallTrace,
    Elaborated,
    FromTrace,
    GroupTrace,
    Instance,
    JoinTrace,
    OpTrace,
    ResidualTrace,
    Trace,
)
from rescompile.ops import Op, Shape


@dataclass
class Signs:
    """Which pools see a negative value in some call: `negative` holds their nodes' ids."""

    elaborated: Elaborated
    negative: set[int] = field(default_factory=set)
    memo: dict[tuple[Instance, bool], bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.body(self.elaborated.root.items, False)

    def body(self, items: tuple[Trace, ...], x: bool) -> bool:
        """Whether what leaves is provably >= 0, given whether what enters is."""
        for item in items:
            x = self.item(item, x)
        return x

    def item(self, item: Trace, x: bool) -> bool:
        if isinstance(item, OpTrace):
            if isinstance(item.op, ops.Pool) and not x:
                self.negative.add(item.node.id)
            return item.op.nonnegative or (x and item.op.keeps_sign)
        if isinstance(item, CallTrace):
            key = (item.instance, x)
            if key not in self.memo:
                self.memo[key] = self.body(item.instance.items, x)
            return self.memo[key]
        if isinstance(item, GroupTrace):
            return self.body(item.items, x)
        if isinstance(item, FromTrace):
            return False  # it could be known, but padding with -inf is right as well
        if isinstance(item, JoinTrace):
            ends = [self.body(branch, x) for branch in item.branches]
            return all(ends)
        return self.residual(item, x)

    def residual(self, item: ResidualTrace, x: bool) -> bool:
        tapped = self.body(item.pre, x)
        branch = self.body(item.branch, tapped)
        if item.shortcut is None:
            return branch
        source = tapped if item.node.tap_pre and item.shortcut else x
        return self.body(item.shortcut, source) and branch


@dataclass
class Flattening:
    """Where flattened values go.

    `ordered` are the nodes' ids of flattens whose order somebody sees, so that it must be
    PyTorch's; `kernels` tells for each linear layer after another flatten what was flattened, and
    `mixed` are the paths from there on whose values have Keras' order.
    """

    elaborated: Elaborated
    ordered: set[int] = field(default_factory=set)
    kernels: dict[Path, tuple[int, int, int]] = field(default_factory=dict)
    mixed: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        pairs: list[tuple[OpTrace, Path]] = []
        open_: OpTrace | None = None
        network = self.elaborated.network
        seen = sources(network.body).union(network.outputs)
        for event in [*_events(self.elaborated.root.items, (), seen), None]:
            op: Op | None = event[1].op if event else None
            if open_ is not None and event and isinstance(op, ops.Linear):
                pairs.append((open_, event[0]))
                open_ = None
            elif open_ is not None and not (op and op.orderless):
                self.ordered.add(open_.node.id)
                open_ = None
            if event and isinstance(op, ops.Flatten) and has_positions(event[1].x):
                open_ = event[1]
            if event and open_ is not None:
                self.mixed.add(event[0])
        for flatten, path in pairs:
            if flatten.node.id not in self.ordered:
                channels, height, width = flatten.x
                self.kernels[path] = (channels, height, width)


def has_positions(shape: Shape) -> bool:
    """Whether a shape has more than one position, so that flattening it has an order."""
    return len(shape) == 3 and shape[1] * shape[2] > 1


Event = tuple[Path, OpTrace] | None


def _events(items: tuple[Trace, ...], path: Path, seen: frozenset[str]) -> Iterator[Event]:
    """Operations in order; None stands where a value is seen by more than the next operation.

    `seen` are the children of this scope that are returned, or used again by later ones.
    """
    for item in items:
        if isinstance(item, (JoinTrace, ResidualTrace, FromTrace)):
            for part in item.parts:
                yield None
                yield from _events(part, path, seen)
            yield None
            continue
        inner = (*path, item.name)
        if isinstance(item, OpTrace):
            yield inner, item
        elif isinstance(item, CallTrace):
            block = item.instance.block
            yield from _events(item.instance.items, inner, sources(block.body))
        else:
            yield from _events(item.items, inner, frozenset())
        if item.name in seen:
            yield None
