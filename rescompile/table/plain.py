"""Tables that programs read: GitHub's Markdown, and comma-separated values."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from ..prose import markdown, visible

FORMULA = ("=", "+", "-", "@")  # what a spreadsheet takes for the start of one
Cell = str | int | float | None


def markdown_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[bool]
) -> list[str]:
    """A table of GitHub's Markdown; `left` tells which columns are flush left."""
    rule = ["---" if flush else "---:" for flush in left]
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
