"""Text that others wrote, made fit for where it is printed: titles, sources, names of files.

Data keeps text as it was given; whoever prints it comes here. Nothing in it then steers a terminal,
turns the direction of a line, or cannot be encoded. Lines are measured as they will be written, so
escapes cannot push one past its width, and no escape is ever cut in two. Imports nothing of ours.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from textwrap import TextWrapper

# What stands in one line: authors with the year behind them, and a word with its number.
CITED = re.compile(
    r"[^\w\s]?(?:(?:[A-Z]\w* )?et al\.(?: [\dA-Z]\S*)?"
    r"|(?:(?:Figs?|Eqs?|Secs?)\.|[Tt]ables?|[Ss]ections?|Appendix) [\dA-Z]\S*)"
)


def visible(text: str, keep: str = "") -> str:
    """Text with all that cannot be seen as escapes: `\\x1b`, `\\u202e`, `\\udcff` for byte 0xff.

    Those are controls, marks of direction, line breaks, odd spaces and lone surrogates; characters
    in `keep` stay.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else ascii(c)[1:-1] for c in text)


def quoted(text: str) -> str:
    """Visible text as it stands between triple quotes in source: it evaluates to itself.

    A bare quote at its end needs a space behind it, and a quote at its start one before it.
    """
    return visible(text).replace("\\", "\\\\").replace('"""', '""\\"')


def columns(text: str) -> int:
    """The columns that a text takes: two for a wide character, none for a mark on another one."""
    if text.isascii():
        return len(text)
    return sum(
        0
        if unicodedata.category(char) in ("Mn", "Me")
        else 1 + (unicodedata.east_asian_width(char) in "WF")
        for char in text
    )


def pad(text: str, width: int, right: bool = False) -> str:
    """Text filled up to `width` columns with spaces behind it, or before it: flush `right`."""
    space = " " * (width - columns(text))
    return space + text if right else text + space


def wrap(
    text: str,
    width: int,
    first: str = "",
    rest: str = "",
    write: Callable[[str], str] = visible,
) -> list[str]:
    """The lines of a text, each at most `width` columns wide as `write` writes it.

    Lines break at spaces and hyphens, as textwrap's do, but not within "Fig. 2" or "et al. 2019"; a
    word that is wider than a line breaks between characters. `first` and `rest` stand before the
    lines and count.
    """
    chunks = _chunks(visible(text).strip())
    lines: list[str] = []
    line = ""
    while chunks:
        room = width - columns(rest if lines else first)
        if columns(write((line + chunks[0]).rstrip())) <= room:
            line += chunks.pop(0)
            continue
        if not line and chunks[0].isspace():
            del chunks[0]
            continue
        if not line:
            cut = _fitting(chunks[0], room, write)
            line, chunks[0] = chunks[0][:cut], chunks[0][cut:]
        lines.append((rest if lines else first) + write(line.rstrip()))
        line = ""
    return [*lines, (rest if lines else first) + write(line.rstrip())] if line else lines


def _chunks(text: str) -> list[str]:
    """The words of a text and the spaces between them; what stands in one line is one."""
    made: list[str] = []
    for chunk in filter(None, TextWrapper.wordsep_re.split(text)):
        made.append(chunk)
        while made[2:] and CITED.fullmatch(whole := "".join(made[-3:])):
            made[-3:] = [whole]
    return made


def _fitting(word: str, room: int, write: Callable[[str], str]) -> int:
    """How many characters of a word fit, at least one."""
    cut = 1
    while columns(write(word[: cut + 1])) <= room:
        cut += 1
    return cut


def markdown(text: str) -> str:
    """Visible text that means itself in GitHub's Markdown: in a line, a heading or a table."""
    return re.sub(r"[\\|*_`<\[~$]|&(?=[#\w])|(?<=\s)#(?=#*$)", r"\\\g<0>", visible(text))


def json_text(data: object) -> str:
    """Indented JSON, keys in the order given; what cannot be seen is escaped, as JSON does it."""
    text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    if text.replace("\n", "").isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)
