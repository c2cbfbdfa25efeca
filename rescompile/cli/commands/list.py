"""`rescompile list`: the specs and backends that are found."""

from __future__ import annotations

import click

from ..common import guarded


@click.command()
@guarded
def command() -> None:
    """List the shipped specs and the backends that are found."""
    from ...registry import backend_names, get_backend
    from ...spec.load import zoo
    from ...spec.yaml import read

    click.echo("specs:")
    found = zoo()
    width = max(map(len, found), default=0)
    for name, path in found.items():
        top = read(path.read_bytes(), path.name).value
        title, source = (top[k].value if k in top else "" for k in ("title", "source"))
        click.echo(f"  {name:<{width}}  {title}{', ' if source else ''}{source}")
    click.echo("backends:")
    for name in backend_names():
        click.echo(f"  {name:<{width}}  {get_backend(name).title}")
