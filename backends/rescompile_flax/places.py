"""Where modules and tensors are in a model: a sequence keeps its members in a list, by number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from rescompile.emit.channels_last import Layout, layout_of
from rescompile.ir.structure import Form, Path
from rescompile.ir.trace import CallTrace, Elaborated, OpTrace, Trace, is_again
from rescompile.ops import Prelu, Weighted
from rescompile.record import record

from .operations import TABLE

# What Flax calls a tensor, where it is not what the IR does.
NAMES = {"running_mean": "mean", "running_var": "var"}


@record
class Tensor:
    """A tensor of a network by its path, where the model has it, and how it lies there."""

    path: Path
    place: Path
    layout: Layout


def places(elaborated: Elaborated) -> dict[Path, Path]:
    """For each step by its path the place of its module, from attribute to attribute."""
    return dict(_places(elaborated.root.items, (), ()))


def _places(
    items: Iterable[Trace], path: Path, place: Path, numbers: Iterator[int] | None = None
) -> Iterator[tuple[Path, Path]]:
    """`numbers` are those of the members, where `place` is a sequence's list."""
    for item in items:
        if is_again(item):
            continue  # its modules are in the place of the first
        if item.shares_scope:
            for part in item.parts:
                yield from _places(part, path, place)
            continue
        if isinstance(item, OpTrace) and not TABLE[type(item.op)]:
            continue
        inner = (*path, item.name)
        at = (*place, item.name if numbers is None else str(next(numbers)))
        yield inner, at
        for part in item.parts:
            if isinstance(item, CallTrace) and item.instance.block.form is Form.MODULE:
                yield from _places(part, inner, at)
            else:
                yield from _places(part, inner, (*at, "layers"), count())


def tensors(elaborated: Elaborated) -> Iterator[Tensor]:
    """Every tensor of a network, in PyTorch's order of the steps."""
    found = places(elaborated)
    for path, trace in elaborated.owning():
        for tensor in trace.op.parameters(trace.x):
            leaf = NAMES.get(tensor.leaf, tensor.leaf)
            if leaf == "weight":
                scale = "negative_slope" if isinstance(trace.op, Prelu) else "scale"
                leaf = "kernel" if isinstance(trace.op, Weighted) else scale
            below, inside = ((tensor.leaf,), (leaf,)) if leaf else ((), ())
            layout = layout_of(trace.op, trace.x, tensor)
            yield Tensor((*path, *below), (*found[path], *inside), layout)
