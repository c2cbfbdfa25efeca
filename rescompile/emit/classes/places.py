"""Where the modules of a network are in its model, from attribute to attribute.

A target whose sequences number their members, or list them in an attribute, has other places than
the spec has paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from ...ir.structure import Form, Path, child_path
from ...ir.trace import CallTrace, Elaborated, OpTrace, Trace, is_again
from .syntax import Syntax


def places(elaborated: Elaborated, syntax: type[Syntax]) -> dict[Path, Path]:
    """For each step by its path the place of its module."""
    return dict(_places(syntax, elaborated.root.items, (), ()))


def _places(
    syntax: type[Syntax],
    items: Iterable[Trace],
    path: Path,
    place: Path,
    numbers: Iterator[int] | None = None,
) -> Iterator[tuple[Path, Path]]:
    """`numbers` are those of the members, where `place` is a sequence that gives them no names."""
    for item in items:
        if is_again(item) or (isinstance(item, OpTrace) and isinstance(item.op, syntax.silent)):
            continue  # its modules are those of the first, or there are none
        inner, at, inside = path, place, None
        if not item.shares_scope:
            inner = child_path(path, item.name)
            at = child_path(place, item.name if numbers is None else str(next(numbers)))
            yield inner, at
            if not (isinstance(item, CallTrace) and item.instance.block.form is Form.MODULE):
                at = (*at, syntax.holds) if syntax.holds else at
                inside = None if syntax.named else count()
        for part in item.parts:
            yield from _places(syntax, part, inner, at, inside)
