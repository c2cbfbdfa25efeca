"""What is found in specs, warnings and errors alike: as diagnostics, and as a table for tools."""

from __future__ import annotations

from ..errors import Diagnostic, record, render
from ..prose import json_text
from ..record import record as frozen
from ..table import USUAL, Column, Table, View

COLUMNS = (
    Column("spec", "spec", words=True, least=12, tail=True),
    Column("severity", "severity", words=True),
    Column("code", "code", words=True),
    Column("message", "message", words=True, least=24),
    Column("file", "file", words=True, least=12, tail=True),
    Column("line", "line", lambda line: "" if line is None else str(line)),
    Column("column", "column", lambda column: "" if column is None else str(column)),
    Column("label", "label", words=True, least=12, usual=False),
    Column("help", "help", words=True, least=24),
)
GIVES_WAY = ("label", "column", "help", "severity", "file", "line", "message", "code")


@frozen
class Findings:
    """Diagnostics with the specs in which they were found, and how many specs were read."""

    found: tuple[tuple[str, Diagnostic], ...]
    specs: int

    def text(self, view: View = USUAL) -> str:
        """Each diagnostic with its place, once though several specs share it, and a summary.

        Columns that are asked for make it a table. Raises `SpecError` for one that is not known.
        """
        if view.is_chosen:
            return "\n".join([*self._table().text(view), "", self.summary]) + "\n"
        return "".join(f"{render(found)}\n\n" for found in self.distinct) + f"{self.summary}\n"

    def markdown(self, view: View = USUAL) -> str:
        """A table and a summary."""
        return "\n".join([*self._table().markdown(view), "", self.summary]) + "\n"

    def csv(self, view: View = USUAL) -> str:
        """A line for each finding in each spec."""
        return self._table().csv(view)

    def json(self) -> str:
        """The diagnostics as a list, each with its spec."""
        return json_text([{"spec": spec, **record(found)} for spec, found in self.found])

    @property
    def distinct(self) -> tuple[Diagnostic, ...]:
        """Each diagnostic once: what stands in a base is found in all that extend it."""
        return tuple(dict.fromkeys(found for _, found in self.found))

    @property
    def summary(self) -> str:
        """How many of each kind."""
        severities = [found.severity for found in self.distinct]
        counts = (_many(severities.count(word), word) for word in ("error", "warning"))
        said = ", ".join(count for count in counts if not count.startswith("0 "))
        return f"{said or 'no warnings'} in {_many(self.specs, 'spec')}"

    def _table(self) -> Table:
        rows = tuple({"spec": spec, **record(found)} for spec, found in self.found)
        return Table(COLUMNS, rows, GIVES_WAY)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"
