"""Where two executions part: the first block, and in it the first layer, whose output differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..ir.structure import Path, path_of
from ..ir.trace import Trace, is_call, walk_traces
from ..reference import Array
from ..reference.deviation import Arrays, Deviation, deviations
from ..reference.weights import parameters
from .case import Case


@dataclass(frozen=True)
class Place:
    """A place of the network: `block` is empty for a layer that stands in none, and `layer` where
    none is known.

    `before` is the last layer that was seen to agree. `deviation` has both values.
    """

    block: str
    layer: str
    before: str
    deviation: Deviation


def locate_value(
    case: Case, wanted: Mapping[Path, Array], got: Arrays, bound: float
) -> Place | None:
    """The first intermediate value that differs, in the order of execution; None if none does.

    Only what both sides can tell is compared: layer lists differ where padding is fused.
    """
    calls = _calls(case.elaborated.root.items)
    before = ""
    for path, value in wanted.items():
        name = ".".join(path)
        if name not in got:
            continue
        mine = got[name]
        if mine.shape != value.shape and mine.size == value.size:
            mine = mine.reshape(value.shape)  # a pooled map of one pixel, or a vector
        found = deviations({name: mine}, {name: value})[name]
        if found.error > bound:
            return Place(block_of(path, calls), name, before, found)
        before = name
    return None


def in_order(case: Case, found: Mapping[str, Deviation], backward: bool) -> dict[str, Deviation]:
    """Deviations in the order of execution, or from the end; what is no tensor comes last."""
    names = [".".join(path) for path, _, _ in parameters(case.elaborated)]
    ordered = [name for name in names if name in found]
    ordered = ordered[::-1] if backward else ordered
    return {name: found[name] for name in [*ordered, *(found.keys() - set(ordered))]}


def locate_tensor(case: Case, found: Mapping[str, Deviation], bound: float) -> Place | None:
    """The first of some deviating tensors, in the order of `found`."""
    calls = _calls(case.elaborated.root.items)
    before = ""
    for name, deviation in found.items():
        if deviation.error > bound:
            path = path_of(name)
            return Place(block_of(path, calls), name, before, deviation)
        before = name
    return None


def block_of(path: Path, calls: Iterable[Path]) -> str:
    """The outermost block call that a path lies in: what the reader calls a block."""
    around = sorted((call for call in calls if path[: len(call)] == call), key=len)
    return ".".join(around[0]) if around else ""


def _calls(items: tuple[Trace, ...]) -> set[Path]:
    """The paths of the outermost block calls."""
    found = walk_traces(items, enter=lambda item: not is_call(item))
    return {path for path, item in found if is_call(item)}
