"""A chart of networks: what is drawn, and what had to be left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..api import Architecture, Source, opened
from ..catalogue import family
from ..errors import Diagnostic, SpecError, did_you_mean
from ..prose import visible
from ..table.fit import cut
from .point import Point
from .quantities import Quantity, quantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("family",)
LONG = 32  # columns of a name in a chart
MANY = 30  # networks, above which they are called by their names, which are shorter than titles


@dataclass
class Chart:
    """A drawn chart: `unnamed` points have no room for their name, `absent` networks no point."""

    figure: Figure
    points: tuple[Point, ...]
    unnamed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    axes: tuple[Quantity, ...] = field(default=())

    def notes(self) -> list[str]:
        """What is not in the chart, a sentence each."""
        found = []
        if self.absent:
            keys = " or ".join(axis.key for axis in self.axes)
            found.append(f"without {keys} to draw: {', '.join(self.absent)}")
        if self.unnamed:
            found.append(f"no room for the names of {', '.join(self.unnamed)}")
        return found


def plot(
    nets: Iterable[Architecture | Source],
    x: str = "macs",
    y: str = "parameters",
    color: str | None = None,
    log: bool | str = False,
) -> Figure:
    """Networks as points by two figures of their reports, as a matplotlib figure.

    `nets` are what `rescompile.load` gives, or paths and names of specs. `x` and `y` are "macs",
    "parameters", "activation_bytes" (bytes, float32, batch 1), "receptive_field_px" (pixels) or any
    other figure of a report's JSON. `color` is "family", the folder of the spec, or None; `log` is
    True for both axes, "x" or "y". Raises `SpecError`: for a name that is not known, where
    matplotlib is not installed, and where no network has both figures.
    """
    return chart(nets, x, y, color, log).figure


def chart(
    nets: Iterable[Architecture | Source],
    x: str = "macs",
    y: str = "parameters",
    color: str | None = None,
    log: bool | str = False,
) -> Chart:
    """As `plot`, with what could not be drawn."""
    axes = (quantity(x), quantity(y))
    if color is not None and color not in COLOURS:
        message, help = f"networks have no colour by '{color}'", did_you_mean(color, COLOURS)
        raise SpecError([Diagnostic("E005", message, help=help)])
    if log not in (True, False, "x", "y"):
        message, help = f"'{log}' is no axis to be logarithmic", 'log is True for both, "x" or "y"'
        raise SpecError([Diagnostic("E005", message, help=help)])
    logs = (log in (True, "x"), log in (True, "y"))
    _need_matplotlib()
    from .draw import draw

    several = list(dict.fromkeys(opened(nets)))
    points, absent = [], []
    titles = Counter(map(_title, several))
    for net in several:
        values = [axis.value(net) for axis in axes]
        if any(v is None or (log and v <= 0) for v, log in zip(values, logs, strict=True)):
            absent.append(net.name)
            continue
        label = _title(net) if titles[_title(net)] == 1 and len(several) <= MANY else net.name
        found = family(net.document.path, net.name)
        points.append(Point(net.name, cut(label, LONG), found, *(float(v or 0) for v in values)))
    if not points:
        message = f"there is nothing to draw: no network has {axes[0].key} and {axes[1].key}"
        help = "a logarithmic axis has no zero" if any(logs) else "choose other figures"
        raise SpecError([Diagnostic("E005", message, help=help)])
    figure, unnamed = draw(points, axes, color is not None, logs)
    return Chart(figure, tuple(points), tuple(unnamed), tuple(absent), axes)


def _title(net: Architecture) -> str:
    return visible(net.document.spec.title or net.name)


def _need_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        message = "matplotlib is not installed, which charts need"
        help = 'pip install "rescompile[plot]"'
        raise SpecError([Diagnostic("E004", message, help=help)]) from None
