"""Which tensor of a file is which tensor of a network: by name, or else by order and shape.

Nothing is guessed: a name that fits decides; what is left is matched in order only where as many
tensors of one kind and shape are left on both sides; what is left then is an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..emit.weights import COUNTER, Slot, Stored
from ..errors import Diagnostic, did_you_mean
from ..ir.structure import Path
from ..ops import Shape, show_shape
from ..prose import visible

NAMED = 20  # tensors that one message names
FLOATS = ("float16", "float32", "float64")  # the types that every format and framework has
INTEGERS = ("int8", "int16", "int32", "int64")
Renames = Sequence[tuple[str, str]]


@dataclass
class Match:
    """The weights by path in PyTorch's layout, and what to say about how they were found.

    `by_order` pairs a name of the file with that of the network; `problems` are errors.
    """

    weights: dict[Path, Any] = field(default_factory=dict)
    by_order: list[tuple[str, str]] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)
    misfits: list[str] = field(default_factory=list)
    converted: Counter[tuple[str, str]] = field(default_factory=Counter)

    def take(self, slot: Slot, stored: Stored) -> None:
        """Put a tensor into its place, in PyTorch's layout."""
        if stored.shape != slot.shape:
            wanted = _shape(slot.shape)
            wanted += f" as '{slot.name}' is" if slot.name != stored.name else ""
            self.misfits.append(f"'{stored.name}' is {_shape(stored.shape)}, not {wanted}")
        elif stored.type not in (INTEGERS if slot.kind == COUNTER else FLOATS):
            self.misfits.append(f"'{stored.name}' is of type {stored.dtype or stored.type}")
        else:
            array = stored.read()
            native = array.astype(array.dtype.newbyteorder("="), copy=False)
            self.weights[slot.path] = slot.portable(native)
            if stored.dtype:
                self.converted[stored.dtype, stored.type] += 1


def match(
    slots: Sequence[Slot], stored: Sequence[Stored], renames: Renames, ordered: bool
) -> Match:
    """Match tensors of a file with the slots of a network.

    `renames` are applied to the file's names one after the other. `ordered` says that the file
    keeps the order of its tensors; without it a tensor must be the only one of its kind and shape.
    """
    made = Match()
    renamed = _rename(stored, renames, made)
    if made.problems:
        return made
    places = {slot.name: slot for slot in slots}
    rest: list[Stored] = []
    for item in renamed:
        slot = places.pop(item.name, None)
        if slot is None:
            rest.append(item)
        else:
            made.take(slot, item)
    _match_in_order(list(places.values()), rest, ordered, made)
    if made.misfits:
        message = f"{_count(made.misfits, 'is', 'are')} not what the network has"
        help = "weights are of type float16, float32 or float64, in the shapes of the same network"
        made.problems.append(Diagnostic("E303", message, help=help, notes=_listed(made.misfits)))
    return made


def _rename(stored: Sequence[Stored], renames: Renames, made: Match) -> list[Stored]:
    names = [item.name for item in stored]
    for old, new in renames:
        changed = [_renamed(name, old, new) for name in names]
        if changed == names:
            message = f"`--rename {old}={new}` renames nothing"
            help = did_you_mean(old, _beginnings(names))
            made.problems.append(Diagnostic("E304", message, help=help))
        names = changed
    for name, count in Counter(names).items():
        if count > 1:
            message = f"{count} tensors of the file are called '{printable(name)}'"
            made.problems.append(Diagnostic("E304", message, help="rename one of them"))
    return [replace(item, name=name) for item, name in zip(stored, names, strict=True)]


def _beginnings(names: Iterable[str]) -> set[str]:
    """The names, and what a rename may take off their beginnings."""
    found: set[str] = set()
    for name in map(printable, names):
        while name and name not in found:
            found.add(name)
            name = name.rpartition(".")[0]
    return found


def _renamed(name: str, old: str, new: str) -> str:
    """`name` with `new` for `old`, where that is all of it or a prefix of whole parts."""
    if not name.startswith(old):
        return name
    rest = name[len(old) :]
    whole = not rest or old.endswith((".", "/", "_")) or rest.startswith((".", "/"))
    return new + rest if whole else name


def _match_in_order(slots: list[Slot], stored: list[Stored], ordered: bool, made: Match) -> None:
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
    for slot in slots:
        if slot.name in pairs:
            made.take(*pairs[slot.name])
            made.by_order.append((pairs[slot.name][1].name, slot.name))
    taken = {id(item) for _, item in pairs.values()}
    _left_over(
        [slot for slot in slots if slot.name not in pairs and not slot.optional],
        [item for item in stored if id(item) not in taken],
        ordered,
        made,
    )


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
        names = [f"'{item.name}' {_shape(item.shape)}" for item in stored]
        message = f"{_count(names, 'of the file has', 'of the file have')} no place in the network"
        made.problems.append(Diagnostic("E305", message, help=help, notes=_listed(names)))
    if slots:
        names = [f"'{slot.name}' {_shape(slot.shape)}" for slot in slots]
        message = f"{_count(names, 'of the network is', 'of the network are')} not in the file"
        made.problems.append(Diagnostic("E306", message, help=help, notes=_listed(names)))


def _count(names: list[str], one: str, many: str) -> str:
    return f"a tensor {one}" if len(names) == 1 else f"{len(names)} tensors {many}"


def _listed(names: list[str]) -> tuple[str, ...]:
    rest = len(names) - NAMED
    return (*map(printable, names[:NAMED]), *([f"and {rest} more"] if rest > 0 else []))


def printable(text: str, width: int = 200) -> str:
    """Text out of a file, fit for a terminal: controls as escapes, and no page of it."""
    plain = visible(text[: width + 1])
    return plain if len(plain) <= width else f"{plain[: width - 3]}..."


def _shape(shape: Shape) -> str:
    return show_shape(shape) if shape else "a single number"


def fold_names(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Pairs of names in a few lines, without what they share at their ends.

    Each line is what `--rename` takes, and how many tensors it names: "module.=  120 tensors".
    """
    folded = Counter(_without_common_end(*pair) for pair in pairs)
    return [
        f"{printable(old)}={new}  {n} tensor{'s' * (n > 1)}" for (old, new), n in folded.items()
    ]


def _without_common_end(old: str, new: str) -> tuple[str, str]:
    """Both names, up to where equal parts follow until the end."""
    shared = 0
    for i in range(1, min(len(old), len(new)) + 1):
        if old[-i] != new[-i]:
            break
        starts = all(len(name) == i or name[-i - 1] in "./" for name in (old, new))
        shared = i if starts else shared
    return old[: len(old) - shared], new[: len(new) - shared]
