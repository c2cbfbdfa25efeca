"""A network in a chart."""

from __future__ import annotations

from ..record import record


@record
class Point:
    """A network at its place: both figures in units, bytes or pixels of the input."""

    name: str
    label: str
    family: str
    x: float
    y: float
