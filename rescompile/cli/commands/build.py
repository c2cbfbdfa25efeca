"""`rescompile build`: source files from specs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..changes import NONE, Changes, changeable
from ..common import (
    SpecType,
    backend_option,
    force_option,
    guarded,
    line_length_option,
    or_default,
    output_option,
    progress,
)

if TYPE_CHECKING:
    from ...api import Architecture
    from ...errors import Diagnostic
    from ...files import Output

HEAD = 1 << 16  # bytes of a file within which it says that it is generated


@click.command()
@click.argument("specs", nargs=-1, required=True, type=SpecType(), metavar="SPEC...")
@backend_option
@output_option
@line_length_option
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file is not up to date.")
@click.option("--stdout", is_flag=True, help="Print the source instead of writing files.")
@force_option
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
@changeable()
@guarded
def command(
    specs: tuple[str, ...],
    backends: tuple[str, ...],
    output: Path,
    line_length: int,
    check: bool,
    stdout: bool,
    force: bool,
    quiet: bool,
    changes: Changes,
) -> None:
    """Emit source code for each SPEC and backend. A folder stands for the networks in it.

    Everything is compiled before anything is written: one bad spec, and no file changes. A file
    that rescompile did not generate is not overwritten.
    """
    if check and stdout:
        raise click.UsageError("--check and --stdout exclude each other")
    from ...language.folder import networks
    from ...registry import get_backend

    names = or_default(backends)
    made = compiled(networks(specs), names, output, quiet or stdout, changes, line_length)
    for one in map(get_backend, () if quiet else names):
        if one.trace is None:
            click.echo(f"note: nothing proves what the {one.title} backend writes", err=True)
    if stdout:
        click.echo("".join(item.data.decode() for item in made), nl=False)
    elif check:
        _check(made, quiet)
    else:
        write(made, quiet, force)


def compiled(
    specs: Iterable[str],
    backends: list[str],
    output: Path,
    quiet: bool,
    changes: Changes = NONE,
    line_length: int = 100,
) -> list[Output]:
    """The file of each spec for each backend, as it is to be.

    Raises `SpecError` for two specs of one name, too: the second file would replace the first.
    """
    from ...errors import DiagnosticCollector, SpecError
    from ...files import Output
    from ...registry import get_backend

    jobs = [(spec, name) for spec in specs for name in backends]
    opened: dict[str, Architecture] = {}
    made: dict[Output, None] = {}  # a spec that is given twice is built once
    collector = DiagnosticCollector()
    for spec, name in progress(jobs, quiet, lambda job: f"{job[0]} for {job[1]}"):
        with collector.part():
            net = opened.get(spec) or changes.open(spec)
            opened[spec] = net
            source = net.source(name, line_length)
            made[Output(output / name / (net.name + get_backend(name).suffix), source)] = None
    with collector.part():
        if alike := list(_of_one_name(opened.values())):
            raise SpecError(alike)
    collector.done()
    return list(made)


def _of_one_name(nets: Iterable[Architecture]) -> Iterator[Diagnostic]:
    """Specs whose files would be one; on some systems they are where names differ in case alone."""
    from ...errors import Diagnostic
    from ...language.load import label

    first: dict[str, Architecture] = {}
    for net in nets:
        other = first.setdefault(net.name.casefold(), net)
        paths = other.document.path, net.document.path
        if os.path.realpath(paths[0]) != os.path.realpath(paths[1]):
            message = f"{label(paths[0])} and {label(paths[1])} would be built into one file"
            help = "give one of them another `name`, or build each into a folder of its own"
            at, before = (one.document.spec.at("name") for one in (net, other))
            notes = (f"the other '{other.name}' stands at {before.place}",) if before else ()
            yield Diagnostic("E003", message, at, help=help, notes=notes if at != before else ())


def write(made: list[Output], quiet: bool, force: bool = False) -> None:
    """Write the files that are not current, and tell.

    Raises `SpecError` where a file stands that is not ours, unless it is to go by `force`.
    """
    from ...errors import Diagnostic, SpecError
    from ...files import write_all
    from ...prose import visible

    if not force and (foreign := [item.path for item in made if _is_foreign(item.path)]):
        help = "choose another place with `-o`, or replace it with `--force`"
        messages = (
            f"cannot overwrite {path.as_posix()}: rescompile did not generate it"
            for path in foreign
        )
        raise SpecError(Diagnostic("E003", message, help=help) for message in messages)
    written = write_all(made)
    for item in made:
        if not quiet:
            word = "wrote" if item in written else "up to date:"
            click.echo(f"{word} {visible(item.path.as_posix())}")


def _is_foreign(path: Path) -> bool:
    """Whether a file stands there, with something in it, that rescompile did not generate."""
    from ...emit.summary import is_generated

    try:
        if not path.is_file() or not path.stat().st_size:
            return False
        with path.open("rb") as file:
            return not is_generated(file.read(HEAD).decode("utf-8", "replace"))
    except OSError:
        return False  # to write it will fail, and tell why


def _check(made: list[Output], quiet: bool) -> None:
    from ...prose import visible

    stale = [item for item in made if not item.is_current()]
    for item in stale:
        state = "is stale" if item.path.exists() else "is missing"
        state = "was not generated by rescompile" if _is_foreign(item.path) else state
        click.echo(f"{visible(item.path.as_posix())} {state}", err=True)
    if stale:
        click.echo("run `rescompile build` without --check to write it", err=True)
        sys.exit(1)
    if not quiet:
        click.echo(f"{len(made)} file{'s' * (len(made) != 1)} up to date")
