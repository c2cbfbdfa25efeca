"""`rescompile plot`: networks as points of a chart."""

from __future__ import annotations

from pathlib import Path

import click

from ..common import SpecType, guarded, progress


@click.command()
@click.argument("specs", nargs=-1, required=True, type=SpecType(), metavar="SPEC...")
@click.option("--x", default="macs", show_default=True, metavar="FIGURE", help="Along the width.")
@click.option(
    "--y", default="parameters", show_default=True, metavar="FIGURE", help="Along the height."
)
@click.option("--color", type=click.Choice(["family"]), help="What a colour stands for.")
@click.option("--log", is_flag=True, help="Both axes are logarithmic.")
@click.option("--log-x", is_flag=True, help="The width is.")
@click.option("--log-y", is_flag=True, help="The height is.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("plot.svg"),
    show_default=True,
    metavar="FILE",
    help="File to write: .svg, .png or .pdf.",
)
@guarded
def command(
    specs: tuple[str, ...],
    x: str,
    y: str,
    color: str | None,
    log: bool,
    log_x: bool,
    log_y: bool,
    output: Path,
) -> None:
    """Draw each SPEC as a point by two figures of its report. A folder stands for its networks.

    A FIGURE is parameters, macs, flops, layers, weights_bytes, activation_bytes, receptive_field_px
    or another that the report has as JSON. A family is the folder of a spec. Needs matplotlib.
    """
    from ...chart import chart, save
    from ...chart.save import check_suffix
    from ...language.folder import networks
    from ...prose import visible

    check_suffix(output)
    both = log or (log_x and log_y)
    scale = True if both else "x" if log_x else "y" if log_y else False
    made = chart(progress(networks(specs), False, str), x, y, color, scale)
    save(made.figure, output)
    click.echo(f"wrote {visible(output.as_posix())}")
    for note in made.notes():
        click.echo(f"note: {note}", err=True)
