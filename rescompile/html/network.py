"""All that the page tells of one network."""

from __future__ import annotations

from ..api import Architecture
from ..claims.check import judged
from ..cost.report import Report
from ..record import record
from ..table import short
from .costs import VIEWS, Figure, View, totals, views
from .figure import Image, folded, paper
from .findings import Claims, Warned, claims, warnings
from .memory import Memory, memory
from .sources import Source, sources
from .tables import by, named


@record
class Section:
    """One network. `id` begins all its ids; `outer` and `inner` are the elements of its headings.

    `folds` where it is one of several; `open` says whether it is unfolded from the start.
    """

    id: str
    title: str
    about: str
    facts: tuple[tuple[str, tuple[str, ...]], ...]
    totals: tuple[Figure, ...]
    figure: Image
    paper: Image | None
    views: tuple[View, ...]
    memory: Memory
    claims: Claims | None
    warnings: tuple[Warned, ...]
    sources: tuple[Source, ...]
    folds: bool
    open: bool

    @property
    def outer(self) -> str:
        return "h3" if self.folds else "h2"

    @property
    def inner(self) -> str:
        return "h4" if self.folds else "h3"


def section(
    net: Architecture, reports: dict[str, Report], id: str, folds: bool = False, open: bool = True
) -> Section:
    """The section about a network, from its reports by stage, block and layer."""
    stages = reports["stage"]
    return Section(
        id=id,
        title=stages.title,
        about=f"{short(stages.total.parameters)} parameters, {short(stages.total.macs)} MACs",
        facts=facts(stages),
        totals=totals(stages),
        figure=folded(net, stages),
        paper=paper([net], [stages]),
        views=views(reports, id),
        memory=memory(stages, id),
        claims=claims(judged([net]), id),
        warnings=warnings(net.warnings()),
        sources=sources(net),
        folds=folds,
        open=open,
    )


def reports(net: Architecture) -> dict[str, Report]:
    """The reports that a section shows, by their view."""
    return {view: net.report(view) for view in VIEWS}


def facts(report: Report) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What identifies a network: terms, each with the lines of its description."""
    shapes = report.outputs or {"": report.output}
    outputs = tuple(f"{name} {by(shape)}".strip() for name, shape in shapes.items())
    found = (
        ("Source", (report.source,)),
        ("Spec", (report.spec,)),
        ("Inputs" if len(report.inputs) > 1 else "Input", (named(report.inputs),)),
        ("Outputs" if len(shapes) > 1 else "Output", outputs),
    )
    return tuple((term, lines) for term, lines in found if any(lines))
