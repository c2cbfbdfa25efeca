"""`rescompile show`: a network as the compiler sees it."""

from __future__ import annotations

import click

from ..changes import Changes, changeable
from ..common import SpecType, guarded


@click.command()
@click.argument("spec", type=SpecType(), metavar="SPEC")
@click.option("--resolved", is_flag=True, help="Print the spec, `extends` and `use` written out.")
@changeable()
@guarded
def command(spec: str, resolved: bool, changes: Changes) -> None:
    """Show a network as the compiler sees it: blocks with their parameters, stages, shapes."""
    net = changes.open(spec)
    click.echo(net.resolved() if resolved else net.text(), nl=False)
