"""What a backend keeps as text: templates, which arrange what Python has computed, and helpers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined

from ..prose import wrap
from .layout import line, line_length, signature
from .summary import docstring

PACKED = re.compile(r"\(\n +(.*[^,\n])\n *\)")  # brackets that need not be on lines of their own
HEAD = re.compile(r"( *)def (\w+)\((.*)\) -> (.*):")
DOCSTRING = re.compile(r'    """(.*)"""')
PARAGRAPHS = re.compile(r'^    """((?:(?!""").)+)\n    """$', re.MULTILINE | re.DOTALL)
DEFINITION = re.compile(r"(?:^|\n{3})(?=@|class |def )")
NAMED = re.compile(r"^(?:class|def) (\w+)", re.MULTILINE)
SHARED = Path(__file__).parent / "helpers"  # those that are the same for every target


def environment(*folders: Path) -> Environment:
    """Templates of some folders. Undefined names are errors, and nothing is escaped."""
    files = (file for folder in folders for file in sorted(folder.glob("*.j2")))
    sources = {file.name: file.read_text("utf-8") for file in files}
    return Environment(
        loader=DictLoader(sources),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def helper(place: Path, name: str) -> str:
    """The source of a helper that emitted files define, a backend's own or one that all share."""
    return _laid_out({**_texts(SHARED), **_texts(place)}[name])


def helpers(place: Path) -> dict[str, str]:
    """The helpers in a Python file, or in those of a folder in the order of their names."""
    return {name: _laid_out(text) for name, text in _texts(place).items()}


@cache
def _texts(place: Path) -> dict[str, str]:
    """As they stand there; how they are laid out depends on the lines of the emitted file.

    Above them a file has imports, for the tools that check it; an emitted file has its own.
    """
    found: dict[str, str] = {}
    for file in [place] if place.is_file() else sorted(place.glob("*.py")):
        _, *texts = DEFINITION.split(file.read_text("utf-8").rstrip("\n"))
        found |= {NAMED.findall(text)[0]: text for text in texts}
    return found


def _laid_out(text: str) -> str:
    text = PARAGRAPHS.sub(_filled, PACKED.sub(r"(\1)", text))
    return "\n".join(map(_fitted, text.split("\n")))


def _filled(about: re.Match[str]) -> str:
    """A docstring of paragraphs, for the lines of the file."""
    first, *others = (" ".join(one.split()) for one in about[1].split("\n\n"))
    lines = wrap(first, line_length(), '    """', "    ")
    for other in others:
        lines += ["", *wrap(other, line_length(), "    ", "    ")]
    return "\n".join([*lines, '    """'])


def _fitted(text: str) -> str:
    """A line of a helper, laid out for the lines of the file."""
    if about := DOCSTRING.fullmatch(text):
        return "\n".join(docstring(about[1]))
    if head := HEAD.fullmatch(text):
        indent, name, params, returns = head.groups()
        return signature(name, re.split(r", (?=\**\w+:|\*,)", params), returns, len(indent))
    return line(text)


def mentions(code: Iterable[str], name: str) -> bool:
    """Whether code has a name of the file: a regular expression, with what follows the name."""
    return any(re.search(rf"(?<![\w.]){name}", text) for text in code)


def tidy(source: str) -> str:
    """Blank lines as PEP 8 wants them, two at the top level, one inside; no line too long."""
    source = re.sub(r"\n{4,}", "\n\n\n", source.strip("\n"))
    source = re.sub(r"\n{3,}(?=[ ])", "\n\n", source)
    return "\n".join(map(line, source.split("\n"))) + "\n"
