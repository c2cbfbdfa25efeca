"""Table 6 of the paper with its figures beside ours, and whether the deeper network was worse."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean, stdev

from rescompile.api import open_spec

from .curves import NAMES, Results
from .recipe import FOUR

# Test error in percent, Table 6; of five trainings of 110 layers the best, and mean and spread.
# The paper draws plain networks in Fig. 6 and prints no figures of them.
PAPER = {
    "resnet20": "8.75",
    "resnet32": "7.51",
    "resnet44": "7.17",
    "resnet56": "6.97",
    "resnet110": "6.43 (6.61 ± 0.16)",
    "resnet1202": "7.93",
}


def markdown(results: Results) -> str:
    parts = [f"# Degradation at scale {results.scale.name}", results.about]
    if results.scale.name != "full":
        parts.append(
            "The paper's figures are of its full schedule on all of CIFAR-10: not to be compared "
            "with these, which are of less."
        )
    if results.unfinished:
        parts.append(f"Not finished: {', '.join(results.unfinished)}.")
    parts += ["## Table 6", _table_6(results)]
    if verdicts := _verdicts(results):
        parts += ["## Degradation, and the cure: training loss at the end", verdicts]
    return "\n\n".join(parts) + "\n"


def _table_6(results: Results) -> str:
    head = ("network", "layers", "parameters", "framework", "seeds", "test error (%)")
    rows: list[tuple[str, ...]] = [(*head, "the paper's", "training error (%)", "training loss")]
    for framework, network, curves in results.groups():
        ends = [curve.last for curve in curves]
        rows.append(
            (
                network,
                str(curves[0].layers),
                f"{open_spec(f'{network}_cifar').report('network').total.parameters:,}",
                NAMES[framework],
                str(len(ends)),
                spread((100 * end["test_error"] for end in ends), 1),
                PAPER.get(network, "-"),
                spread((100 * end["training_error"] for end in ends), 1),
                spread((end["training_loss"] for end in ends), 3),
            )
        )
    return _rows(rows)


def _verdicts(results: Results) -> str:
    """For each seed, whether depth harms the plain network and shortcuts mend it."""
    head = ("framework", "seed", *FOUR)
    rows: list[tuple[str, ...]] = [(*head, "plain56 above plain20", "resnet56 below plain56")]
    for framework in NAMES:
        loss = {
            (c.network, c.seed): c.last["training_loss"]
            for c in results.curves
            if c.framework == framework and results.is_finished(c)
        }
        for seed in sorted({seed for _, seed in loss}):
            four = [loss.get((network, seed)) for network in FOUR]
            if None in four:
                continue
            plain20, plain56, _, resnet56 = found = [x for x in four if x is not None]
            verdicts = ("yes" if plain56 > plain20 else "no", "yes" if resnet56 < plain56 else "no")
            rows.append((NAMES[framework], str(seed), *(f"{x:.3f}" for x in found), *verdicts))
    return _rows(rows) if len(rows) > 1 else ""


def spread(values: Iterable[float], digits: int) -> str:
    """Mean and, of several values, their standard deviation."""
    found = list(values)
    said = f"{mean(found):.{digits}f}"
    return f"{said} ± {stdev(found):.{digits}f}" if len(found) > 1 else said


def _rows(rows: Sequence[tuple[str, ...]]) -> str:
    rule = ("---",) * len(rows[0])
    return "\n".join(f"| {' | '.join(row)} |" for row in (rows[0], rule, *rows[1:]))
