"""`rescompile convert`: weights of one framework for another."""

from __future__ import annotations

from pathlib import Path

import click

from ..changes import Changes, changeable
from ..common import BackendType, SpecType, WeightsType, guarded


def _renames(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    for value in values:
        if not value.partition("=")[0] or "=" not in value:
            raise click.BadParameter(f"'{value}' is not of the form OLD=NEW")
    return tuple((old, new) for old, _, new in (value.partition("=") for value in values))


@click.command()
@click.argument("weights", type=WeightsType(), metavar="WEIGHTS")
@click.option(
    "--spec",
    type=SpecType(),
    metavar="SPEC",
    help="Whose weights; that of SPEC:ENTRY unless another is named.",
)
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
@click.option(
    "--new-head",
    is_flag=True,
    help="Start the layers of the head afresh that are not as in WEIGHTS, after `--classes 10` "
    "say, and fit the first convolution to other input channels.",
)
@click.option(
    "--skip",
    multiple=True,
    metavar="NAME",
    help="A name, or the beginning of names, that is not read: what the network has there starts "
    "afresh. May be given several times.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of what starts afresh, drawn as the spec says.",
)
@click.option(
    "--mirror",
    metavar="URL",
    help="Fetch from here in place of the scheme and host of an address.  [env: RESCOMPILE_MIRROR]",
)
@click.option(
    "--offline",
    is_flag=True,
    default=None,
    help="Fetch nothing: what is in the cache is all there is.  [env: RESCOMPILE_OFFLINE]",
)
@changeable()
@guarded
def command(
    weights: str,
    spec: str | None,
    to: str | None,
    output: Path,
    renames: tuple[tuple[str, str], ...],
    new_head: bool,
    skip: tuple[str, ...],
    seed: int,
    mirror: str | None,
    offline: bool | None,
    changes: Changes,
) -> None:
    """Convert the WEIGHTS of a SPEC from one framework to another, bit for bit.

    WEIGHTS are a file, or published ones by their names, `resnet34:IMAGENET1K_V1`, as `rescompile
    weights` lists them: these are fetched into a cache ($RESCOMPILE_CACHE, by default
    ~/.cache/rescompile) and used only if their hash is right.

    Tensors are matched by name, what is left by order and shape; one that is left over is an error.
    For another task, `--classes 10 --new-head` starts the head afresh, and `--channels 1` sums what
    the first convolution has for RGB. Files are read as tensors only: nothing in them is executed.
    """
    from ...convert import convert
    from ...download import Settings
    from ..transfers import shown

    with shown() as watch:
        done = convert(
            weights,
            spec,
            output,
            to,
            renames,
            settings=Settings(mirror=mirror, offline=offline),
            watch=watch,
            skip=skip,
            new_head=new_head,
            adapt=changes.channels is not None,
            seed=seed,
            changes=changes.words,
        )
    click.echo(done.text(), nl=False)
