"""`rescompile show`: a network as the compiler sees it."""

from __future__ import annotations

import click

from ..common import SpecType, guarded


@click.command()
@click.argument("spec", type=SpecType(), metavar="SPEC")
@click.option("--resolved", is_flag=True, help="Print the spec, `extends` and `use` written out.")
@guarded
def command(spec: str, resolved: bool) -> None:
    """Show a network as the compiler sees it: blocks with their parameters, stages, shapes."""
    from ...api import open_spec

    net = open_spec(spec)
    click.echo(net.resolved() if resolved else net.text(), nl=False)
