"""`rescompile weights`: published weights of networks, and what images become before them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..common import BackendType, WeightsType, force_option, guarded
from ..printed import Printer, printed

if TYPE_CHECKING:
    from ...api import Architecture
    from ...published import Published
    from ...table import Document, Format

PYTHON = "python"


def _source() -> Format:
    """The format that is no table: code, which has --preprocessing."""
    from ...table import Format

    def refuse(document: Document, view: object) -> str:
        raise click.UsageError("code is what --preprocessing NAME prints; a list is no code")

    return Format((".py",), refuse)


@click.command()
@click.argument("specs", nargs=-1, type=WeightsType(), metavar="[SPEC]...")
@click.option(
    "--preprocessing",
    "backend",
    type=BackendType(),
    metavar="NAME",
    help="Print code for this backend instead: what images become before the network.",
)
@force_option
@guarded
@printed(python=_source)
def command(specs: tuple[str, ...], backend: str | None, force: bool, printer: Printer) -> None:
    """List the published weights of each SPEC, or of every shipped one that has some.

    Top-1 and top-5 are accuracies in percent, as printed where the weights are published. Where
    the table is too wide, columns give way in this order: MiB, resize, crop, top-5, file, top-1,
    weights. Addresses, hashes, means and licenses are in CSV, JSON, and by --wide.

    With --preprocessing a SPEC is NAME, or NAME:WEIGHTS where its weights differ in that, as in
    `resnet50_v1_5:IMAGENET1K_V2`.
    """
    if backend is not None:
        _preprocessing(specs, backend, printer, force)
        return
    from ...language.load import zoo
    from ...published.listing import listing

    found = [*_found(specs or tuple(zoo()))]
    notes = [_without(net) for net, entries in found if specs and not entries]
    printer(listing([(net.name, entries) for net, entries in found], notes))


def _found(specs: tuple[str, ...]) -> Iterator[tuple[Architecture, tuple[Published, ...]]]:
    """The networks that are meant, each with the entries that are."""
    from ...api import open_spec
    from ...language.folder import networks
    from ...published import entry, reference

    for given in specs:
        spec, weights = reference(given)
        for net in map(open_spec, networks([spec])):
            one = None if weights is None else entry(net.document.spec, weights)
            yield net, net.weights if one is None else (one,)


def _without(net: Architecture) -> str:
    """That a network lists no weights, and whose might be meant."""
    return f"{net.name} lists no weights. {net.request.summary.note}".rstrip()


def _preprocessing(specs: tuple[str, ...], backend: str, printer: Printer, force: bool) -> None:
    """Print the code for one network, or write it as `build` does."""
    from ...api import open_spec
    from ...files import Output
    from ...published import reference
    from .build import write

    if len(specs) != 1:
        raise click.UsageError("--preprocessing is for one SPEC, or one SPEC:WEIGHTS")
    if printer.form not in ("text", PYTHON) or printer.view.is_chosen:
        raise click.UsageError("--preprocessing prints code: no format or columns to choose from")
    spec, weights = reference(specs[0])
    source = open_spec(spec).preprocessing(backend, weights)
    if printer.output is None:
        click.echo(source, nl=False)
    else:
        write([Output(Path(printer.output), source)], quiet=False, force=force)
