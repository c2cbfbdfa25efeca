"""`rescompile schema`: the language for editors."""

from __future__ import annotations

from pathlib import Path

import click

from ..common import file_option, guarded, print_or_write


@click.command()
@file_option
@guarded
def command(output: Path | None) -> None:
    """Print the JSON Schema of specs, for editors that complete and check YAML.

    Name it in a spec's first line: `# yaml-language-server: $schema=rescompile.schema.json`.
    """
    from ...language.schema import text

    print_or_write(text(), output)
