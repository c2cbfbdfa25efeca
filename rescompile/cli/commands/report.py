"""`rescompile report`: what a network costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..common import SpecType, file_option, format_option, guarded, print_or_write


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
@format_option("markdown", "json", "csv")
@file_option
@guarded
def command(spec: str, by: str, versus: str | None, form: str, output: Path | None) -> None:
    """Count parameters, multiply-adds and memory, exactly and without a framework."""
    from ...api import open_spec

    net = open_spec(spec)
    if versus is None:
        made: Any = net.report(by)
    else:
        from ...compare.versus import versus as compare

        made = compare(net.analysis.elaborated, open_spec(versus).analysis.elaborated)
    print_or_write(getattr(made, form)(), output)
