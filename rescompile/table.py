"""Numbers and tables as text: exact figures, aligned columns, Markdown, CSV, JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from .prose import columns, markdown, pad, visible

UNITS = (("T", 10**12), ("G", 10**9), ("M", 10**6), ("k", 10**3))
FORMULA = ("=", "+", "-", "@")  # what a spreadsheet takes for the start of one
Cell = str | int | float | None


class Document(Protocol):
    """Something that is shown in every format; each ends with a newline."""

    def text(self) -> str: ...
    def markdown(self) -> str: ...
    def json(self) -> str: ...
    def csv(self) -> str: ...


FORMATS: dict[str, Callable[[Document], str]] = {
    "text": lambda document: document.text(),
    "markdown": lambda document: document.markdown(),
    "json": lambda document: document.json(),
    "csv": lambda document: document.csv(),
}


def rounded(value: Fraction, digits: int) -> Decimal:
    """`value`, which is not negative, with `digits` decimals, halves up; computed exactly."""
    scaled = (2 * value.numerator * 10**digits + value.denominator) // (2 * value.denominator)
    return Decimal((0, tuple(map(int, str(scaled))), -digits))


def percent(percentage: Fraction, digits: int) -> str:
    """A percentage with `digits` decimals: "18.56 %"."""
    return f"{rounded(percentage, digits)} %"


def unit_of(value: int) -> tuple[str, int]:
    """The largest unit of which `value` has at least one, rounded to three digits."""
    return next((u for u in UNITS if 2000 * value >= 1999 * u[1]), ("", 1))


def short(value: int) -> str:
    """Three significant digits and a decimal unit: "3.66 G", "854 k"."""
    unit, scale = unit_of(value)
    if scale == 1:
        return str(value)
    figure = Fraction(value, scale)
    return f"{rounded(figure, max(0, 3 - len(str(int(figure)))))} {unit}"


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Columns two spaces apart, under a rule; the first `left` are flush left."""
    lines = [[visible(cell) for cell in line] for line in (head, *rows)]
    widths = [max(columns(line[i]) for line in lines) for i in range(len(head))]
    shown = []
    for line in lines:
        cells = [
            pad(cell, width, right=i >= left)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        shown.append("  ".join(cells).rstrip())
    return [shown[0], "  ".join("-" * width for width in widths), *shown[1:]]


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """A table of GitHub's Markdown."""
    rule = ["---" if i < left else "---:" for i in range(len(head))]
    lines = [list(map(markdown, head)), rule, *(list(map(markdown, row)) for row in rows)]
    return ["| " + " | ".join(line) + " |" for line in lines]


def csv_table(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Comma-separated values, one header line; no cell is a formula to a spreadsheet."""
    target = io.StringIO()
    lines = ([_cell(cell) for cell in line] for line in (head, *rows))
    csv.writer(target, lineterminator="\n").writerows(lines)
    return target.getvalue()


def _cell(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return cell
    return visible(f"'{cell}" if cell.startswith(FORMULA) else cell)
