"""`rescompile report`: what a network costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..changes import Changes, changeable
from ..common import SpecType, guarded
from ..printed import Printer, printed

if TYPE_CHECKING:
    from ...table import Document


@click.command()
@click.argument("spec", type=SpecType(), metavar="SPEC")
@click.option(
    "--by",
    type=click.Choice(["network", "stage", "block", "layer"]),
    default="stage",
    show_default=True,
    help="What a row stands for.",
)
@click.option("--versus", type=SpecType(), metavar="SPEC", help="Compare with another network.")
@changeable()
@guarded
@printed()
def command(spec: str, by: str, versus: str | None, printer: Printer, changes: Changes) -> None:
    """Count parameters, multiply-adds and memory, exactly and without a framework.

    Where a table is too wide, columns give way in this order: not trainable, stride, field,
    weights, activations, FLOPs, layers, description, %, output, parameters, MACs. With --versus:
    rounded figures, their ratio, the figures themselves, the second first.
    """
    net = changes.open(spec)
    if versus is None:
        made: Document = net.report(by)
    else:
        from ...compare.versus import versus as compare

        made = compare(net.analysis.elaborated, changes.open(versus).analysis.elaborated)
    printer(made)
