"""Operations as constructors of modules: the table of a target that has modules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ...ops import Op
from ...record import record
from ..layout import Call, Code, Keyword
from ..table import Constructor, Render, by_kind


@record
class Site:
    """Where an op stands: channels that enter it, rank of its input, whether it may be in place.

    A vector has the rank 1, a map one more than it has axes.
    """

    channels: str
    rank: int
    in_place: bool
    dim: Render


@record
class Module(Constructor):
    """A module and what it wants.

    `ranks` are those of its input, where it is for some; `last` tells that the channels stand last
    there, `own` that emitted files define it. By the argument `inplace`, if it has such a one, it
    overwrites its input.
    """

    ranks: tuple[int, ...] = ()
    last: bool = False
    inplace: str = ""
    own: bool = False

    def serves(self, op: Op, rank: int) -> bool:
        """Whether it is the op, on an input of a rank, with all that no argument says."""
        there = not self.ranks or rank in self.ranks
        implied = all(getattr(op, name) == value for name, value in self.implied)
        return there and implied and self.fits(op)

    def call(self, op: Op, site: Site, library: str) -> Code:
        """The op as a call of it; `library` has what files do not define themselves."""
        args = self.write(op, site.dim, site.channels)
        if self.inplace and site.in_place:
            args = (*args, Keyword(self.inplace, "True"))
        return Call(self.name if self.own else f"{library}.{self.name}", args)


def serving(rows: Iterable[Module], op: Op, rank: int) -> Module:
    """The first row that serves an op where channels stand first, or last if it says so."""
    last = getattr(op, "positions", False)
    return next(row for row in rows if row.last >= last and row.serves(op, rank))


Writes = Callable[[Any, Site], Code]  # an op as source


def writers(table: Iterable[Module], library: str) -> dict[type[Op], Writes]:
    """For each op of a table what writes it, as the first module that serves."""
    kinds = by_kind(table)

    def write(op: Op, site: Site) -> Code:
        return serving(kinds[type(op)], op, site.rank).call(op, site, library)

    return dict.fromkeys(kinds, write)
