"""Which tensor of a file is which tensor of a network: by name, or else by order and shape.

Nothing is guessed: a name that fits decides; what is left is matched in order only where as many
tensors of one kind and shape are left on both sides; what is left then is an error. What may start
afresh or be adapted instead is asked for by a `Fitting`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..emit.weights import COUNTER, Slot, Stored
from ..errors import Diagnostic, did_you_mean
from ..ir.structure import Path
from ..ops import Shape
from .fitting import PLAIN, Fitting
from .names import Renames, beginnings, is_under, listed, printable, renamed, shown

FLOATS = ("float16", "float32", "float64")  # the types that every format and framework has
INTEGERS = ("int8", "int16", "int32", "int64")
AFRESH = "`--skip NAME` starts any layer afresh, `--new-head` the head"


@dataclass
class Match:
    """The weights by path in PyTorch's layout, and what to say about how they were found.

    `by_order` pairs a name of the file with that of the network; `problems` are errors. `fresh` are
    the tensors without a value, each with the shape that the file has instead, if any; `adapted`
    are those of other input channels, with their counts; `left_out` is what was not read.
    """

    weights: dict[Path, Any] = field(default_factory=dict)
    by_order: list[tuple[str, str]] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    misfits: list[str] = field(default_factory=list)
    converted: Counter[tuple[str, str]] = field(default_factory=Counter)
    fresh: dict[str, str] = field(default_factory=dict)
    adapted: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def take(self, slot: Slot, stored: Stored, how: Fitting) -> None:
        """Put a tensor into its place, in PyTorch's layout."""
        if stored.type not in (INTEGERS if slot.kind == COUNTER else FLOATS):
            self.misfits.append(f"'{stored.name}' is of type {stored.dtype or stored.type}")
        elif stored.shape == slot.shape:
            self._keep(slot, stored, stored.read())
        elif how.starts_afresh(slot):
            self.fresh[_name(slot)] = shown(stored.shape)
        elif (made := how.adapted(slot, stored)) is not None:
            self._keep(slot, stored, made[0])
            self.adapted.append(f"{_name(slot)}: {made[1]}")
        else:
            wanted = shown(slot.shape)
            wanted += f" as '{slot.name}' is" if slot.name != stored.name else ""
            self.misfits.append(f"'{stored.name}' is {shown(stored.shape)}, not {wanted}")

    def _keep(self, slot: Slot, stored: Stored, array: Any) -> None:
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        self.weights[slot.path] = slot.portable(native)
        if stored.dtype:
            self.converted[stored.dtype, stored.type] += 1


def _name(slot: Slot) -> str:
    return ".".join(slot.path)


def match(
    slots: Sequence[Slot], stored: Sequence[Stored], how: Fitting = PLAIN, ordered: bool = True
) -> Match:
    """Match tensors of a file with the slots of a network.

    Renames are applied to the file's names one after the other. `ordered` says that the file keeps
    the order of its tensors; without it a tensor must be the only one of its kind and shape.
    """
    made = Match()
    items = _rename(stored, how.renames, made)
    if made.problems:
        return made
    slots, items = _skip(slots, items, stored, how, made)
    places = {slot.name: slot for slot in slots}
    rest: list[Stored] = []
    for item in items:
        slot = places.pop(item.name, None)
        if slot is not None:
            made.take(slot, item, how)
        elif is_under(item.name, how.ignore):
            made.left_out.append(item.name)
        else:
            rest.append(item)
    _match_in_order(list(places.values()), rest, ordered, made, how)
    if made.misfits:
        message = f"{_count(made.misfits, 'is', 'are')} not what the network has"
        help = (
            "weights are of type float16, float32 or float64, in the shapes of the same network; "
            f"{AFRESH}, and fits the first convolution to other channels"
        )
        made.problems.append(Diagnostic("E303", message, help=help, notes=listed(made.misfits)))
    if (how.skip or how.new_head) and not (made.weights or made.problems):
        message = "nothing of the file is left to convert"
        made.problems.append(Diagnostic("E304", message, help="skip less"))
    return made


def _rename(stored: Sequence[Stored], renames: Renames, made: Match) -> list[Stored]:
    names = [item.name for item in stored]
    for old, new in renames:
        changed = [renamed(name, old, new) for name in names]
        if changed == names:
            message = f"`--rename {old}={new}` renames nothing"
            help = did_you_mean(old, beginnings(names))
            made.problems.append(Diagnostic("E304", message, help=help))
        names = changed
    for name, count in Counter(names).items():
        if count > 1:
            message = f"{count} tensors of the file are called '{printable(name)}'"
            made.problems.append(Diagnostic("E304", message, help="rename one of them"))
    return [replace(item, name=name) for item, name in zip(stored, names, strict=True)]


