"""A table: columns over rows, as text that fits, as Markdown, HTML and comma-separated values."""

from __future__ import annotations

from collections.abc import Sequence

from .. import markup
from ..errors import Diagnostic, SpecError, did_you_mean
from ..prose import columns as columns_of
from ..prose import pad, visible
from ..record import record
from .column import Column, Row, plain
from .fit import GAP, cut, fit
from .plain import csv_table, markdown_table
from .view import View, wrapped


@record
class Table:
    """Rows under `columns`, the first of which names them.

    `gives_way` are keys of columns in the order in which they leave a text that is too wide. Rows
    of the `foot`, totals say, are not in CSV.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    gives_way: tuple[str, ...]
    foot: tuple[Row, ...] = ()

    def text(self, view: View) -> list[str]:
        """Aligned lines under a rule, and under them which columns had no room.

        Columns that are asked for by name do not give way. Raises `SpecError` for one that is
        not known.
        """
        asked = self.chosen(view)
        shown, widths = self._fitted(asked, view)
        lines = [_line([column.head for column in shown], shown, widths, view, "head")]
        lines.append(view.style((" " * GAP).join("-" * width for width in widths), "rule"))
        for row in self.rows:
            lines.append(_line([c.text(row) for c in shown], shown, widths, view, "", row))
        for row in self._feet(shown):
            lines.append(_line([c.text(row) for c in shown], shown, widths, view, "total"))
        return [*lines, *_left_out(asked, shown, view)]

    def markdown(self, view: View) -> list[str]:
        """A table of GitHub's Markdown. Raises `SpecError` for a column that is not known."""
        shown = self.chosen(view)
        rows = [[c.markdown(row) for c in shown] for row in (*self.rows, *self._feet(shown))]
        heads = [column.long or column.head for column in shown]
        return markdown_table(heads, rows, [column.words for column in shown])

    def html(self, view: View) -> str:
        """A table for a notebook. Raises `SpecError` for a column that is not known."""
        shown = self.chosen(view)
        rows = [[c.text(row) for c in shown] for row in (*self.rows, *self._feet(shown))]
        return markup.table([c.head for c in shown], rows, [c.words for c in shown])

    def csv(self, view: View) -> str:
        """Exact values under their keys, all columns unless some are chosen.

        Raises `SpecError` for a column that is not known.
        """
        shown = self.chosen(view) if view.columns else [c for c in self.columns if c.data]
        rows = [[column.cell(row) for column in shown] for row in self.rows]
        return csv_table([column.key for column in shown], rows)

    def chosen(self, view: View) -> list[Column]:
        """The columns that a view asks for. Raises `SpecError` for one that is not known."""
        if view.columns:
            return list(dict.fromkeys(self._named(name) for name in view.columns))
        return [column for column in self.columns if column.usual or view.wide]

    def _named(self, name: str) -> Column:
        wanted = plain(name)
        found = [column for column in self.columns if wanted == plain(column.key)]
        found = found or [column for column in self.columns if wanted in column.names]
        if len(found) == 1:
            return found[0]
        keys = [column.key for column in found or self.columns]
        if found:
            message, help = f"several columns are called '{name}'", f"say {' or '.join(keys)}"
        else:
            message, help = f"there is no column '{name}' in this table", did_you_mean(wanted, keys)
        raise SpecError([Diagnostic("E005", message, help=help)])

    def _feet(self, shown: Sequence[Column]) -> tuple[Row, ...]:
        """The rows below, where the column that names them is shown."""
        return self.foot if self.columns[0] in shown else ()

    def _fitted(self, asked: list[Column], view: View) -> tuple[list[Column], list[int]]:
        """The columns for which there is room, and their widths."""
        body = [[visible(c.text(row)) for c in asked] for row in (*self.rows, *self._feet(asked))]
        cells = [max((columns_of(line[i]) for line in body), default=0) for i in range(len(asked))]
        natural = [max(n, columns_of(visible(c.head))) for n, c in zip(cells, asked, strict=True)]
        if view.width is None or view.wide:
            return asked, natural
        least = [
            min(n, max(column.least, 0 if column.words else inside)) if column.least else n
            for column, inside, n in zip(asked, cells, natural, strict=True)
        ]
        places = {column.key: i for i, column in enumerate(asked)}
        leaving = [places[key] for key in self.gives_way if key in places and not view.columns]
        widths = fit(natural, least, leaving, view.width)
        if len(widths) == 1 and not view.columns:  # what names the rows, in what there is
            widths = {i: min(n, view.width) for i, n in widths.items()}
        return [asked[i] for i in widths], list(widths.values())


def _line(
    cells: Sequence[str],
    shown: Sequence[Column],
    widths: Sequence[int],
    view: View,
    role: str,
    row: Row | None = None,
) -> str:
    """One line, each cell as wide as its column, coloured by its role or that of its value."""
    fitted = [
        pad(cut(cell, width, column.tail), width, right=not column.words)
        for cell, column, width in zip(cells, shown, widths, strict=True)
    ]
    while fitted and not fitted[-1].strip():
        fitted.pop()
    if fitted:
        fitted[-1] = fitted[-1].rstrip()
    if row is None:
        return view.style((" " * GAP).join(fitted), role)
    parts = []
    for cell, column in zip(fitted, shown, strict=False):
        part = column.role(row[column.key]) if column.key in row else ""
        parts.append(view.style(cell, part) if part else cell)
    return (" " * GAP).join(parts)


def _left_out(asked: Sequence[Column], shown: Sequence[Column], view: View) -> list[str]:
    """Which columns had no room, and how to have them."""
    absent = [column for column in asked if column not in shown]
    if not absent:
        return []
    heads = [column.head for column in absent]
    names = [c.key if heads.count(c.head) > 1 else c.head for c in absent]
    said = f"no room for {', '.join(names)}: see --wide and --columns"
    return [view.style(line, "note") for line in wrapped(said, view)]
