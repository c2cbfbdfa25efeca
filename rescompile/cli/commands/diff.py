"""`rescompile diff`: what two networks do differently."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..common import SpecType, file_option, format_option, guarded, print_or_write


@click.command()
@click.argument("a", type=SpecType(), metavar="A")
@click.argument("b", type=SpecType(), metavar="B")
@format_option("markdown", "json")
@file_option
@click.option("--exit-code", is_flag=True, help="Exit 1 if there is a difference.")
@guarded
def command(a: str, b: str, form: str, output: Path | None, exit_code: bool) -> None:
    """Show how network B differs from network A, and by how much in cost.

    What is compared is what they compute and what their weights are called, not the text of the
    specs; titles and sources do not count.
    """
    from ...api import open_spec
    from ...compare.diff import diff

    made = diff(open_spec(a).analysis.elaborated, open_spec(b).analysis.elaborated)
    print_or_write(getattr(made, form)(), output)
    if exit_code and made.different:
        sys.exit(1)
