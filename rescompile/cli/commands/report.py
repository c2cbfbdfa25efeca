"""`rescompile report`: what a network costs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

import click

from ..changes import Changes, changeable
from ..common import SpecType, guarded, progress
from ..printed import Printer, printed

if TYPE_CHECKING:
    from ...api import Architecture
    from ...table import Document, Format

PAGE = (".html", ".htm")


def _page() -> Format:
    """The format that is no table: a document has a page for it."""
    from ...table import Format

    return Format(PAGE, lambda document, view: cast(Any, document).html())


@click.command()
@click.argument("specs", nargs=-1, type=SpecType(), metavar="[SPEC]...")
@click.option(
    "--by",
    type=click.Choice(["network", "stage", "block", "layer"]),
    default="stage",
    show_default=True,
    help="What a row stands for. HTML has a table for each.",
)
@click.option("--versus", type=SpecType(), metavar="SPEC", help="Compare with another network.")
@click.option("--family", "families", multiple=True, metavar="NAME", help="Shipped networks of it.")
@click.option(
    "--sort", metavar="FIGURE", help="Of several: by which; -FIGURE begins with the greatest."
)
@click.option("--where", metavar="CONDITION", help="Of several: those of which it holds.")
@changeable()
@guarded
@printed(html=_page)
def command(
    specs: tuple[str, ...],
    by: str,
    versus: str | None,
    families: tuple[str, ...],
    sort: str | None,
    where: str | None,
    printer: Printer,
    changes: Changes,
) -> None:
    """Count parameters, multiply-adds and memory, exactly and without a framework.

    Where a table is too wide, columns give way in this order: not trainable, stride, field,
    weights, activations, FLOPs, layers, description, %, output, parameters, MACs. With --versus:
    rounded figures, their ratio, the figures themselves, the second first.

    Several SPECs are a row each, sorted by a figure and filtered by a condition such as
    `macs < 4e9 and parameters < 30e6`. A folder stands for the networks in it.

    HTML is a page that needs nothing else: figures, all tables, claims, warnings and sources; it
    compares several SPECs, and each with --versus.
    """
    names = _names(specs, families)
    if printer.form == "html":
        if sort or where:
            raise click.UsageError("--sort and --where are for tables; a page sorts by its heads")
        _write_page(names, versus, printer, changes)
        return
    if len(names) > 1 or families or sort or where:
        if versus:
            raise click.UsageError("--versus compares two networks; of several it makes a page")
        from ...overviews import overview

        nets = _opened(progress(names, printer.output is None, str), changes)
        printer(overview(nets, sort or "", where or ""))
        return
    net = changes.open(names[0])
    if versus is None:
        made: Document = net.report(by)
    else:
        made = net.versus(changes.open(versus))
    printer(made)


def _names(specs: tuple[str, ...], families: tuple[str, ...]) -> list[str]:
    """The networks that are meant: those named, those in folders, and those of families."""
    from ...catalogue import family
    from ...errors import Diagnostic, SpecError, did_you_mean
    from ...language.folder import networks
    from ...language.load import zoo

    shipped = {name: family(path) for name, path in zoo().items()}
    for wanted in families:
        if wanted not in shipped.values():
            help = did_you_mean(wanted, sorted(set(shipped.values())))
            message = f"there is no family '{wanted}' of shipped networks"
            raise SpecError([Diagnostic("E001", message, help=help)])
    if not specs and not families:
        raise click.UsageError("say which networks: SPECs, a folder, or --family NAME")
    return [*networks(specs), *(name for name, of in shipped.items() if of in families)]


def _opened(specs: Iterable[str], changes: Changes) -> list[Architecture]:
    """The networks; what is wrong with them is told together."""
    from ...errors import DiagnosticCollector

    nets: list[Architecture] = []
    collector = DiagnosticCollector()
    for spec in specs:
        with collector.part():
            nets.append(changes.open(spec))
            nets[-1].analysis  # noqa: B018 - what is wrong is told here
    collector.done()
    return nets


def _write_page(specs: list[str], versus: str | None, printer: Printer, changes: Changes) -> None:
    from ...html import Page

    if printer.view.is_chosen:
        raise click.UsageError("HTML has every table: no columns to choose from")
    nets = _opened([*specs, *([versus] if versus else [])], changes)
    other = nets.pop() if versus else None
    printer(cast("Document", Page(tuple(nets), other)))
