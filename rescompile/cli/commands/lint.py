"""`rescompile lint`: where a network is not what a reader of the papers would think."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ..common import SpecType, coloured, guarded
from ..printed import Printer, printed
from .explain import CodeType

if TYPE_CHECKING:
    from ...errors import Diagnostic


@click.command()
@click.argument("specs", nargs=-1, required=True, type=SpecType(), metavar="SPEC...")
@click.option("--strict/--no-strict", help="Exit 1 if there is a warning.  [default: no-strict]")
@click.option(
    "--allow",
    multiple=True,
    type=CodeType("F"),
    metavar="CODE",
    help="A warning that is not to be given; may be given several times.",
)
@guarded
@printed()
def command(specs: tuple[str, ...], strict: bool, allow: tuple[str, ...], printer: Printer) -> None:
    """Warn of what a reader of the papers would want to know about each SPEC.

    Each warning has a code; `allow: [F101]` in a spec silences it there. Exits 1 on errors alone,
    unless --strict is given. With --columns or --wide it is a table, whose columns give way in this
    order: column, help, severity, file, line, message, code.
    """
    from ...api import open_spec
    from ...errors import SpecError
    from ...language.folder import networks
    from ...lint.findings import Findings

    specs = tuple(networks(specs))
    found: list[tuple[str, Diagnostic]] = []
    for spec in specs:
        try:
            warnings = open_spec(spec).warnings()
            found.extend((spec, warning) for warning in warnings if warning.code not in allow)
        except SpecError as error:
            found.extend((spec, diagnostic) for diagnostic in error.diagnostics)
    printer(Findings(tuple(found), len(specs)), paint=coloured)
    if found and (strict or any(diagnostic.severity == "error" for _, diagnostic in found)):
        sys.exit(1)
