"""Weights in files: what a network's tensors are called there, and how they lie.

Between formats weights have one portable form, the one that runtimes exchange: the path of a tensor
in PyTorch's state dict, and an array in PyTorch's layout. A `Slot` ties that form to what a file
holds; `state_slots` are the slots of files in the portable form itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..ir.analysis import Analysis
from ..ir.structure import Path, child_path
from ..ir.trace import OpTrace, ResidualTrace, Trace, is_again
from ..ops import BatchNorm, Shape

COUNTER = "num_batches_tracked"  # PyTorch counts training steps here; no output depends on it


def _as_it_is(array: Any) -> Any:
    return array


@dataclass(frozen=True)
class Slot:
    """Where a file of some format keeps one tensor of a network.

    `name`, `kind` and `shape` are the file's; `kind` tells tensors apart that may have one shape
    (a scale, a shift). `portable` makes the file's array one in PyTorch's layout. A file may lack
    what is `optional`.
    """

    path: Path
    name: str
    kind: str
    shape: Shape
    portable: Callable[[Any], Any] = _as_it_is
    optional: bool = False


@dataclass(frozen=True)
class Stored:
    """A tensor as a file declares it; nothing but what has a place in a network is ever read.

    `type` is NumPy's name for the type of the array that `read` gives, in any byte order; `dtype`
    is the file's, where NumPy has no such type. `read` raises `BrokenFile`.
    """

    name: str
    kind: str
    shape: Shape
    type: str
    read: Callable[[], Any]
    dtype: str = ""

    @classmethod
    def of(cls, name: str, kind: str, array: Any, dtype: str = "") -> Stored:
        """A tensor that is in memory."""
        return cls(name, kind, array.shape, array.dtype.name, lambda: array, dtype)


def widened(halves: Any) -> Any:
    """Unsigned 16-bit integers, each a bfloat16, as the float32 of which it is the upper half."""
    return (halves.astype("<u4") << 16).view("<f4")


def leaf_of(name: str) -> str:
    """The kind of a tensor that PyTorch named: the last part of its name."""
    return name.rpartition(".")[2]


def state_slots(analysis: Analysis) -> list[Slot]:
    """The state dict of a network, in PyTorch's order, counters included as optional."""
    return list(_slots(analysis.elaborated.root.items, ()))


def _slots(items: tuple[Trace, ...], path: Path) -> Iterator[Slot]:
    for item in items:
        if is_again(item):
            continue  # its weights are there already
        if isinstance(item, OpTrace):
            yield from _of_layer(item, child_path(path, item.name))
            continue
        parts = item.parts
        if isinstance(item, ResidualTrace):  # modules are made before their shortcut is
            parts = (item.pre, item.branch, item.shortcut or ())
        for part in parts:
            yield from _slots(part, path if item.shares_scope else child_path(path, item.name))


def _of_layer(item: OpTrace, path: Path) -> Iterator[Slot]:
    shapes = {parameter.leaf: parameter.shape for parameter in item.op.parameters(item.x)}
    if isinstance(item.op, BatchNorm):
        shapes[COUNTER] = ()
    for leaf, shape in shapes.items():
        key = (*path, leaf) if leaf else path
        name = ".".join(key)
        yield Slot(key, name, leaf_of(name), shape, optional=leaf == COUNTER)
