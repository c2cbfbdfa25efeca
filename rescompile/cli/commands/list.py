"""`rescompile list`: the specs and backends that are found."""

from __future__ import annotations

import click

from ..common import guarded
from ..printed import Printer, printed


@click.command()
@guarded
@printed()
def command(printer: Printer) -> None:
    """List the shipped specs with their families and costs, and the backends that are found.

    Where the table is too wide, columns give way in this order: source, layers, family, top-1,
    MACs, parameters, title. Of CSV and with --columns it is that of the specs alone. top-1 is the
    best accuracy in percent that is printed for weights of the network.
    """
    from ...catalogue import catalogue

    printer(catalogue())
