"""Pictures of networks, as images that a page carries in itself."""

from __future__ import annotations

from collections.abc import Sequence

from ..api import Architecture
from ..cost.report import Report
from ..figure import figure
from ..markup import address
from ..record import record
from .tables import by, named

MANY = 200  # layers: a picture of more of them, one by one, is a scroll


@record
class Image:
    """The address of an image, and what it shows in words."""

    address: str
    words: str


def folded(net: Architecture, report: Report) -> Image:
    """The strip of stages with its panels; `report`, by stage, has the words."""
    return Image(address(net.figure().svg()), words(report))


def paper(nets: Sequence[Architecture], reports: Sequence[Report]) -> Image | None:
    """All layers of some networks side by side; None if there are too many of them."""
    if any(report.total.weighted_layers > MANY for report in reports):
        return None
    svg = figure([net.analysis for net in nets], "paper").svg()
    titles = " beside ".join(report.title for report in reports)
    return Image(address(svg), f"{titles}, layer by layer; the table of layers says the same.")


def words(report: Report) -> str:
    """The way of an image through the network, for those who do not see the figure."""
    steps = "; ".join(f"{row.name} ({row.what}) to {by(row.output)}" for row in report.rows)
    return f"{report.title}: from {named(report.inputs)}, {steps}."
