"""Draws points with matplotlib: light, legible in print, and with names that stand apart.

Nothing of the user's settings enters: the same networks are the same drawing on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from .labels import Box, Mark, Place, places
from .point import Point
from .quantities import Quantity
from .style import FAMILY, INK, LEADER, ONE, PAPER, style, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

POINT = 72.0  # to the inch
RADIUS = 2.6  # of a point, in points
SIZES = {15: (6.4, 4.4), 45: (8.4, 6.0), inf: (13.0, 9.2)}  # in inches, by how many there are
SMALL = 6.0  # size of a name where there are more than MANY
MANY = 45
CLEAR = 1.3 * RADIUS  # from its middle to where a name may stand: diamonds are larger
ROOM = 1.7  # points around a name that stay free: sizes differ a little between renderers


@styled
def draw(
    points: Sequence[Point],
    axes: tuple[Quantity, Quantity],
    coloured: bool,
    logs: tuple[bool, bool],
) -> tuple[Figure, list[str]]:
    """The figure, and the names of the networks whose names it has no room for."""
    many = len(points)
    size = next(size for most, size in SIZES.items() if many <= most)
    figure = Figure(figsize=size, layout="constrained", facecolor=PAPER)
    FigureCanvasAgg(figure)
    ax = figure.add_subplot()
    families = list(dict.fromkeys(sorted(point.family for point in points)))
    for name in families if coloured else [None]:
        chosen = [point for point in points if name is None or point.family == name]
        colour, marker = style(families.index(name)) if name is not None else ONE
        ax.scatter(
            [point.x for point in chosen],
            [point.y for point in chosen],
            s=(2 * RADIUS) ** 2,
            c=colour,
            marker=marker,
            linewidths=0.4,
            edgecolors=PAPER,
            label=name,
            zorder=3,
        )
    for axis, quantity, log, values in (
        (ax.xaxis, axes[0], logs[0], [point.x for point in points]),
        (ax.yaxis, axes[1], logs[1], [point.y for point in points]),
    ):
        _scale(ax, axis, quantity, log, values)
    if coloured:
        _legend(ax, families)
    return figure, _name(figure, ax, points)


def _scale(ax: Axes, axis: Any, quantity: Quantity, log: bool, values: Sequence[float]) -> None:
    """Limits with room at the edges, ticks in one unit, and that unit beside what is drawn."""
    which, least, most = axis.axis_name, min(values), max(values)
    set_limits = ax.set_xlim if which == "x" else ax.set_ylim
    if log:
        (ax.set_xscale if which == "x" else ax.set_yscale)("log")
        ratio = most / least
        set_limits(least / max(ratio, 1.5) ** 0.05, most * max(ratio, 1.5) ** 0.07)
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if ratio < 300 else (1.0,)))
        axis.set_minor_formatter(NullFormatter())
    else:
        span = most - least or most or 1.0
        set_limits(least - 0.06 * span, most + 0.1 * span)
        axis.set_major_locator(MaxNLocator(nbins=7, steps=[1, 2, 2.5, 5, 10]))
    unit, scale = quantity.scale(most)
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / scale:,.6g}"))
    said = f"{quantity.title} ({unit})" if unit else quantity.title
    axis.set_label_text(said, color=INK)


def _legend(ax: Axes, families: Sequence[str]) -> None:
    legend = ax.legend(
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        frameon=False,
        title=FAMILY,
        alignment="left",
        handletextpad=0.3,
        borderaxespad=0.4,
    )
    for text in (legend.get_title(), *legend.get_texts()):
        text.set_parse_math(False)
        text.set_color(INK)


def _name(figure: Figure, ax: Axes, points: Sequence[Point]) -> list[str]:
    """Write the name of each point where there is room; tells those that have none."""
    figure.canvas.draw()  # lays the axes out
    figure.set_layout_engine("none")  # and there they stay
    unit = figure.dpi / POINT
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined,unused-ignore]
    texts, marks = [], []
    fontsize = SMALL if len(points) > MANY else None
    for point in points:
        text = ax.annotate(
            point.label,
            (point.x, point.y),
            color=INK,
            fontsize=fontsize,
            parse_math=False,
            zorder=4,
        )
        box = text.get_window_extent(renderer)
        x, y = ax.transData.transform((point.x, point.y)) / unit
        marks.append(Mark(x, y, box.width / unit + 2 * ROOM, box.height / unit + 2 * ROOM))
        texts.append(text)
    inside = ax.get_window_extent(renderer)
    frame = Box(inside.x0 / unit, inside.y0 / unit, inside.x1 / unit, inside.y1 / unit)
    unnamed = []
    for point, mark, text, place in zip(
        points, marks, texts, places(marks, frame, CLEAR), strict=True
    ):
        if place is None:
            unnamed.append(point.name)
            text.remove()
        else:
            _put(ax, point, mark, text, place)
    return unnamed


def _put(ax: Axes, point: Point, mark: Mark, text: Text, place: Place) -> None:
    """Set a name off its point by what its place is, and draw the line that leads there."""
    left, bottom = place.box.left + ROOM - mark.x, place.box.bottom + ROOM - mark.y
    text.set_verticalalignment("bottom")
    text.set_position((left, bottom))
    text.set_anncoords("offset points")  # type: ignore[attr-defined,unused-ignore]
    if place.line is None:
        return
    end_x, end_y = place.line[2:]
    ax.annotate(
        "",
        xy=(point.x, point.y),
        xytext=(end_x - mark.x, end_y - mark.y),
        textcoords="offset points",
        arrowprops={
            "arrowstyle": "-",
            "linewidth": 0.5,
            "color": LEADER,
            "shrinkA": 0,
            "shrinkB": RADIUS,
        },
        zorder=2,
    )
