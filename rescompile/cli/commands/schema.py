"""`rescompile schema`: the language for editors."""

from __future__ import annotations

from pathlib import Path

import click

from ..common import guarded, print_or_write


@click.command()
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file."
)
@guarded
def command(output: Path | None) -> None:
    """Print the JSON Schema of specs, for editors that complete and check YAML.

    Name it in a spec's first line: `# yaml-language-server: $schema=rescompile.schema.json`.
    """
    from ...language.schema import text

    print_or_write(text(), output)
