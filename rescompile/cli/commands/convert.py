"""`rescompile convert`: weights of one framework for another."""

from __future__ import annotations

from pathlib import Path

import click

from ..common import BackendType, SpecType, guarded


def _renames(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    for value in values:
        if not value.partition("=")[0] or "=" not in value:
            raise click.BadParameter(f"'{value}' is not of the form OLD=NEW")
    return tuple((old, new) for old, _, new in (value.partition("=") for value in values))


@click.command()
@click.argument("weights", type=click.Path(path_type=Path), metavar="WEIGHTS")
@click.option("--spec", required=True, type=SpecType(), metavar="SPEC", help="Whose weights.")
@click.option(
    "--to",
    type=BackendType(),
    metavar="NAME",
    help="Backend that they are for. Default: the one whose files end as the output does.",
)
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File to write: .pth, .pt or .safetensors; .weights.h5 or .keras; .npz.",
)
@click.option(
    "--rename",
    "renames",
    multiple=True,
    callback=_renames,
    metavar="OLD=NEW",
    help="A name in WEIGHTS, or the beginning of names, and what the spec calls it, as in "
    "`--rename module.=`. May be given several times; done in this order.",
)
@guarded
def command(
    weights: Path, spec: str, to: str | None, output: Path, renames: tuple[tuple[str, str], ...]
) -> None:
    """Convert the WEIGHTS of a SPEC from one framework to another, bit for bit.

    Tensors are matched by name, what is left by order and shape; one that is left over is an error.
    Files are read as tensors only: nothing in them is executed.
    """
    from ...convert import convert

    click.echo(convert(weights, spec, output, to, renames).text(), nl=False)
