"""How a document is to be shown, and the formats that every document has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..prose import wrap
from ..record import record


def _plain(text: str, role: str) -> str:
    return text


@record
class View:
    """How a table is shown. By default: its usual columns, however wide that is.

    `width` is what a line may take, in columns of a terminal; None has no bound. `columns` are the
    names of those that are asked for; `wide` asks for all, without a bound. `style` colours a text
    by the part that it plays: "head", "rule", "total", "note", "good", "fair" or "bad".
    """

    width: int | None = None
    columns: tuple[str, ...] = ()
    wide: bool = False
    style: Callable[[str, str], str] = _plain

    @property
    def is_chosen(self) -> bool:
        """Whether columns are asked for, by name or all of them."""
        return self.wide or bool(self.columns)


USUAL = View()


class Document(Protocol):
    """Something that is shown in every format; each ends with a newline, but for an empty one.

    JSON has every figure, whatever columns are asked for.
    """

    def text(self, view: View = ..., /) -> str: ...
    def markdown(self, view: View = ..., /) -> str: ...
    def json(self) -> str: ...
    def csv(self, view: View = ..., /) -> str: ...


@record
class Format:
    """A format: the suffixes of its files, and what renders a document in it."""

    suffixes: tuple[str, ...]
    render: Callable[[Document, View], str]


FORMATS = {
    "text": Format((".txt",), lambda document, view: document.text(view)),
    "markdown": Format((".md", ".markdown"), lambda document, view: document.markdown(view)),
    "json": Format((".json",), lambda document, view: document.json()),
    "csv": Format((".csv",), lambda document, view: document.csv(view)),
}


def wrapped(text: str, view: View) -> list[str]:
    """The lines of a text around a table: as wide as the view, where that has a bound."""
    return [text] if view.width is None else wrap(text, view.width, "", "  ")
