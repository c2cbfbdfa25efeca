"""What the commands that print a table share: its format, its columns, its width, its colours.

A table takes the width of the terminal, or of COLUMNS; where the output is none, 100 columns, and a
file is the same whatever surrounds it. Colours are for terminals alone; NO_COLOR turns them off.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .common import is_coloured, is_source, print_or_write

if TYPE_CHECKING:
    from ..table import Document, Format, View

F = TypeVar("F", bound=Callable[..., Any])
FORMATS = ("text", "markdown", "csv", "json")
WIDTH, NARROWEST = 100, 20
STYLES: dict[str, dict[str, Any]] = {
    "head": {"bold": True},
    "total": {"bold": True},
    "rule": {"dim": True},
    "note": {"dim": True},
    "good": {"fg": "green"},
    "fair": {"fg": "yellow"},
    "bad": {"fg": "red", "bold": True},
}


@dataclass(frozen=True)
class Printer:
    """Where a document goes, and how it looks there."""

    form: str
    output: Path | None
    view: View
    formats: Mapping[str, Format]

    @property
    def streams(self) -> bool:
        """Whether text goes straight to the reader, who may see a part before the rest is done."""
        return self.form == "text" and self.output is None

    def render(self, document: Document) -> str:
        """The document in its format. Raises `SpecError` for a column that is not known."""
        return self.formats[self.form].render(document, self.view)

    def __call__(
        self, document: Document, quiet: bool = False, paint: Callable[[str], str] | None = None
    ) -> None:
        """Print it, or write it and say so unless `quiet`. `paint` colours what is streamed."""
        text = self.render(document)
        print_or_write(paint(text) if paint and self.streams else text, self.output, quiet)


def printed(**further: Callable[[], Format]) -> Callable[[F], F]:
    """Gives a command the options of what prints a table, and passes a `Printer` to it.

    Stands below `guarded`. `further` are formats that the command has beside those of all tables,
    by name, each made when it is needed; their suffixes are then known as well.
    """

    def decorate(command: F) -> F:
        @functools.wraps(command)
        def run(
            *args: Any,
            form: str | None,
            output: Path | None,
            columns: str | None,
            wide: bool,
            **kwargs: Any,
        ) -> Any:
            from ..table import FORMATS as every

            formats = {**every, **{name: made() for name, made in further.items()}}
            chosen = form or format_of(output, formats)
            if chosen == "json" and (columns or wide):
                raise click.UsageError("JSON has every figure: no columns to choose from")
            printer = Printer(chosen, output, view_of(output, columns, wide), formats)
            return command(*args, printer=printer, **kwargs)

        made: Any = run
        for option in reversed(_options((*FORMATS, *further))):
            made = option(made)
        return made  # type: ignore[no-any-return]

    return decorate


def _options(names: tuple[str, ...]) -> list[Callable[[Any], Any]]:
    return [
        click.option(
            "--format",
            "form",
            type=click.Choice(names),
            help="How to print it.  [default: as the suffix of the output says, or text]",
        ),
        click.option(
            "--output",
            "-o",
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help="Write to a file; .txt, .md, .csv or .json chooses the format.",
        ),
        click.option(
            "--columns",
            metavar="A,B,...",
            help="Show these columns, in this order, by their names in the table or in CSV.",
        ),
        click.option(
            "--wide",
            is_flag=True,
            help="Show all columns, however wide. Without it, columns give way to what fits.",
        ),
    ]


def format_of(output: Path | None, formats: Mapping[str, Format]) -> str:
    """The format that the suffix of a file stands for; text where there is none.

    Raises `SpecError` for a suffix of no format.
    """
    from ..errors import Diagnostic, SpecError

    suffix = output.suffix.lower() if output else ""
    if output is None or not suffix or is_source(output):  # which is refused as what it is
        return "text"
    for name, known in formats.items():
        if suffix in known.suffixes:
            return name
    suffixes = ", ".join(suffix for known in formats.values() for suffix in known.suffixes)
    message = f"no format has files that end in '{suffix}', as {output.as_posix()} does"
    help = f"known: {suffixes}; or say the format with `--format`"
    raise SpecError([Diagnostic("E006", message, help=help)])


def view_of(output: Path | None, columns: str | None, wide: bool) -> View:
    """How a table is shown on this terminal, or in this file."""
    from ..table import USUAL, View

    names = tuple((columns or "").split(",")) if columns is not None else ()
    width = WIDTH if output else screen_width()
    style = USUAL.style if output or not is_coloured(sys.stdout) else _styled
    return View(None if wide else width, names, wide, style)


def screen_width() -> int:
    """The columns of the terminal, or those that COLUMNS gives; 100 where there is neither."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size((WIDTH, 24)).columns
    else:
        given = os.environ.get("COLUMNS", "")
        width = int(given) if given.isdecimal() and int(given) else WIDTH
    return max(width, NARROWEST)


def _styled(text: str, role: str) -> str:
    return click.style(text, **STYLES[role]) if text and role in STYLES else text
