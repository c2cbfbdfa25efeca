"""`rescompile check`: whether what the sources print about their networks is so."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ..common import SpecType, file_option, format_option, guarded, print_or_write, progress


@click.command()
@click.argument("specs", nargs=-1, type=SpecType(), metavar="[SPEC]...")
@format_option("markdown", "json")
@file_option
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but claims that fail.")
@guarded
def command(specs: tuple[str, ...], form: str, output: Path | None, quiet: bool) -> None:
    """Decide the claims of each SPEC, or of every shipped one. A folder stands for its networks.

    A claim holds if the exact value rounds to the printed figure. It holds as printed if the exact
    value cut off gives it, or the source's own rounded figures do. Exit code 1 if a claim fails.
    """
    from ...claims.check import check
    from ...language.folder import networks
    from ...language.load import zoo

    found = check(progress(networks(specs) or [*zoo()], quiet, str))
    if output is not None or not quiet:
        print_or_write(getattr(found, form)(), output, quiet)
    if found.failed.findings:
        if output is not None or quiet:
            click.echo(found.failed.text(), nl=False)
        sys.exit(1)
