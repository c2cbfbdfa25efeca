"""HTML for a cell of a notebook: fragments that every theme can show.

They have no ids and no style sheet, so that cells do not meet, and no colours of their own, so that
they are read in light and dark. All text is escaped, and what cannot be seen of it is shown.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape

from .prose import visible

SCROLL = "max-height: 32em; overflow: auto"


def text(value: str) -> str:
    """A text as HTML, also between the quotes of an attribute."""
    return escape(visible(value))


def lines(first: str, rest: Iterable[str]) -> str:
    """A line that stands out, and others below it."""
    return "<br>".join([f"<strong>{text(first)}</strong>", *map(text, rest)])


def bullets(items: Iterable[str]) -> str:
    """A list; the items are HTML."""
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], left: Sequence[bool]) -> str:
    """A table that scrolls where it is long; `left` tells which columns are flush left."""
    titles = "".join(
        f'<th scope="col" style="{_align(flush)}">{text(title)}</th>'
        for title, flush in zip(head, left, strict=True)
    )
    body = "".join(f"<tr>{_cells(row, left)}</tr>" for row in rows)
    whole = f"<thead><tr>{titles}</tr></thead><tbody>{body}</tbody>"
    return f'<div style="{SCROLL}"><table style="white-space: nowrap">{whole}</table></div>'


def _cells(row: Sequence[str], left: Sequence[bool]) -> str:
    first = f'<th scope="row" style="{_align(left[0])}">{text(row[0])}</th>'
    rest = zip(row[1:], left[1:], strict=True)
    return first + "".join(f'<td style="{_align(flush)}">{text(cell)}</td>' for cell, flush in rest)


def _align(left: bool) -> str:
    return f"padding: 0.2em 0.6em; text-align: {'left' if left else 'right'}"


def image(svg: str, words: str) -> str:
    """An SVG in an image of its own, so that its style and its ids meet nobody else's."""
    return f'<img src="{address(svg)}" alt="{text(words)}" style="max-width: 100%; height: auto">'


def address(svg: str) -> str:
    """An SVG as the address of itself: an image that is loaded from nowhere."""
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
