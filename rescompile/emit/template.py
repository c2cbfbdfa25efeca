"""What a backend keeps as text: templates, which arrange what Python has computed, and helpers."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined

from .layout import line, signature
from .summary import docstring

PACKED = re.compile(r"\(\n +(.*[^,\n])\n *\)")  # brackets that need not be on lines of their own
HEAD = re.compile(r"( *)def (\w+)\((.*)\) -> (.*):")
DOCSTRING = re.compile(r'    """(.*)"""')
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


def helper(folder: Path, name: str) -> str:
    """The source of a helper that emitted files define: its file from the first definition on.

    Above that are imports, for the tools that check the file; an emitted file has its own. What is
    not in `folder`, or in the Python file that is given for one, is one that all targets share.
    """
    file = folder / f"{name}.py"
    if folder.is_file() and name in (found := helpers(folder)):
        return found[name]
    source = (file if file.is_file() else SHARED / file.name).read_text("utf-8")
    return _laid_out(re.split(r"^(?=@|class |def )", source, maxsplit=1, flags=re.MULTILINE)[-1])


def helpers(file: Path) -> dict[str, str]:
    """All helpers of a backend that has them in one file, by their names, in its order."""
    _, *texts = re.split(r"\n{3}(?=@|class |def )", file.read_text("utf-8").rstrip("\n"))
    named = re.compile(r"^(?:class|def) (\w+)", re.MULTILINE)
    return {named.findall(text)[0]: _laid_out(text) for text in texts}


def _laid_out(text: str) -> str:
    return "\n".join(map(_fitted, PACKED.sub(r"(\1)", text).split("\n")))


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
