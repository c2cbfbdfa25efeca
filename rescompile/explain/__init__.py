"""What each code of a diagnostic means: a page with an example, its message, and its fix.

The pages are Markdown files beside this module and travel with the package. `rescompile explain`
prints them, docs/errors.md is made of them, and a test does what they say: the example raises the
code with exactly the text that is shown, and the fix does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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
    """The page of a code; `text` is Markdown and begins with the code and the title."""

    code: str
    text: str

    @property
    def title(self) -> str:
        """What is wrong, in a few words."""
        return self.text.splitlines()[0].removeprefix(f"# {self.code}: ")


def codes() -> list[str]:
    """Every code that has a page, in order."""
    return sorted(path.stem for path in PAGES.glob("*.md"))


def page(code: str) -> Page:
    """The page of a code. Raises `KeyError` where there is none."""
    path = PAGES / f"{code}.md"
    if code not in codes():
        raise KeyError(code)
    return Page(code, path.read_text("utf-8"))


def index() -> str:
    """All codes with their titles, by kind, as Markdown."""
    lines: list[str] = []
    for prefix, kind in KINDS.items():
        lines += [f"**{kind}**", ""]
        lines += [f"* `{c}` {page(c).title}" for c in codes() if c.startswith(prefix)]
        lines.append("")
    return "\n".join(lines)
