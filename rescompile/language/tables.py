"""Tables of steps, written out before anything else reads a file: a step for each row.

A table is read as papers print it, and means the steps that stand for its rows: every other part
of the compiler sees those, each value with the place of its cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..errors import Diagnostic, Location, did_you_mean
from ..record import record
from .types import NAME, is_expression
from .yaml import MAX_NODES, Item

TABLE = "table"
_COLUMN = re.compile(r"\$([A-Za-z][A-Za-z0-9_]*)")
Cells = dict[str, Item]


def written_out(root: Item, found: list[Diagnostic]) -> Item:
    """The tree of a file without tables; what is wrong with one goes to `found`.

    One that is no table at all is left, for the models to judge.
    """
    return _Writer(found).item(root)


@record
class _Table:
    """A table that can be written out; `step` is what each row stands for."""

    columns: dict[str, Item]
    rows: list[Item]
    step: Item
    at: Location


class _Writer:
    def __init__(self, found: list[Diagnostic]) -> None:
        self.found = found
        self.size = 0  # of what was written out

    def item(self, item: Item) -> Item:
        """An item with the tables inside of it written out."""
        if isinstance(item.value, dict):
            value = {key: self.item(inner) for key, inner in item.value.items()}
            return replace(item, value=value)
        if isinstance(item.value, list):
            made = (step for inner in item.value for step in self.element(inner))
            return replace(item, value=list(made))
        return item

    def element(self, item: Item) -> Iterator[Item]:
        """An element of a list: the steps of a table, or itself."""
        table = _read(item)
        if table is None:
            yield self.item(item)
            return
        known = len(self.found)
        self.check(table)
        if len(self.found) > known:
            return
        for number, row in enumerate(table.rows):
            made = self.row(table, row, number)
            if self.size > MAX_NODES:
                message = f"tables hold more than {MAX_NODES} values, rows written out"
                self.report("E102", message, row.at, "repeat a block with `repeat:` instead")
                return
            yield self.item(made)

    def check(self, table: _Table) -> None:
        """Report rows that do not fit, and columns that nothing reads."""
        width = len(table.columns)
        for row in table.rows:
            if len(row.value) != width:
                message = f"a row of {len(row.value)} cells, but the table has {width} columns"
                help = "give every column a cell; an empty one is `~`"
                self.report("E112", message, row.at, help)
        read = set(_names(table.step))
        is_call = "block" in {*table.step.value, *table.columns}
        for name, column in table.columns.items():
            if name in read:
                continue
            if name in table.step.value:
                help = f"write `${name}` where the cell is meant, or remove the column"
                message = f"the step has `{name}` itself, and does not read the column"
                self.report("E107", message, column.at, help)
            elif not is_call:
                help = did_you_mean(name, read) or f"write `${name}` in the step"
                message = f"nothing reads the column '{name}': the step calls no block"
                self.report("E107", message, column.at, help)

    def row(self, table: _Table, row: Item, number: int) -> Item:
        """The step of a row: what it says itself, and the cells that it does not read."""
        cells = dict(zip(table.columns, row.value, strict=True))
        made = self.filled(table.step, cells)
        assert made is not None, "a step is a mapping"
        read = set(_names(table.step))
        value = dict(made.value)
        for name, cell in cells.items():
            if name not in read and cell.value is not None:
                value[name] = replace(cell, key_at=table.columns[name].at)
        own = value.get("name")
        if own is not None and isinstance(own.value, str):
            called = own.value.replace("{i}", str(number)).replace("{n}", str(number + 1))
            value["name"] = replace(own, value=called)
        return Item(value, row.at)

    def filled(self, item: Item, cells: Cells) -> Item | None:
        """An item with cells for the names of their columns; None where it is an empty cell."""
        self.size += 1
        value: Any = item.value
        if isinstance(value, dict):
            inner = {key: self.filled(one, cells) for key, one in value.items()}
            return replace(item, value={key: one for key, one in inner.items() if one is not None})
        if isinstance(value, list):
            elements = (self.filled(one, cells) for one in value)
            return replace(item, value=[one for one in elements if one is not None])
        if not isinstance(value, str):
            return item
        whole = _COLUMN.fullmatch(value)
        if whole and whole[1] in cells:
            cell = cells[whole[1]]
            self.size += cell.size
            return None if cell.value is None else replace(cell, key_at=item.key_at)
        return replace(item, value=_COLUMN.sub(lambda name: self.spelt(name, cells), value))

    def spelt(self, name: re.Match[str], cells: Cells) -> str:
        """A cell inside of an expression."""
        cell = cells.get(name[1])
        if cell is None:
            return name[0]
        value = cell.value
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str) and is_expression(value):
            return f"({value})"
        if isinstance(value, (int, float)):
            return f"({value})" if value < 0 else repr(value)
        what = "an empty cell" if value is None else "this cell"
        message = f"{what} of the column '{name[1]}' is no number, which an expression asks for"
        self.report("E112", message, cell.at, "write a number, or an expression")
        return "1"

    def report(self, code: str, message: str, at: Location, help: str) -> None:
        self.found.append(Diagnostic(code, message, at, help=help))


def _read(item: Item) -> _Table | None:
    """The table that an element of a list is, if it is one."""
    if not isinstance(item.value, dict) or [*item.value] != [TABLE]:
        return None
    given = item.value[TABLE]
    if not isinstance(given.value, dict) or not {"columns", "rows"} <= given.value.keys():
        return None
    columns, rows = given.value["columns"].value, given.value["rows"].value
    step = given.value.get("step", Item({}, given.at))
    lists = isinstance(columns, list) and isinstance(rows, list) and isinstance(step.value, dict)
    if not lists or given.value.keys() - {"columns", "rows", "step"}:
        return None
    if not all(isinstance(row.value, list) for row in rows):
        return None
    names = [column.value for column in columns]
    if not all(isinstance(name, str) and NAME.match(name) for name in names):
        return None
    if not names or len(set(names)) < len(names) or not rows:
        return None
    return _Table({column.value: column for column in columns}, rows, step, item.at)


def _names(item: Item) -> Iterator[str]:
    """The names with a sigil in an item, however deep."""
    if isinstance(item.value, str):
        yield from _COLUMN.findall(item.value)
    elif isinstance(item.value, (dict, list)):
        for one in item.value.values() if isinstance(item.value, dict) else item.value:
            yield from _names(one)
