"""`rescompile show`: a network as the compiler sees it."""

from __future__ import annotations

import click

from ..common import SpecType, guarded


@click.command()
@click.argument("spec", type=SpecType(), metavar="SPEC")
@guarded
def command(spec: str) -> None:
    """Show a network as the compiler sees it: blocks with their parameters, stages, shapes."""
    from ...compiler import open_spec

    click.echo(open_spec(spec).text(), nl=False)
