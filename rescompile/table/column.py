"""A column of a table: its names, and how its values are written in each format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from ..record import record
from .numbers import rounded
from .plain import Cell

Row = Mapping[str, Any]
DIGITS = 4  # decimals of a share in CSV


def _no_role(value: Any) -> str:
    return ""


@record
class Column:
    """A column, which has the values of rows at its `key`; one that is absent is an empty cell.

    `key` is what JSON, CSV and `--columns` call it, `head` what stands above it, in Markdown `long`
    if that is given. `show` writes a value as text, `exact` in Markdown where that is not the same.
    Columns of `words` are flush left, and may be cut down to `least` columns of a terminal: at
    their end, or with `tail` at their start. A number is never cut; the head above may be, down to
    `least`. One that is not `usual` is there where it is asked for, and in CSV, one that is not
    `data` is not in CSV. `role` gives the part that a value plays, for its colour.
    """

    key: str
    head: str
    show: Callable[[Any], str] = str
    long: str = ""
    exact: Callable[[Any], str] | None = None
    words: bool = False
    least: int = 0
    tail: bool = False
    usual: bool = True
    data: bool = True
    role: Callable[[Any], str] = _no_role

    @property
    def names(self) -> tuple[str, ...]:
        """What it may be called where columns are chosen."""
        return (self.key, *(plain(head) for head in (self.head, self.long) if head))

    def text(self, row: Row) -> str:
        return self.show(row[self.key]) if self.key in row else ""

    def markdown(self, row: Row) -> str:
        write = self.exact or self.show
        return write(row[self.key]) if self.key in row else ""

    def cell(self, row: Row) -> Cell:
        """The value for a program: exact, a shape as "64x56x56", a share with four decimals."""
        return cell(row.get(self.key))


def plain(name: str) -> str:
    """A name as it is compared: "Not trainable" is "not_trainable"."""
    return name.strip().lower().replace(" ", "_")


def cell(value: object) -> Cell:
    """A value as a cell of CSV."""
    if isinstance(value, tuple):
        return "x".join(map(str, value))
    if isinstance(value, Fraction):
        return float(rounded(value, DIGITS))
    return value if isinstance(value, (int, float, str)) else None
