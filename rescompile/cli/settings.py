"""What `[tool.rescompile]` in pyproject.toml says: defaults of options, which a command line beats.

As ruff has it, the file is the nearest pyproject.toml, from the working directory upwards, that has
the table. It speaks of commands that write or judge: build, watch and lint.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ..emit.layout import NARROWEST, WIDEST
from ..errors import Diagnostic, Location, SpecError, did_you_mean
from ..lint.rules import RULES
from ..registry import backend_names

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE, TABLE = "pyproject.toml", ("tool", "rescompile")
Keys = tuple[str, ...]
Judge = Callable[[Any], Iterator[str]]
HEAD = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?")
KEY = re.compile(r"\s*([\w\"'-]+(?:\s*\.\s*[\w\"'-]+)*)\s*=")
PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def defaults(folder: Path) -> dict[str, dict[str, Any]]:
    """The options of each command that a project in or above this folder sets, for click.

    Raises `SpecError` with all that is wrong with the table.
    """
    for where in (folder, *folder.parents):
        file = where / FILE
        try:
            data = file.read_bytes() if file.is_file() else b""
        except OSError:
            continue
        if TABLE[-1].encode() in data:
            text = _decoded(file, data)
            found = _parsed(file, text).get(TABLE[0], {})
            if isinstance(found, dict) and TABLE[-1] in found:
                return _options(found[TABLE[-1]], file, text)
    return {}


def _options(table: Any, file: Path, text: str) -> dict[str, dict[str, Any]]:
    wrong = list(_wrong(table, SETTINGS, (), file, text))
    if wrong:
        raise SpecError(wrong)
    build = {key.replace("-", "_"): value for key, value in table.items() if key != "lint"}
    if "output" in build:
        build["output"] = os.path.relpath(file.parent / build["output"])
    return {"build": build, "watch": build, "lint": table.get("lint", {})}


def _wrong(
    table: Any, known: dict[str, Any], keys: Keys, file: Path, text: str
) -> Iterator[Diagnostic]:
    """What is wrong with a table of settings, each with its place."""

    def at(*inner: str) -> Location:
        return _place(file, text, (*TABLE, *keys, *inner))

    if not isinstance(table, dict):
        name = ".".join((*TABLE, *keys))
        yield Diagnostic("E007", f"{name} is a table", at(), help=f"write `[{name}]`")
        return
    for key, value in table.items():
        if key not in known:
            help = did_you_mean(key, known)
            yield Diagnostic("E007", f"there is no setting '{key}'", at(key), help=help)
        elif isinstance(known[key], dict):
            yield from _wrong(value, known[key], (*keys, key), file, text)
        else:
            for help in known[key](value):
                yield Diagnostic("E007", f"{key} cannot be {value!r}", at(key), help=help)


def _folder(value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not value or "\0" in value:
        yield 'write a folder, from where the file stands: `output = "generated"`'


def _length(value: Any) -> Iterator[str]:
    if type(value) is not int or not NARROWEST <= value <= WIDEST:
        yield f"write a whole number from {NARROWEST} to {WIDEST}"


def _switch(value: Any) -> Iterator[str]:
    if not isinstance(value, bool):
        yield "write `true` or `false`"


def _names(known: Callable[[], Iterable[str]], example: str) -> Judge:
    """A list of names that are known."""

    def judge(value: Any) -> Iterator[str]:
        if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
            yield f"write a list: `{example}`"
            return
        for name in value:
            if name not in known():
                yield f"there is no '{name}'; {did_you_mean(name, known())}"

    return judge


SETTINGS: dict[str, Any] = {
    "output": _folder,
    "line-length": _length,
    "backends": _names(backend_names, "backends = [...]"),
    "lint": {"allow": _names(lambda: RULES, 'allow = ["F101"]'), "strict": _switch},
}


def _decoded(file: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        found = Diagnostic("E007", "the file is not UTF-8", Location(_shown(file), 1, 1))
        raise SpecError([found]) from None


def _parsed(file: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        said, lines = PLACE.search(str(error)), text.splitlines() or [""]
        known = said is not None and said[1] is not None  # else it is the end of the file
        line, column = map(int, said.groups()) if said and known else (len(lines), 0)
        shown = lines[min(line, len(lines)) - 1]
        at = Location(_shown(file), line, column or len(shown) + 1, shown)
        what = PLACE.sub("", str(error))
        raise SpecError([Diagnostic("E007", f"this is no TOML: {what}", at)]) from None


def _place(file: Path, text: str, wanted: Keys) -> Location:
    """Where a key stands, or the innermost table or key around it whose line can be told."""
    best, at = 0, Location(_shown(file), 1, 1, text.partition("\n")[0])
    head: Keys = ()
    for number, line in enumerate(text.splitlines(), 1):
        if found := HEAD.fullmatch(line):
            keys = head = _split(found[1])
        elif found := KEY.match(line):
            keys = (*head, *_split(found[1]))
        else:
            continue
        if best < len(keys) <= len(wanted) and keys == wanted[: len(keys)]:
            best, at = len(keys), Location(_shown(file), number, found.start(1) + 1, line)
    return at


def _split(dotted: str) -> Keys:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _shown(file: Path) -> str:
    return Path(os.path.relpath(file)).as_posix()
