"""`rescompile new`: a spec to start from."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import click

from ..common import Word, guarded


class LikeType(Word):
    """A kind of network, or a shipped one."""

    name = "kind"

    def words(self) -> Iterable[str]:
        from ...language.load import zoo
        from ...starters import kinds

        return [*kinds(), *zoo()]


@click.command()
@click.argument("name", metavar="NAME")
@click.option(
    "--like",
    type=LikeType(),
    metavar="KIND",
    default="resnet",
    show_default=True,
    help="What to start from: inception, mobilenet, plain, resnet, or a shipped network, which is "
    "extended.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File to write, or the folder for it.  [default: NAME.yaml]",
)
@guarded
def command(name: str, like: str, output: Path | None) -> None:
    """Write NAME.yaml, a commented spec that builds at once.

    Its first line names the schema by which editors complete and check it; that is written beside
    it where there is none yet. A file that is there already is never overwritten.
    """
    from ...errors import Diagnostic, SpecError
    from ...files import Output, write_all
    from ...prose import visible
    from ...starters import starter
    from ...starters.editor import schema_line

    text = starter(name, like, _compiles)
    path = output or Path()
    path = path / f"{name}.yaml" if path.is_dir() else path
    if os.path.lexists(path):
        message = f"there is a file {path.as_posix()} already"
        help = "choose another name, or another place with `-o`"
        raise SpecError([Diagnostic("E003", message, help=help)])
    line, schema = schema_line(path)
    write_all([Output(path, line + text), *([schema] if schema else [])])
    shown = visible(path.as_posix())
    click.echo(f"wrote {shown}")
    if schema:
        click.echo(f"wrote {visible(schema.path.as_posix())}, which tells editors the language")
    click.echo(f"next: rescompile build {shown}")


def _compiles(text: str) -> bool:
    """Whether the text of a spec is a network."""
    from ...api import open_spec
    from ...errors import SpecError

    try:
        open_spec(text).report("network")
    except SpecError:
        return False
    return True
