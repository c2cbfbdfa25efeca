"""`rescompile check`: whether what the sources print about their networks is so."""

from __future__ import annotations

import sys

import click

from ..changes import Changes, changeable
from ..common import SpecType, guarded, progress
from ..printed import Printer, printed


@click.command()
@click.argument("specs", nargs=-1, type=SpecType(), metavar="[SPEC]...")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but claims that fail.")
@changeable()
@guarded
@printed()
def command(specs: tuple[str, ...], quiet: bool, printer: Printer, changes: Changes) -> None:
    """Decide the claims of each SPEC, or of every shipped one. A folder stands for its networks.

    A claim holds if the exact value rounds to the printed figure. It holds as printed if the exact
    value cut off gives it, or the source's own rounded figures do. Exit code 1 if a claim fails.
    With --columns or --wide the claims of all are one table, whose columns give way in this order:
    how, where, printed, exact, verdict, claim.
    """
    from ...claims.check import check
    from ...language.folder import networks
    from ...language.load import zoo

    found = check(progress(networks(specs) or [*zoo()], quiet, str), changes.open)
    if printer.output is not None or not quiet:
        printer(found, quiet)
    if found.failed.findings:
        if printer.output is not None or quiet:
            click.echo(found.failed.text(printer.view), nl=False)
        sys.exit(1)
