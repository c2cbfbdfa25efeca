"""The line of a new spec by which editors know its language, and the schema that it names."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from ..files import Output
from ..language.load import zoo_directory

OURS = b'"#/$defs/SpecChange"'  # near the head of a schema that we have written
NAMES = ("schema.json", "rescompile.schema.json")
LEVELS = 2  # folders in which one is looked for: that of the spec, and the one around it


def schema_line(spec: Path) -> tuple[str, Output | None]:
    """The first line for a spec, and the schema to be written beside it where there is none.

    A path in it is relative, and leads to a file that is there: the line holds on any machine that
    has both files.
    """
    folder = Path(os.path.abspath(spec)).parent
    for around in islice((folder, *folder.parents), LEVELS):
        for name in NAMES:
            if _is_ours(around / name):
                return _line(Path(os.path.relpath(around / name, folder))), None
    beside = spec.parent / NAMES[-1]
    if os.path.lexists(beside):  # somebody else's
        return "", None
    shipped = zoo_directory() / NAMES[0]  # made of docstrings, which `python -OO` does not have
    return _line(Path(beside.name)), Output(beside, shipped.read_bytes())


def _line(schema: Path) -> str:
    return f"# yaml-language-server: $schema={schema.as_posix()}\n"


def _is_ours(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return OURS in opened.read(2048)
    except OSError:
        return False
