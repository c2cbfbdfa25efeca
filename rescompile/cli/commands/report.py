"""`rescompile report`: what a network costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

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
@guarded
@printed()
def command(spec: str, by: str, versus: str | None, printer: Printer) -> None:
    """Count parameters, multiply-adds and memory, exactly and without a framework.

    Where a table is too wide, columns give way in this order: not trainable, stride, field,
    weights, activations, FLOPs, layers, description, %, output, parameters, MACs. With --versus:
    rounded figures, their ratio, the figures themselves, the second first.
    """
    from ...api import open_spec

    net = open_spec(spec)
    if versus is None:
        made: Document = net.report(by)
    else:
        from ...compare.versus import versus as compare

        made = compare(net.analysis.elaborated, open_spec(versus).analysis.elaborated)
    printer(made)
