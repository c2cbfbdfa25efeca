"""`rescompile build`: source files from specs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..common import SpecType, backend_option, guarded, output_option, progress

if TYPE_CHECKING:
    from ...compiler import Architecture
    from ...files import Output


@click.command()
@click.argument("specs", nargs=-1, required=True, type=SpecType(), metavar="SPEC...")
@backend_option
@output_option
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file is not up to date.")
@click.option("--stdout", is_flag=True, help="Print the source instead of writing files.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
@guarded
def command(
    specs: tuple[str, ...],
    backends: tuple[str, ...],
    output: Path,
    check: bool,
    stdout: bool,
    quiet: bool,
) -> None:
    """Emit source code for each SPEC and backend. A folder stands for the networks in it.

    Everything is compiled before anything is written: one bad spec, and no file changes.
    """
    if check and stdout:
        raise click.UsageError("--check and --stdout exclude each other")
    from ...registry import backend_names
    from ...spec.folder import networks

    names = list(dict.fromkeys(backends)) or backend_names()
    made = list(compiled(networks(specs), names, output, quiet or stdout))
    if stdout:
        click.echo("".join(item.text for item in made), nl=False)
    elif check:
        _check(made, quiet)
    else:
        write(made, quiet)


def compiled(
    specs: Iterable[str], backends: list[str], output: Path, quiet: bool
) -> Iterator[Output]:
    """The file of each spec for each backend, as it is to be."""
    from ...compiler import open_spec
    from ...errors import Together
    from ...files import Output

    jobs = [(spec, name) for spec in specs for name in backends]
    opened: dict[str, Architecture] = {}
    together = Together()
    for spec, name in progress(jobs, quiet, lambda job: f"{job[0]} for {job[1]}"):
        with together.part():
            net = opened.get(spec) or open_spec(spec)
            opened[spec] = net
            yield Output(output / name / f"{net.name}.py", net.source(name))
    together.done()


def write(made: list[Output], quiet: bool) -> None:
    """Write the files that are not current, and tell."""
    from ...files import write_all

    written = write_all(made)
    for item in made:
        if not quiet:
            word = "wrote" if item in written else "up to date:"
            click.echo(f"{word} {item.path.as_posix()}")


def _check(made: list[Output], quiet: bool) -> None:
    stale = [item for item in made if not item.is_current()]
    for item in stale:
        state = "is stale" if item.path.exists() else "is missing"
        click.echo(f"{item.path.as_posix()} {state}", err=True)
    if stale:
        click.echo("run `rescompile build` without --check to write it", err=True)
        sys.exit(1)
    if not quiet:
        click.echo(f"{len(made)} file{'s' * (len(made) != 1)} up to date")
