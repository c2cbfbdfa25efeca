"""What a network costs, as tables by stage, block and layer, and as a few figures above them."""

from __future__ import annotations

from itertools import repeat

from ..cost.breakdown import Row as Part
from ..cost.report import Report
from ..record import record
from ..table import short
from .tables import NOTHING, Cell, Row, Table, by, number, percentage, pixels, shape, size

COLUMNS = (
    "Output",
    "Layers",
    "Parameters",
    "MACs",
    "MACs %",
    "Activations",
    "Field",
    "Stride",
)
ALIVE = "Alive"
VIEWS = {"stage": "By stage", "block": "By block", "layer": "By layer"}
OPEN = 60  # rows of a table that may stand open from the start


@record
class Figure:
    """A figure that is told at the top: short, exactly, and what else there is to say."""

    name: str
    short: str
    exact: str = ""
    about: str = ""


@record
class View:
    """A table of costs, folded or not."""

    title: str
    count: str
    table: Table
    open: bool


def totals(report: Report) -> tuple[Figure, ...]:
    """The figures of a whole network."""
    total, peak = report.total, report.peak
    other = f"and {total.other_parameters:,} running statistics" if total.other_parameters else ""
    weighted = f"{total.weighted_layers:,} with weights in all"
    at = f"at {'.'.join(peak.path)}" if peak.path else ""
    return (
        Figure("Parameters", short(total.parameters), f"{total.parameters:,}", other),
        Figure("MACs", short(total.macs), f"{total.macs:,}", "in convolutions and linear layers"),
        Figure("FLOPs", short(total.flops), f"{total.flops:,}", "2 x MACs"),
        Figure("Depth", f"{total.layers:,} layers", about=weighted),
        _bytes("Peak of memory", peak.bytes, at),
        _bytes("Activations", total.activation_bytes, "the outputs of all steps together"),
        _bytes("Weights", total.weights_bytes, "in float32"),
        _reach(report),
    )


def _bytes(name: str, value: int, about: str) -> Figure:
    return Figure(name, f"{short(value)}B", f"{value:,} bytes", about)


def _reach(report: Report) -> Figure:
    """The receptive field at the end of the last row that does not see the whole image."""
    found = [(row.field.size, row.name) for row in report.rows]
    last = next(((seen, name) for seen, name in reversed(found) if seen), None)
    if last is None:
        return Figure("Receptive field", "full", about="from the first row on")
    seen, name = last
    text = f"{seen[0]:,} px" if len({*seen}) == 1 else f"{by(seen)} px"
    full = "; full after it" if found[-1][0] is None else ""
    return Figure("Receptive field", text, about=f"of {name}{full}")


def views(reports: dict[str, Report], prefix: str) -> tuple[View, ...]:
    """The tables by stage, block and layer; of those, what is long is folded."""
    made = []
    for view, title in VIEWS.items():
        report = reports[view]
        count = f"{len(report.rows):,} row{'s' * (len(report.rows) != 1)}"
        table = cost_table(report, f"{prefix}-{view}", title)
        made.append(View(title, count, table, view == "stage" and len(report.rows) <= OPEN))
    return tuple(made)


def cost_table(report: Report, id: str, title: str) -> Table:
    """A row for each part of a network, with its total; of layers, what is alive at each as well.

    Bars compare the rows of a column.
    """
    course = report.peak.course if report.by == "layer" else ()
    most = {
        name: max((getattr(row.cost, name) for row in report.rows), default=0)
        for name in ("parameters", "macs", "activation_bytes")
    }
    alive = course or repeat(None)
    rows = tuple(
        _row(row, report, most, step) for row, step in zip(report.rows, alive, strict=bool(course))
    )
    columns = (report.by.capitalize(), *COLUMNS)
    return Table(
        id,
        f"{report.title}, {title.lower()}",
        (*columns, ALIVE) if course else columns,
        rows,
        (_total(report, bool(course)),),
        quiet=True,
    )


def _row(row: Part, report: Report, most: dict[str, int], alive: int | None) -> Row:
    cost = row.cost
    cells = [
        shape(row.output),
        number(cost.layers),
        number(cost.parameters, most["parameters"]),
        number(cost.macs, most["macs"]),
        percentage(cost.macs, report.total.macs),
        size(cost.activation_bytes, most["activation_bytes"]),
        pixels(row.field.size, "full", "Infinity"),
        pixels(row.stride, NOTHING, "Infinity"),
    ]
    if alive is not None:
        cells.append(size(alive, report.peak.bytes))
    return Row(Cell(row.name, row.what), tuple(cells))


def _total(report: Report, alive: bool) -> Row:
    total, empty = report.total, Cell("")
    cells = (
        empty,
        number(total.layers),
        number(total.parameters),
        number(total.macs),
        percentage(total.macs, total.macs),
        size(total.activation_bytes),
        empty,
        empty,
    )
    peak = (size(report.peak.bytes),) if alive else ()
    return Row(Cell("Total"), (*cells, *peak))
