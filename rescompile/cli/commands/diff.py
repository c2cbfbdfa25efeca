"""`rescompile diff`: what two networks do differently."""

from __future__ import annotations

import sys

import click

from ..changes import Changes, changeable
from ..common import SpecType, guarded
from ..printed import Printer, printed


@click.command()
@click.argument("a", type=SpecType(), metavar="A")
@click.argument("b", type=SpecType(), metavar="B")
@click.option("--exit-code", is_flag=True, help="Exit 1 if there is a difference.")
@changeable()
@guarded
@printed()
def command(a: str, b: str, exit_code: bool, printer: Printer, changes: Changes) -> None:
    """Show how network B differs from network A, and by how much in cost.

    What is compared is what they compute and what their weights are called, not the text of the
    specs; titles and sources do not count. Changes are made to both. Where the table is too wide,
    columns give way: activations, parameters, MACs, and the change of each before it.
    """
    from ...compare.diff import diff

    made = diff(*(changes.open(spec).analysis.elaborated for spec in (a, b)))
    printer(made)
    if exit_code and made.different:
        sys.exit(1)
