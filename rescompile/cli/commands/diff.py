"""`rescompile diff`: what two networks do differently."""

from __future__ import annotations

import sys

import click

from ..common import SpecType, guarded
from ..printed import Printer, printed


@click.command()
@click.argument("a", type=SpecType(), metavar="A")
@click.argument("b", type=SpecType(), metavar="B")
@click.option("--exit-code", is_flag=True, help="Exit 1 if there is a difference.")
@guarded
@printed()
def command(a: str, b: str, exit_code: bool, printer: Printer) -> None:
    """Show how network B differs from network A, and by how much in cost.

    What is compared is what they compute and what their weights are called, not the text of the
    specs; titles and sources do not count. Where the table is too wide, columns give way:
    activations, parameters, MACs, and the change of each before it.
    """
    from ...api import open_spec
    from ...compare.diff import diff

    made = diff(open_spec(a).analysis.elaborated, open_spec(b).analysis.elaborated)
    printer(made)
    if exit_code and made.different:
        sys.exit(1)
