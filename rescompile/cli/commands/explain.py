"""`rescompile explain`: what a code means, and what to do about it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from ..common import guarded
from ..printed import Printer, printed

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class CodeType(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """The code of a diagnostic, or of those alone that begin so."""

    name = "code"

    def __init__(self, begins: str = "") -> None:
        self.begins = begins

    def known(self) -> list[str]:
        from ...explain import codes

        return [code for code in codes() if code.startswith(self.begins)]

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from ...errors import did_you_mean

        code, known = value.upper(), self.known()
        if code not in known:
            self.fail(f"there is no code '{value}'; {did_you_mean(code, known)}", param, ctx)
        return code

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from ...explain import page

        found = [code for code in self.known() if code.startswith(incomplete.upper())]
        return [CompletionItem(code, help=page(code).title) for code in found]


@click.command()
@click.argument("code", required=False, type=CodeType(), metavar="[CODE]")
@guarded
@printed()
def command(code: str | None, printer: Printer) -> None:
    """Explain the CODE of an error or warning, with an example and its fix; or list all codes."""
    from ...explain import index, page

    if code is None:
        printer(index())
    elif printer.streams and sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console(width=printer.view.width).print(Markdown(page(code).body))
    else:
        printer(page(code))