def _skip(
    slots: Sequence[Slot],
    items: Sequence[Stored],
    stored: Sequence[Stored],
    how: Fitting,
    made: Match,
) -> tuple[list[Slot], list[Stored]]:
    """What is left of both sides, and a problem for each skip that skips nothing.

    A skip names tensors as the file has them, before or after renames, or as the network has.
    """
    names = [(old.name, new.name) for old, new in zip(stored, items, strict=True)]
    gone = {slot.name for slot in slots if is_under(_name(slot), how.skip)}
    gone |= {both[1] for both in names if any(is_under(name, how.skip) for name in both)}
    every = {*map(_name, slots), *(name for both in names for name in both)}
    made.problems.extend(_idle_skips(how.skip, every))
    own = {slot.name for slot in slots}
    made.left_out.extend(item.name for item in items if item.name in gone - own)
    made.fresh.update((_name(s), "") for s in slots if s.name in gone and not s.optional)
    return (
        [slot for slot in slots if slot.name not in gone],
        [item for item in items if item.name not in gone],
    )


def _idle_skips(skips: Iterable[str], every: set[str]) -> Iterator[Diagnostic]:
    for skip in skips:
        if not any(is_under(name, [skip]) for name in every):
            help = did_you_mean(skip, beginnings(every))
            message = f"`--skip {skip}` skips nothing of the file and nothing of the network"
            yield Diagnostic("E304", message, help=help)


def _match_in_order(
    slots: list[Slot], stored: list[Stored], ordered: bool, made: Match, how: Fitting
) -> None:
    pairs = _pairs(slots, stored, ordered)
    for slot in slots:
        if slot.name in pairs:
            made.take(*pairs[slot.name], how)
            made.by_order.append((pairs[slot.name][1].name, slot.name))
    taken = {id(item) for _, item in pairs.values()}
    rest = [slot for slot in slots if slot.name not in pairs and not slot.optional]
    made.fresh.update((_name(slot), "") for slot in rest if how.starts_afresh(slot))
    _left_over(
        [slot for slot in rest if not how.starts_afresh(slot)],
        [item for item in stored if id(item) not in taken],
        ordered,
        made,
    )


def _pairs(
    slots: list[Slot], stored: list[Stored], ordered: bool
) -> dict[str, tuple[Slot, Stored]]:
    """What fits by kind and shape, where there are as many on both sides."""
    kinds = {slot.kind for slot in slots}
    known = all(item.kind in kinds for item in stored)

    def key(kind: str, shape: Shape) -> Hashable:
        return (kind, shape) if known else shape

    places = _grouped((key(slot.kind, slot.shape), slot) for slot in slots)
    found = _grouped((key(item.kind, item.shape), item) for item in stored)
    pairs: dict[str, tuple[Slot, Stored]] = {}
    for group, items in found.items():
        wanted = places.get(group, [])
        if len(items) == len(wanted) and (ordered or len(items) == 1):
            pairs.update({s.name: (s, i) for s, i in zip(wanted, items, strict=True)})
    return pairs


def _grouped(items: Iterable[tuple[Hashable, Any]]) -> dict[Hashable, list[Any]]:
    groups: dict[Hashable, list[Any]] = {}
    for key, item in items:
        groups.setdefault(key, []).append(item)
    return groups


def _left_over(slots: list[Slot], stored: list[Stored], ordered: bool, made: Match) -> None:
    help = "name them by `--rename OLD=NEW`, once for each name or prefix"
    if stored and slots and not ordered:
        help += "; this format keeps no order of its tensors, by which to match them"
    if stored:
        names = [f"'{item.name}' {shown(item.shape)}" for item in stored]
        message = f"{_count(names, 'of the file has', 'of the file have')} no place in the network"
        more = f"{help}; `--skip NAME` leaves them out"
        made.problems.append(Diagnostic("E305", message, help=more, notes=listed(names)))
    if slots:
        names = [f"'{slot.name}' {shown(slot.shape)}" for slot in slots]
        message = f"{_count(names, 'of the network is', 'of the network are')} not in the file"
        more = f"{help}; {AFRESH}"
        made.problems.append(Diagnostic("E306", message, help=more, notes=listed(names)))


def _count(names: list[str], one: str, many: str) -> str:
    return f"a tensor {one}" if len(names) == 1 else f"{len(names)} tensors {many}"
