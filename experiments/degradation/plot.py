"""The paper's Fig. 6 and Fig. 1, of both frameworks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rescompile.chart.save import save
from rescompile.chart.style import PAPER, style, styled

from .curves import NAMES, Curve, Results

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TRAINING: dict[str, Any] = {"linewidth": 0.9, "linestyle": (0, (3, 1.5))}  # thin and dashed
TEST: dict[str, Any] = {"linewidth": 2.0, "linestyle": "-"}  # bold
FRAMEWORK: dict[str, dict[str, Any]] = {
    "torch": {"linestyle": "-"},
    "keras": {"linestyle": (0, (1, 1))},
}
PLAIN = "plain"
FAMILIES = {"resnet": "residual", "preact_resnet": "pre-activation residual"}


def write(results: Results, folder: Path, formats: Sequence[str]) -> list[Path]:
    """Draw what there are results for."""
    figures = {"fig6": figure_6(results)}
    if any(curve.family == PLAIN for curve in results.curves):
        figures["fig1"] = figure_1(results)
    paths = []
    for name, figure in figures.items():
        for ending in formats:
            paths.append(folder / f"{name}.{ending}")
            save(figure, paths[-1])
    return paths


@styled
def figure_6(results: Results) -> Figure:
    """A column a family and a row a framework: training error dashed, test error bold."""
    families = list(dict.fromkeys(curve.family for curve in results.curves))
    frameworks = [name for name in NAMES if any(c.framework == name for c in results.curves)]
    note = "Training error thin and dashed, test error bold. "
    figure, axes = _axes(len(frameworks), len(families), results, note)
    for i, framework in enumerate(frameworks):
        for j, family in enumerate(families):
            ax = axes[i][j]
            ax.set_title(f"{FAMILIES.get(family, family)} networks, {NAMES[framework]}")
            for name, network, curves in results.groups():
                if name == framework and curves[0].family == family:
                    draw(ax, results, curves, "training_error", None, TRAINING)
                    draw(ax, results, curves, "test_error", network, TEST, marked=True)
    _legends(axes)
    return figure


@styled
def figure_1(results: Results) -> Figure:
    """Plain networks alone: training error on the left, test error on the right."""
    figure, axes = _axes(1, 2, results)
    for ax, key in zip(axes[0], ("training_error", "test_error"), strict=True):
        ax.set_title(key.replace("_", " "))
        for framework, network, curves in results.groups():
            if curves[0].family == PLAIN:
                label = f"{network}, {NAMES[framework]}"
                wide = {"linewidth": 1.6, **FRAMEWORK[framework]}
                draw(ax, results, curves, key, label, wide, marked=True)
    _legends(axes)
    return figure


def draw(
    ax: Axes,
    results: Results,
    curves: list[Curve],
    key: str,
    label: str | None,
    line: dict[str, Any],
    marked: bool = False,
) -> None:
    """The mean over the seeds, and what lies between the least and the most of them."""
    depths = sorted({curve.layers for curve in results.curves})
    colour, marker = style(depths.index(curves[0].layers))
    length = min(len(curve.records) for curve in curves)
    x = [record["iteration"] for record in curves[0].records[:length]]
    y = np.array([[100 * record[key] for record in c.records[:length]] for c in curves])
    if marked:
        line = {"marker": marker, "markersize": 4, "markevery": max(1, length // 8), **line}
    ax.plot(x, y.mean(axis=0), color=colour, label=label, **line)
    ax.fill_between(x, y.min(axis=0), y.max(axis=0), color=colour, alpha=0.15, linewidth=0)


def _axes(rows: int, columns: int, results: Results, note: str = "") -> tuple[Figure, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = (3.5 * columns, 2.7 * rows + 0.4)
    figure = Figure(figsize=size, layout="constrained", facecolor=PAPER)
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for ax in axes.flat:
        for drop in results.scale.drops:
            ax.axvline(drop, color="#bbbbbb", linewidth=0.7, linestyle=":")
        ax.tick_params(labelbottom=True, labelleft=True)
    for ax in axes[-1]:
        ax.set_xlabel("iterations")
    for ax in axes[:, 0]:
        ax.set_ylabel("error (%)")
    said = [results.about, f"{note}Bands: all seeds. Dotted lines: the rate is divided by ten."]
    figure.supxlabel("\n".join(said), fontsize=7, color="#555555")
    return figure, axes


def _legends(axes: Any) -> None:
    """At the upper right, with room above the curves for them."""
    lines = max(len(ax.legend(frameon=False, loc="upper right").get_texts()) for ax in axes.flat)
    first = axes[0][0]
    bottom, top = first.get_ylim()  # all share it
    ticks = [tick for tick in first.get_yticks() if bottom <= tick <= 100]
    first.set_ylim(bottom, bottom + (top - bottom) / (1 - 0.08 * lines))
    first.set_yticks(ticks)
