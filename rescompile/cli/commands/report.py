"""`rescompile report`: what a network costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import click

from ..changes import Changes, changeable
from ..common import SpecType, guarded
from ..printed import Printer, printed

if TYPE_CHECKING:
    from ...table import Document, Format

PAGE = (".html", ".htm")


def _page() -> Format:
    """The format that is no table: a document has a page for it."""
    from ...table import Format

    return Format(PAGE, lambda document, view: cast(Any, document).html())


@click.command()
@click.argument("specs", nargs=-1, required=True, type=SpecType(), metavar="SPEC...")
@click.option(
    "--by",
    type=click.Choice(["network", "stage", "block", "layer"]),
    default="stage",
    show_default=True,
    help="What a row stands for. HTML has a table for each.",
)
@click.option("--versus", type=SpecType(), metavar="SPEC", help="Compare with another network.")
@changeable()
@guarded
@printed(html=_page)
def command(
    specs: tuple[str, ...], by: str, versus: str | None, printer: Printer, changes: Changes
) -> None:
    """Count parameters, multiply-adds and memory, exactly and without a framework.

    Where a table is too wide, columns give way in this order: not trainable, stride, field,
    weights, activations, FLOPs, layers, description, %, output, parameters, MACs. With --versus:
    rounded figures, their ratio, the figures themselves, the second first.

    HTML is a page that needs nothing else: figures, all tables, claims, warnings and sources; it
    compares several SPECs, and each with --versus. A folder stands for the networks in it.
    """
    if printer.form == "html":
        _write_page(specs, versus, printer, changes)
        return
    if len(specs) > 1:
        message = "several networks are compared on a page: say `--format html`, or `-o FILE.html`"
        raise click.UsageError(message)
    net = changes.open(specs[0])
    if versus is None:
        made: Document = net.report(by)
    else:
        made = net.versus(changes.open(versus))
    printer(made)


def _write_page(
    specs: tuple[str, ...], versus: str | None, printer: Printer, changes: Changes
) -> None:
    from ...errors import DiagnosticCollector
    from ...html import Page
    from ...language.folder import networks

    if printer.view.is_chosen:
        raise click.UsageError("HTML has every table: no columns to choose from")
    collector, nets = DiagnosticCollector(), []
    for spec in networks(specs):
        with collector.part():
            nets.append(changes.open(spec))
    with collector.part():
        other = changes.open(versus) if versus else None
    collector.done()
    printer(cast("Document", Page(tuple(nets), other)))
