"""The peak of memory: a curve of what is alive at each step, and what is alive at the highest."""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby

from ..cost.report import Report
from ..record import record
from ..table import rounded, short
from .tables import Cell, Row, Table, shape, size

COLUMNS = ("Value of", "Shape", "Memory")
HEIGHT = 100  # of the curve, in units of its own; a step is one unit wide


@record
class Memory:
    """A sentence, the outline of the curve with its view box, where the peak is, and the values."""

    sentence: str
    box: str
    curve: str
    step: str
    table: Table


def memory(report: Report, prefix: str) -> Memory:
    """What a reader wants to know of a network's peak of memory."""
    peak = report.peak
    most, steps = peak.bytes, len(peak.course)
    at = peak.course.index(most) if peak.course else 0
    name = ".".join(peak.path) or "the image"
    rows = tuple(
        Row(Cell(".".join(one.path) or "the image"), (shape(one.shape), size(one.bytes, most)))
        for one in peak.alive
    )
    return Memory(
        f"At most {short(most)}B ({most:,} bytes) are alive at once: at {name}, which is step "
        f"{at + 1:,} of {steps:,}.",
        f"0 0 {max(1, steps)} {HEIGHT}",
        outline(peak.course, most),
        f"{at + 0.5:g}",
        Table(f"{prefix}-alive", f"{report.title}, alive at {name}", COLUMNS, rows),
    )


def outline(course: tuple[int, ...], most: int) -> str:
    """The area under a curve in steps, as the path of an SVG; equal neighbours are one line."""
    path, x = f"M0 {HEIGHT}", 0
    for value, same in groupby(course):
        x += sum(1 for _ in same)
        y = HEIGHT - rounded(Fraction(HEIGHT * value, most or 1), 1)
        path += f"V{y.normalize():f}H{x}"
    return f"{path}V{HEIGHT}Z"
