"""Tables of the page as data: the templates arrange them, and the script sorts them.

A cell has the text that a reader sees; where that is no plain number, the number by which the
column sorts; and where it helps, how long a bar under it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from math import prod

from ..ops import Shape
from ..record import record
from ..table import rounded, short

NOTHING = "-"


@record
class Cell:
    """`small` is a second line; `key` sorts where `text` does not; `bar` is a share in percent."""

    text: str
    small: str = ""
    key: str = ""
    bar: str = ""
    link: str = ""
    mark: str = ""  # a class of the style sheet

    @property
    def attributes(self) -> tuple[tuple[str, str], ...]:
        """Those of its element."""
        found = (("data-key", self.key), ("class", self.mark))
        return tuple((name, value) for name, value in found if value)


@record
class Row:
    """The name of what the row is about, and the cells after it."""

    head: Cell
    cells: tuple[Cell, ...]


@record
class Table:
    """`columns` begins with the title of the rows' heads. `foot` are rows that are not sorted.

    `id` is unique on the page. `words` has text in all columns; the caption of a `quiet` one is
    heard and not seen, for it stands under a heading that says the same.
    """

    id: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    foot: tuple[Row, ...] = ()
    words: bool = False
    quiet: bool = False

    @property
    def mark(self) -> str:
        """Its classes."""
        return ("words" if self.words else "figures") + " quiet" * self.quiet


def number(value: int, most: int = 0) -> Cell:
    """An exact number; with `most`, a bar."""
    return Cell(f"{value:,}", bar=width(value, most), mark="" if value else "zero")


def size(value: int, most: int = 0) -> Cell:
    """Bytes, in three digits; the exact number sorts."""
    text = f"{short(value)}B" if value else "0"
    return Cell(text, key=str(value), bar=width(value, most), mark="" if value else "zero")


def percentage(value: int, whole: int) -> Cell:
    """A share in percent with two decimals."""
    return Cell(str(rounded(Fraction(100 * value, whole or 1), 2)), mark="" if value else "zero")


def shape(value: Shape) -> Cell:
    """A shape without the batch; it sorts by its elements."""
    return Cell(by(value), key=str(prod(value)))


def inputs(shapes: Mapping[str, Shape]) -> Cell:
    """The shapes of a network's inputs; they sort by all their elements."""
    return Cell(named(shapes), key=str(sum(map(prod, shapes.values()))))


def named(shapes: Mapping[str, Shape]) -> str:
    """An only shape, or several with their names."""
    only = len(shapes) == 1
    return ", ".join(by(s) if only else f"{name} {by(s)}" for name, s in shapes.items())


def pixels(value: tuple[float, ...] | None, none: str, key: str) -> Cell:
    """Extents in pixels, one number where they agree."""
    if value is None:
        return Cell(none, key=key)
    same, mean = len({*value}) == 1, prod(value) ** (1 / len(value))
    return Cell(f"{value[0]:g}" if same else by(value), key="" if same else f"{mean}")


def by(numbers: Iterable[float]) -> str:
    """Numbers as people write a size: "64 x 56 x 56", with the sign of multiplication."""
    return " \u00d7 ".join(f"{number:g}" if number % 1 else f"{number:.0f}" for number in numbers)


def width(value: int, most: int) -> str:
    """How long the bar of a value is, in percent of the longest; nothing without a bar."""
    if not value or not most:
        return ""
    return f"{rounded(Fraction(100 * value, most), 1)}%"
