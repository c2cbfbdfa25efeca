"""The manual: the Markdown files of docs/, inside the package, or beside it in a clone."""

from __future__ import annotations

from pathlib import Path

from .errors import Diagnostic, SpecError, did_you_mean
from .prose import visible


def folder() -> Path:
    """Where the pages are."""
    package = Path(__file__).resolve().parent
    inside = package / "docs"
    return inside if inside.is_dir() else package.parent / "docs"


def pages() -> dict[str, str]:
    """The title of each page by its name: its first heading."""
    found = {}
    for file in sorted(folder().glob("*.md")):
        with file.open(encoding="utf-8") as lines:
            heads = (line for line in lines if line.startswith("# "))
            found[file.stem] = visible(next(heads, file.stem).removeprefix("# ").strip())
    return found


def page(name: str) -> str:
    """The text of a page. Raises `SpecError` where there is none of that name."""
    known = pages()
    if (stem := name.lower().removesuffix(".md")) not in known:
        help = did_you_mean(stem, known)
        raise SpecError([Diagnostic("E008", f"there is no page '{name}' in the docs", help=help)])
    return (folder() / f"{stem}.md").read_text("utf-8")
