"""Where modules and tensors are in a model: a sequence keeps its members in a list, by number."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count

from rescompile.emit.channels_last import layout_of
from rescompile.emit.placed import Placed, owned
from rescompile.ir.structure import Form, Path, child_path
from rescompile.ir.trace import CallTrace, Elaborated, OpTrace, Trace, is_again
from rescompile.ops import Op, Prelu, Weighted

from .operations import TABLE

# What Flax calls tensors that are no parameters.
STATISTICS = {"running_mean": "mean", "running_var": "var"}


def places(elaborated: Elaborated) -> dict[Path, Path]:
    """For each step by its path the place of its module, from attribute to attribute."""
    return dict(_places(elaborated.root.items, (), ()))


def owners(elaborated: Elaborated) -> Callable[[Path], str]:
    """What the spec calls what is at a place."""
    paths = {place: path for path, place in places(elaborated).items()}
    return lambda place: ".".join(paths.get(place, place))


def _places(
    items: Iterable[Trace], path: Path, place: Path, numbers: Iterator[int] | None = None
) -> Iterator[tuple[Path, Path]]:
    """`numbers` are those of the members, where `place` is a sequence's list."""
    for item in items:
        if is_again(item):
            continue  # its modules are in the place of the first
        inner, at = path, place
        if not item.shares_scope:
            if isinstance(item, OpTrace) and not TABLE[type(item.op)]:
                continue
            inner = child_path(path, item.name)
            at = child_path(place, item.name if numbers is None else str(next(numbers)))
            yield inner, at
        module = isinstance(item, CallTrace) and item.instance.block.form is Form.MODULE
        for part in item.parts:
            if item.shares_scope or module:
                yield from _places(part, inner, at)
            else:
                yield from _places(part, inner, (*at, "layers"), count())


def tensors(elaborated: Elaborated) -> Iterator[Placed]:
    """Every tensor of a network, in PyTorch's order of the steps."""
    found = places(elaborated)
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
