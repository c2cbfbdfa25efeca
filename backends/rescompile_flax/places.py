"""Where tensors are in a model, and in a file of its weights."""

from __future__ import annotations

from collections.abc import Iterator

from rescompile.emit.channels_last import layout_of
from rescompile.emit.classes.places import places
from rescompile.emit.placed import Placed, owned
from rescompile.ir.structure import Path
from rescompile.ir.trace import Elaborated
from rescompile.ops import Op, Prelu, Weighted

from .syntax import FlaxSyntax

# What Flax calls tensors that are no parameters.
STATISTICS = {"running_mean": "mean", "running_var": "var"}


def tensors(elaborated: Elaborated) -> Iterator[Placed]:
    """Every tensor of a network, in PyTorch's order of the steps."""
    found = places(elaborated, FlaxSyntax)
    for path, trace in elaborated.owning():
        for own, tensor in owned(path, trace):
            leaf = _leaf(trace.op, tensor.leaf)
            place = (*found[path], leaf) if leaf else found[path]
            yield Placed(own, place, place[-1], layout_of(trace.op, trace.x, tensor))


def keys(place: Path) -> tuple[str | int, ...]:
    """A place in a state of Flax's, where lists have their members by number."""
    return tuple(int(step) if step.isdigit() else step for step in place)


def _leaf(op: Op, leaf: str) -> str:
    if leaf == "weight":
        scale = "negative_slope" if isinstance(op, Prelu) else "scale"
        return "kernel" if isinstance(op, Weighted) else scale
    return STATISTICS.get(leaf, leaf)
