"""`rescompile watch`: source files that follow their spec."""

from __future__ import annotations

import time
from pathlib import Path

import click

from ..changes import NONE
from ..common import (
    SpecType,
    backend_option,
    coloured,
    force_option,
    guarded,
    line_length_option,
    or_default,
    output_option,
)

Stamp = dict[Path, tuple[int, int, int] | None]


@click.command()
@click.argument("specs", nargs=-1, required=True, type=SpecType(), metavar="SPEC...")
@backend_option
@output_option
@line_length_option
@click.option(
    "--interval",
    type=click.FloatRange(min=0.02),
    default=0.3,
    show_default=True,
    help="Seconds between two looks at the files.",
)
@force_option
@guarded
def command(
    specs: tuple[str, ...],
    backends: tuple[str, ...],
    output: Path,
    line_length: int,
    interval: float,
    force: bool,
) -> None:
    """Build each SPEC now and whenever it is saved, or a base or library of it; show errors.

    Ends with Ctrl-C.
    """
    from ...language.stdin import STDIN
    from ...registry import get_backend

    if STDIN in specs:
        raise click.UsageError("standard input cannot be watched; give a file")
    names = or_default(backends)
    for name in names:
        get_backend(name)
    try:
        while True:
            before, good = _build(specs, names, output, force, line_length)
            click.echo("watching; Ctrl-C ends" if good else "waiting for a change; Ctrl-C ends")
            _wait(before, interval)
    except KeyboardInterrupt:
        click.echo("\nstopped")


def _build(
    specs: tuple[str, ...], backends: list[str], output: Path, force: bool, line_length: int
) -> tuple[Stamp, bool]:
    """Build once. Gives the files as they were before it, and whether it went well."""
    from ...errors import RescompileError
    from ...language.load import find, sources
    from .build import compiled, write

    watched: list[Path] = []
    before: Stamp = {}
    try:
        for spec in specs:
            watched += sources(find(spec))
        before = _stamp(watched)
        made = compiled(specs, backends, output, True, NONE, line_length)
        write(made, quiet=False, force=force)
    except RescompileError as error:
        click.echo(coloured(str(error)), err=True)
        if not watched:
            raise
        # What is missing may be put into one of the folders.
        return {**before, **_stamp([path.parent for path in watched])}, False
    return before, True


def _stamp(paths: list[Path]) -> Stamp:
    """What tells whether files have changed; none for a file that is not there.

    We look instead of asking the system to be told: that works on every file system, and for the
    few files of a spec it costs nothing and needs no other package.
    """
    found: Stamp = {}
    for path in paths:
        try:
            state = path.stat()
            found[path] = (state.st_mtime_ns, state.st_size, state.st_ino)
        except OSError:
            found[path] = None
    return found


def _wait(before: Stamp, interval: float) -> None:
    """Return when a file has changed and then stood still: editors write in several steps."""
    now = before
    while now == before:
        time.sleep(interval)
        now = _stamp(list(before))
    while True:
        time.sleep(min(interval, 0.1))
        later = _stamp(list(before))
        if later == now:
            return
        now = later
