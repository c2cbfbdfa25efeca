"""`rescompile lint`: where a network is not what a reader of the papers would think."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ..common import SpecType, coloured, guarded

if TYPE_CHECKING:
    from ...errors import Diagnostic


@click.command()
@click.argument("specs", nargs=-1, required=True, type=SpecType(), metavar="SPEC...")
@click.option("--strict", is_flag=True, help="Exit 1 if there is a warning.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to print it.",
)
@guarded
def command(specs: tuple[str, ...], strict: bool, form: str) -> None:
    """Warn of what a reader of the papers would want to know about each SPEC.

    Each warning has a code; `allow: [F101]` in a spec silences it there. Exits 1 on errors alone,
    unless --strict is given.
    """
    from ...api import open_spec
    from ...errors import SpecError
    from ...language.folder import networks

    specs = tuple(networks(specs))
    found: list[tuple[str, Diagnostic]] = []
    for spec in specs:
        try:
            found.extend((spec, warning) for warning in open_spec(spec).warnings())
        except SpecError as error:
            found.extend((spec, diagnostic) for diagnostic in error.diagnostics)
    click.echo(_json(found) if form == "json" else _text(found, len(specs)), nl=False)
    if found and (strict or any(diagnostic.severity == "error" for _, diagnostic in found)):
        sys.exit(1)


def _text(found: list[tuple[str, Diagnostic]], specs: int) -> str:
    from ...errors import render

    shown = dict.fromkeys(diagnostic for _, diagnostic in found)  # a base's, once for all
    parts = [coloured(render(diagnostic)) + "\n\n" for diagnostic in shown]
    counts = [
        f"{count} {word}{'s' * (count != 1)}"
        for word in ("error", "warning")
        if (count := sum(diagnostic.severity == word for diagnostic in shown))
    ]
    return f"{''.join(parts)}{', '.join(counts) or 'no warnings'} in {specs} spec" + (
        "s\n" if specs != 1 else "\n"
    )


def _json(found: list[tuple[str, Diagnostic]]) -> str:
    from ...errors import record
    from ...prose import json_text

    records = [{"spec": spec, **record(diagnostic)} for spec, diagnostic in found]
    return json_text(records)
