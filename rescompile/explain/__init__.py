"""What each code of a diagnostic means: a page with an example, its message, and its fix.

The pages are Markdown files beside this module and travel with the package. `rescompile explain`
prints them, docs/errors.md is made of them, and a test does what they say: the example raises the
code with exactly the text that is shown, and the fix does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..prose import json_text
from ..table import USUAL, Column, Table, View, wrapped

PAGES = Path(__file__).parent / "pages"
KINDS = {
    "E0": "Files and names on the command line",
    "E1": "What a spec says",
    "E2": "What a spec means",
    "E3": "Files of weights",
    "E4": "What a backend cannot express",
    "F1": "Warnings of `rescompile lint`",
    "F2": "Warnings of `rescompile lint` about what no step takes",
}


@dataclass(frozen=True)
class Page:
    """The page of a code; `body` is Markdown and begins with the code and the title."""

    code: str
    body: str

    @property
    def title(self) -> str:
        """What is wrong, in a few words."""
        return self.body.splitlines()[0].removeprefix(f"# {self.code}: ")

    @property
    def kind(self) -> str:
        """What codes of this beginning are about."""
        return KINDS[self.code[:2]]

    def text(self, view: View = USUAL) -> str:
        """The page as it stands."""
        return self.body

    def markdown(self, view: View = USUAL) -> str:
        """The page as it stands."""
        return self.body

    def csv(self, view: View = USUAL) -> str:
        """Its line in the list of codes."""
        return Index((self,)).csv(view)

    def json(self) -> str:
        """The code, its kind, its title, and the page as Markdown."""
        return json_text({**_row(self), "page": self.body})


COLUMNS = (
    Column("code", "code", words=True),
    Column("title", "title", words=True, least=24),
    Column("kind", "kind", words=True, usual=False),
)


@dataclass(frozen=True)
class Index:
    """Codes with their titles, by kind."""

    pages: tuple[Page, ...]

    def text(self, view: View = USUAL) -> str:
        """A table for each kind; one of all where columns are asked for."""
        if view.is_chosen:
            return "\n".join(_table(self.pages).text(view)) + "\n"
        lines: list[str] = []
        for kind, pages in self.by_kind():
            lines += [view.style(line, "head") for line in wrapped(kind, view)]
            lines += [*_table(pages).text(view)[2:], ""]  # what stands in it says itself
        said = "`rescompile explain CODE` tells more"
        return "\n".join([*lines, *wrapped(said, view)]) + "\n"

    def markdown(self, view: View = USUAL) -> str:
        """Headings and tables."""
        lines: list[str] = []
        for kind, pages in self.by_kind():
            lines += [f"## {kind}", "", *_table(pages).markdown(view), ""]
        return "\n".join(lines)

    def csv(self, view: View = USUAL) -> str:
        """A line for each code."""
        return _table(self.pages).csv(view)

    def json(self) -> str:
        """A list of codes."""
        return json_text(list(map(_row, self.pages)))

    def by_kind(self) -> list[tuple[str, tuple[Page, ...]]]:
        """What codes are about, and those that are about it."""
        found = [(kind, tuple(p for p in self.pages if p.kind == kind)) for kind in KINDS.values()]
        return [(kind, pages) for kind, pages in found if pages]


def _row(page: Page) -> dict[str, str]:
    return {"code": page.code, "title": page.title, "kind": page.kind}


def _table(pages: tuple[Page, ...]) -> Table:
    return Table(COLUMNS, tuple(map(_row, pages)), ("kind", "title"))


def codes() -> list[str]:
    """Every code that has a page, in order."""
    return sorted(path.stem for path in PAGES.glob("*.md"))


def page(code: str) -> Page:
    """The page of a code. Raises `KeyError` where there is none."""
    path = PAGES / f"{code}.md"
    if code not in codes():
        raise KeyError(code)
    return Page(code, path.read_text("utf-8"))


def index() -> Index:
    """Every code that has a page."""
    return Index(tuple(map(page, codes())))
