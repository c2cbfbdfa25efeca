"""`rescompile fmt`: specs in canonical form."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..common import SpecType, guarded

if TYPE_CHECKING:
    from ...files import Output


@click.command()
@click.argument("specs", nargs=-1, required=True, type=SpecType(), metavar="SPEC...")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file would change.")
@click.option("--diff", is_flag=True, help="Write nothing; print what would change, and exit 1.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
@guarded
def command(specs: tuple[str, ...], check: bool, diff: bool, quiet: bool) -> None:
    """Put each SPEC into canonical form; comments stay, and so does the meaning.

    A SPEC is a file, of a network or a library, or a folder of such files. With `-`, standard
    input is put into the form and printed, or judged by --check. All are read before one is
    written.
    """
    from ...files import write_all
    from ...language.stdin import STDIN

    if STDIN in specs and len(specs) > 1:
        raise click.UsageError("`-` stands alone: what becomes of it is printed")
    made, stale = _formatted(specs)
    if diff:
        click.echo("".join(_difference(item) for item in stale), nl=False)
    elif specs == (STDIN,) and not check:
        click.echo(made[0].text, nl=False)
        return
    elif not check:
        write_all(stale)
    if not quiet:
        _tell(len(made), stale, "would change" if check or diff else "formatted", diff)
    if stale and (check or diff):
        sys.exit(1)


def _formatted(specs: tuple[str, ...]) -> tuple[list[Output], list[Output]]:
    """All that is read in canonical form, and of that what would change."""
    from ...files import Output
    from ...language.format import canonical
    from ...language.load import label, read_bytes
    from ...language.stdin import PATH, STDIN, standard_input

    if specs == (STDIN,):
        data = standard_input()
        made = [Output(PATH, canonical(data, PATH.name))]
        return made, [item for item in made if item.data != data]
    made = [Output(path, canonical(read_bytes(path), label(path))) for path in _paths(specs)]
    return made, [item for item in made if not item.is_current()]


def _tell(count: int, stale: list[Output], word: str, err: bool) -> None:
    from ...prose import visible

    for item in stale:
        click.echo(f"{word} {visible(item.path.as_posix())}", err=err)
    if not stale:
        click.echo(f"{count} file{'s' * (count != 1)} in canonical form")


def _paths(specs: tuple[str, ...]) -> Iterator[Path]:
    """The files that are meant, each once; where a link stands, the one that it points to."""
    from ...errors import Diagnostic, SpecError
    from ...language.load import find

    seen = set()
    for spec in specs:
        folder = Path(spec)
        inside = sorted(folder.rglob("*.y*ml")) if folder.is_dir() else [find(spec)]
        if not inside:
            found = Diagnostic("E001", f"there is no YAML file in the folder '{folder.as_posix()}'")
            raise SpecError([found])
        for path in inside:
            real = Path(os.path.realpath(path)) if path.is_symlink() else path
            if real not in seen:
                seen.add(real)
                yield real


def _difference(item: Output) -> str:
    import difflib

    from ...language.stdin import PATH, standard_input
    from ...prose import visible

    data = standard_input() if item.path == PATH else item.path.read_bytes()
    before = data.decode("utf-8").splitlines(keepends=True)
    name = visible(item.path.as_posix())
    lines = difflib.unified_diff(before, item.data.decode().splitlines(keepends=True), name, name)
    return "".join(lines)
