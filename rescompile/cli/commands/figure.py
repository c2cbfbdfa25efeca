"""`rescompile figure`: networks as pictures."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..changes import Changes, changeable
from ..common import SOURCES, SpecType, guarded, progress

if TYPE_CHECKING:
    from ...api import Architecture
    from ...files import Output


@click.command()
@click.argument("specs", nargs=-1, required=True, type=SpecType(), metavar="SPEC...")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="A file, whose suffix is the format: .svg, .tex, .pdf or .png; or a folder, which gets "
    "NAME.svg for each network. Default: print SVG.",
)
@click.option(
    "--style",
    type=click.Choice(["folded", "paper"]),
    default="folded",
    show_default=True,
    help="folded: the stages, and a panel for each kind of block. paper: Fig. 3 of He et al. 2015, "
    "a box for each layer with weights; several networks stand side by side.",
)
@click.option(
    "--open", "opened", multiple=True, metavar="STAGE", help="Draw this stage block by block."
)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if a file is not up to date.")
@click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors.")
@changeable()
@guarded
def command(
    specs: tuple[str, ...],
    output: Path | None,
    style: str,
    opened: tuple[str, ...],
    check: bool,
    quiet: bool,
    changes: Changes,
) -> None:
    """Draw networks: SVG, TikZ, and by cairosvg PDF or PNG.

    SVG pictures follow light and dark mode, and tell more of a box on hovering.
    """
    from ...language.folder import networks
    from ...prose import visible

    if check and output is None:
        raise click.UsageError("--check compares with what is at --output")
    jobs = networks(specs)
    nets = [changes.open(spec) for spec in progress(jobs, quiet or output is None, str)]
    if output is None:
        from ...figure import figure

        click.echo(figure([net.analysis for net in nets], style, opened).svg(), nl=False)
        return
    made = _drawn(nets, output, style, opened)
    if check:
        _check(made)
        return
    from ...files import write_all

    written = write_all(made)
    for item in made:
        if not quiet:
            word = "wrote" if item in written else "up to date:"
            click.echo(f"{word} {visible(item.path.as_posix())}")


def _drawn(
    nets: Sequence[Architecture], output: Path, style: str, opened: Sequence[str]
) -> list[Output]:
    """The files to write: one with all networks, or one a network in a folder."""
    from ...errors import Diagnostic, SpecError
    from ...figure import figure
    from ...files import Output

    if output.suffix in SOURCES or _is_by_hand(output):
        message = f"cannot write a picture to {output.as_posix()}: it is a source"
        raise SpecError([Diagnostic("E003", message, help="choose another name with `-o`")])
    if output.suffix and not output.is_dir():
        data = figure([net.analysis for net in nets], style, opened).data(output.suffix)
        return [Output(output, data)]
    return [
        Output(output / f"{net.name}.svg", figure([net.analysis], style, opened).data(".svg"))
        for net in nets
    ]


def _is_by_hand(path: Path) -> bool:
    """Whether a TeX file stands there that no figure is, a paper say."""
    from ...figure.tikz import MARK

    if path.suffix != ".tex" or not path.is_file():
        return False
    return not path.read_bytes().startswith(MARK.encode())


def _check(made: list[Output]) -> None:
    from ...prose import visible

    stale = [item for item in made if not item.is_current()]
    for item in stale:
        state = "is stale" if item.path.exists() else "is missing"
        click.echo(f"{visible(item.path.as_posix())} {state}", err=True)
    if stale:
        click.echo("run `rescompile figure` without --check to write it", err=True)
        sys.exit(1)
    click.echo(f"{len(made)} file{'s' * (len(made) != 1)} up to date")
