"""`rescompile docs`: the manual, which is shipped with the package."""

from __future__ import annotations

import sys

import click

from ..common import Word, guarded, is_coloured


class PageType(Word):
    """A page of the manual."""

    def words(self) -> list[str]:
        from ...manual import pages

        return [*pages()]


@click.command()
@click.argument("page", required=False, type=PageType(), metavar="[PAGE]")
@guarded
def command(page: str | None) -> None:
    """Show a PAGE of the manual, or list the pages.

    On a terminal it is laid out for reading and given to a pager; elsewhere it is Markdown.
    """
    from ... import manual

    if page is None:
        titles = manual.pages()
        width = max(map(len, titles))
        for name, title in titles.items():
            click.echo(f"{name:{width}}  {title}")
        return
    text = manual.page(page)
    if not sys.stdout.isatty():
        click.echo(text, nl=False)
        return
    from rich.console import Console
    from rich.markdown import Markdown

    from ..printed import screen_width

    coloured = is_coloured(sys.stdout)
    console = Console(width=min(screen_width(), 120), force_terminal=coloured)
    with console.capture() as captured:
        console.print(Markdown(text, hyperlinks=False))
    click.echo_via_pager(captured.get(), color=coloured)
