"""The picture of a network, as an image that a page carries in itself."""

from __future__ import annotations

from ..api import Architecture
from ..cost.report import Report
from ..markup import address
from ..record import record
from .tables import by


@record
class Image:
    """The address of an image, and what it shows in words."""

    address: str
    words: str


def figure(net: Architecture, report: Report) -> Image:
    """The folded figure of a network; `report` is by stage and gives the words."""
    return Image(address(drawn(net)), words(report))


def drawn(net: Architecture) -> str:
    """The figure as SVG. A placeholder until there are figures."""
    text = f"<text x='20' y='44' font-size='20' fill='gray'>figure of {net.name}</text>"
    return f"<svg xmlns='http://www.w3.org/2000/svg' width='640' height='80'>{text}</svg>"


def words(report: Report) -> str:
    """The way of an image through the network, for those who do not see the figure."""
    steps = "; ".join(f"{row.name} ({row.what}) to {by(row.output)}" for row in report.rows)
    return f"{report.title}: from {by(report.input)}, {steps}."
