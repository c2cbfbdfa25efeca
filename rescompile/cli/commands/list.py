"""`rescompile list`: the specs and backends that are found."""

from __future__ import annotations

import click

from ..common import guarded


@click.command()
@guarded
def command() -> None:
    """List the shipped specs and the backends that are found."""
    from ...language.load import zoo
    from ...language.yaml import read
    from ...prose import visible
    from ...registry import backend_names, get_backend

    click.echo("specs:")
    found = zoo()
    width = max(map(len, found), default=0)
    for name, path in found.items():
        top = read(path.read_bytes(), path.name).value
        said = ", ".join(top[key].value for key in ("title", "source") if key in top)
        click.echo(f"  {name:<{width}}  {visible(said)}")
    click.echo("backends:")
    for name in backend_names():
        click.echo(f"  {name:<{width}}  {get_backend(name).title}")
