"""Names of tensors: renamed, under one another, folded into few lines, fit to be printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ..ops import Shape, show_shape
from ..prose import visible

NAMED = 20  # tensors that one message names
Renames = Sequence[tuple[str, str]]


def is_under(name: str, beginnings: Iterable[str]) -> bool:
    """Whether a name is one of these, or begins with one and goes on with a part of its own."""
    return any(rest_of(name, beginning) is not None for beginning in beginnings)


def rest_of(name: str, beginning: str) -> str | None:
    """What follows a beginning of whole parts, nothing where it is all of the name."""
    if not name.startswith(beginning):
        return None
    rest = name[len(beginning) :]
    whole = not rest or beginning.endswith((".", "/", "_")) or rest.startswith((".", "/"))
    return rest if whole else None


def renamed(name: str, old: str, new: str) -> str:
    """`name` with `new` for `old`, where that is all of it or a prefix of whole parts."""
    rest = rest_of(name, old)
    return name if rest is None else new + rest


def beginnings(names: Iterable[str]) -> set[str]:
    """The names, and what a rename may take off their beginnings."""
    found: set[str] = set()
    for name in map(printable, names):
        while name and name not in found:
            found.add(name)
            name = name.rpartition(".")[0]
    return found


def listed(names: Sequence[str]) -> tuple[str, ...]:
    """The first of some names, and how many more there are."""
    rest = len(names) - NAMED
    return (*map(printable, names[:NAMED]), *([f"and {rest} more"] if rest > 0 else []))


def printable(text: str, width: int = 200) -> str:
    """Text out of a file, fit for a terminal: controls as escapes, and no page of it."""
    plain = visible(text[: width + 1])
    return plain if len(plain) <= width else f"{plain[: width - 3]}..."


def shown(shape: Shape) -> str:
    """A tensor's shape."""
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
