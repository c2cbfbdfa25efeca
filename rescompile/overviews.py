"""Many networks in one table, a row each: filtered by an expression, sorted by a figure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .api import Architecture
from .catalogue import family
from .cost.report import columns, figures
from .errors import Diagnostic, SpecError, did_you_mean
from .expr.dims import Dim, Expr, ExprError, substitute
from .expr.dims import names as names_in
from .expr.parse import parse
from .prose import json_text
from .record import record
from .table import USUAL, Column, Row, Table, View

COSTS = ("layers", "parameters", "macs", "flops", "activation_bytes", "weights_bytes")
TOP1 = "top1"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


COLUMNS = (
    Column("name", "name", words=True, least=16),
    Column("family", "family", words=True, usual=False),
    Column("title", "title", words=True, least=16),
    *(column for column in columns("network") if column.key in COSTS),
    Column(TOP1, "top-1", _percent, exact=lambda value: "" if value is None else str(value)),
)
GIVE_WAY = ("weights_bytes", "activation_bytes", "flops", "family", "layers", TOP1, "title")
WORD = re.compile(r"\$?\b([A-Za-z_]\w*)\b")
OPERATORS = ("and", "or", "not", "if", "else", "min", "max", "int", "round", "ceil")


@record
class Overview:
    """Networks beside each other; see `CONVENTIONS` of rescompile.cost.cost for the units.

    `top1` is the best accuracy in percent that is printed for weights of the network, or None.
    """

    rows: tuple[Row, ...]

    @property
    def table(self) -> Table:
        return Table(COLUMNS, self.rows, GIVE_WAY)

    def text(self, view: View = USUAL) -> str:
        """An aligned table."""
        return "\n".join(self.table.text(view)) + "\n"

    def markdown(self, view: View = USUAL) -> str:
        """The same as GitHub's Markdown."""
        return "\n".join(self.table.markdown(view)) + "\n"

    def csv(self, view: View = USUAL) -> str:
        """A line for each network, exact."""
        return self.table.csv(view)

    def json(self) -> str:
        """A record for each network, exact."""
        return json_text([dict(row) for row in self.rows])

    def _repr_html_(self) -> str:
        return self.table.html(USUAL)


def overview(nets: Iterable[Architecture], sort: str = "", where: str = "") -> Overview:
    """A row for each network, in the order given or by the figure `sort`.

    With a minus before it the greatest comes first. `where` is an expression of the language over
    figures: "macs < 4e9 and parameters < 30e6"; it does not hold where it depends on a figure that
    a network does not have. Raises `SpecError` for a figure that is not known.
    """
    rows = [_row(net) for net in nets]
    if where:
        rows = [row for row, kept in zip(rows, _kept(rows, where), strict=True) if kept]
    if sort:
        key = _key(sort.lstrip("-"), [column.key for column in COLUMNS])
        absent = [row for row in rows if row[key] is None]  # stands last, whatever the order
        rows = [row for row in rows if row[key] is not None]
        rows.sort(key=lambda row: row[key], reverse=sort.startswith("-"))
        rows += absent
    return Overview(tuple(rows))


def _row(net: Architecture) -> dict[str, Any]:
    document = net.document
    said = {"name": net.name, "family": family(document.path), "title": document.spec.title}
    return {**said, **figures(net.report("network").total), TOP1: _top1(net)}


def _top1(net: Architecture) -> float | None:
    """The best that is printed; of a network that was changed for once nothing is."""
    found = () if net.document.is_changed else net.weights
    return max((one.top1 for one in found if one.top1 is not None), default=None)


def _key(wanted: str, known: list[str]) -> str:
    """The figure that a word means, in any case."""
    found = next((key for key in known if key.casefold() == wanted.strip().casefold()), None)
    if found is None:
        help = did_you_mean(wanted, known) or f"known: {', '.join(known)}"
        raise SpecError([Diagnostic("E005", f"there is no figure '{wanted}'", help=help)])
    return found


def _kept(rows: list[dict[str, Any]], where: str) -> list[bool]:
    """Whether the expression holds for each row."""
    known = [*figures_of(rows)]

    def meant(found: re.Match[str]) -> str:
        word = found[1]
        return word if word in OPERATORS else f"${_key(word, known)}"

    try:
        condition = parse(WORD.sub(meant, where))
        used = names_in(condition)
        return [_holds(condition, {name: row[name] for name in used}) for row in rows]
    except ExprError as error:
        message = f"`{where}` is no condition: {error}"
        help = error.help or "write one as `macs < 4e9 and parameters < 30e6`"
        raise SpecError([Diagnostic("E005", message, help=help)]) from None


def _holds(condition: Dim, values: dict[str, Any]) -> bool:
    """Whether a condition holds; what it asks for and is not there decides nothing."""
    known = {name: value for name, value in values.items() if value is not None}
    found = substitute(condition, known)
    return not isinstance(found, Expr) and bool(found)


def figures_of(rows: list[dict[str, Any]]) -> Iterable[str]:
    """The numbers by which rows may be chosen."""
    first = rows[0] if rows else {}
    return (key for key, value in first.items() if isinstance(value, int) or key == TOP1)
