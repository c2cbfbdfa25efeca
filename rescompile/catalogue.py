"""What there is to choose from: the shipped networks, and the backends that are found."""

from __future__ import annotations

import re
from pathlib import Path

from .language.load import zoo
from .language.yaml import read
from .prose import json_text
from .record import record
from .registry import backend_names, get_backend
from .table import USUAL, Column, Table, View

SPECS = (
    Column("name", "name", words=True, least=16),
    Column("family", "family", words=True),
    Column("title", "title", words=True, least=16),
    Column("source", "source", words=True, least=24),
)
SPECS_GIVE_WAY = ("source", "family", "title")
BACKENDS = (
    Column("name", "name", words=True),
    Column("title", "title", words=True, least=16),
)
FOLDER = "specs"  # whose folders are families; what stands in it itself is called by its name


@record
class Catalogue:
    """The shipped networks and the backends, each a record of texts."""

    specs: tuple[dict[str, str], ...]
    backends: tuple[dict[str, str], ...]

    def text(self, view: View = USUAL) -> str:
        """A table of each. Columns that are asked for are those of the networks, shown alone."""
        specs = Table(SPECS, self.specs, SPECS_GIVE_WAY).text(view)
        if view.columns:
            return "\n".join(specs) + "\n"
        backends = Table(BACKENDS, self.backends, ("title",)).text(view)
        head = (view.style(word, "head") for word in ("specs", "backends"))
        return "\n".join([next(head), "", *specs, "", next(head), "", *backends]) + "\n"

    def markdown(self, view: View = USUAL) -> str:
        """The same as GitHub's Markdown."""
        lines = ["# Specs", "", *Table(SPECS, self.specs, SPECS_GIVE_WAY).markdown(view)]
        if not view.columns:
            backends = Table(BACKENDS, self.backends, ("title",)).markdown(view)
            lines += ["", "# Backends", "", *backends]
        return "\n".join(lines) + "\n"

    def csv(self, view: View = USUAL) -> str:
        """A line for each network."""
        return Table(SPECS, self.specs, SPECS_GIVE_WAY).csv(view)

    def json(self) -> str:
        """Both lists."""
        return json_text({"specs": list(self.specs), "backends": list(self.backends)})


def catalogue() -> Catalogue:
    """What is shipped and what is found. Raises `SpecError` where a shipped file is broken."""
    backends = ({"name": name, "title": get_backend(name).title} for name in backend_names())
    return Catalogue(tuple(_spec(*found) for found in zoo().items()), tuple(backends))


def _spec(name: str, path: Path) -> dict[str, str]:
    top = read(path.read_bytes(), path.name).value
    said = {key: top[key].value if key in top else "" for key in ("title", "source")}
    return {"name": name, "family": family(path), **said}


def family(path: Path, name: str = "") -> str:
    """The family of a network: the folder of its file, `specs/vgg/vgg16.yaml` being of "vgg".

    The ResNets stand in `specs` itself: there, and where a path names no folder, it is what the
    file's name begins with, up to the first figure or underscore; where there is no file, what the
    network's `name` does.
    """
    folder = path.parent.name
    if folder and folder != FOLDER:
        return folder
    stem = path.stem if path.suffix else name or path.stem
    return re.split(r"[\d_]", stem)[0] or stem
