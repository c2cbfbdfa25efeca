"""Several networks side by side, and one against another: costs, ratios, differences."""

from __future__ import annotations

from collections.abc import Sequence

from ..api import Architecture
from ..compare.diff import Diff
from ..compare.versus import EXACT, FIGURES, Ratio, Versus
from ..cost.report import Report, figures
from ..record import record
from ..table import percent, short
from .figure import Image, paper
from .tables import NOTHING, Cell, Row, Table, inputs, number, size

OVERVIEW = (
    "Network",
    "Parameters",
    "MACs",
    "Activations",
    "Peak of memory",
    "Weights",
    "Layers",
    "Input",
)
STAGES = {"parameters": "Parameters", "macs": "MACs", "activation_bytes": "Activations"}


@record
class Place:
    """The same changes in one or many places."""

    title: str
    lines: tuple[str, ...]


@record
class Pair:
    """A network against another: how much it costs relative to it, and what it does otherwise."""

    id: str
    title: str
    ratios: Table
    figure: Image | None
    order: str
    places: tuple[Place, ...]
    stages: Table | None


@record
class Comparison:
    """All networks in one table, and those that are compared by two."""

    table: Table
    pairs: tuple[Pair, ...]


def comparison(
    reports: Sequence[Report],
    links: Sequence[str],
    pairs: Sequence[tuple[Architecture, Architecture]],
) -> Comparison:
    """`links` lead to the networks, "" where there is none; of each pair, the first is the base."""
    made = tuple(pair(net, base, f"pair-{i}") for i, (base, net) in enumerate(pairs, 1))
    return Comparison(overview(reports, links), made)


def overview(reports: Sequence[Report], links: Sequence[str]) -> Table:
    """A row for each network, with bars that compare them."""
    totals = [figures(report.total) for report in reports]
    most = {key: max(total[key] for total in totals) for key in totals[0]}
    peak = max(report.peak.bytes for report in reports)
    rows = tuple(
        Row(
            Cell(report.title, report.spec, link=link),
            (
                number(total["parameters"], most["parameters"]),
                number(total["macs"], most["macs"]),
                size(total["activation_bytes"], most["activation_bytes"]),
                size(report.peak.bytes, peak),
                size(total["weights_bytes"]),
                number(total["layers"]),
                inputs(report.inputs),
            ),
        )
        for report, total, link in zip(reports, totals, links, strict=True)
    )
    return Table("overview", f"{len(rows)} networks compared", OVERVIEW, rows)


def pair(net: Architecture, base: Architecture, id: str) -> Pair:
    """`net` against `base`."""
    costs, changes = net.versus(base), base.diff(net)
    both = (base, net)
    first, second = costs.titles
    return Pair(
        id=id,
        title=f"{first} against {second}",
        ratios=_ratios(costs, f"{id}-ratios"),
        figure=paper(both, [one.report("network") for one in both]),
        order=f"From {second} to {first}:",
        places=tuple(
            Place(group.title() or "network", tuple(group.lines())) for group in changes.groups
        ),
        stages=_stages(changes, (second, first), f"{id}-stages") if changes.different else None,
    )


def _ratios(costs: Versus, id: str) -> Table:
    columns = ("Quantity", *costs.titles, "Ratio", "Rounded figures", "Their ratio")
    rows = tuple(map(_ratio, costs.ratios))
    return Table(id, f"{costs.titles[0]} relative to {costs.titles[1]}", columns, rows)


def _ratio(ratio: Ratio) -> Row:
    most = max(ratio.a, ratio.b)
    exact = NOTHING if ratio.exact is None else percent(ratio.exact, EXACT)
    rounded = NOTHING if ratio.of_figures is None else percent(ratio.of_figures, FIGURES)
    cells = (
        number(ratio.a, most),
        number(ratio.b, most),
        Cell(exact, key=str(float(ratio.exact or 0))),
        Cell(ratio.shown),
        Cell(rounded, key=str(float(ratio.of_figures or 0))),
    )
    return Row(Cell(ratio.label), cells)


def _stages(changes: Diff, titles: tuple[str, str], id: str) -> Table:
    """What changes by stage; stages that cost the same are left out."""
    columns = ("Stage", *(text for name in STAGES.values() for text in (name, "Change")))
    changed = [stage for stage in changes.stages if stage.a != stage.b]
    rows = [
        Row(Cell(stage.name), tuple(_changes(figures(stage.a), figures(stage.b))))
        for stage in (*changed, changes.total)
    ]
    caption = f"From {titles[0]} to {titles[1]}, by stage"
    return Table(id, caption, columns, tuple(rows[:-1]), (rows[-1],))


def _changes(a: dict[str, int], b: dict[str, int]) -> list[Cell]:
    cells = []
    for key in STAGES:
        change = b[key] - a[key]
        cells.append(size(b[key]) if key.endswith("bytes") else number(b[key]))
        unit = "B" if key.endswith("bytes") and change else ""
        cells.append(Cell(signed(change) + unit, key=str(change), mark="" if change else "zero"))
    return cells


def signed(change: int) -> str:
    """A change in three digits, with its sign: "+20.2 k"."""
    sign = {True: "+", False: "\u2212"}[change > 0] if change else ""
    return f"{sign}{short(abs(change))}"
