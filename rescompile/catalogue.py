"""What there is to choose from: the shipped networks, and the backends that are found."""

from __future__ import annotations

import json
import re
from operator import itemgetter
from pathlib import Path
from typing import Any

from . import errors
from .cost.report import columns
from .emit.contract import Backend
from .errors import Diagnostic, render
from .language.load import zoo, zoo_directory
from .language.yaml import read
from .prose import json_text
from .record import record
from .registry import broken, working
from .table import USUAL, Column, Row, Table, View


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


COSTS = ("layers", "parameters", "macs")
TOP1 = Column("top1", "top-1", _percent, exact=lambda value: "" if value is None else str(value))
SPECS = (
    Column("name", "name", words=True, least=16),
    Column("family", "family", words=True),
    Column("title", "title", words=True, least=16),
    *(column for column in columns("network") if column.key in COSTS),
    TOP1,
    Column("source", "source", words=True, least=24),
)
SPECS_GIVE_WAY = ("source", "layers", "family", "top1", "macs", "parameters", "title")
BACKENDS = (
    Column("name", "name", words=True),
    Column("title", "title", words=True, least=16),
    Column("default", "by default", words=True),
    Column("proved", "proved", words=True),
    Column("runs", "runs", words=True),
    Column("files", "files", words=True),
)
BACKENDS_GIVE_WAY = ("title", "files", "default", "runs", "proved")
OVERVIEW = "overview.json"  # what `report specs` says, so that nothing is compiled for a list
FOLDER = "specs"  # whose folders are families; what stands in it itself is called by its name


@record
class Catalogue:
    """The shipped networks, with costs and accuracy as in an overview, and the backends."""

    specs: tuple[Row, ...]
    backends: tuple[dict[str, str], ...]
    broken: tuple[Diagnostic, ...] = ()  # what is wrong with further backends

    def text(self, view: View = USUAL) -> str:
        """A table of each. Columns that are asked for are those of the networks, shown alone."""
        specs = Table(SPECS, self.specs, SPECS_GIVE_WAY).text(view)
        if view.columns:
            return "\n".join(specs) + "\n"
        backends = Table(BACKENDS, self.backends, BACKENDS_GIVE_WAY).text(view)
        head = (view.style(word, "head") for word in ("specs", "backends"))
        lines = [next(head), "", *specs, "", next(head), "", *backends]
        lines += [line for one in self.broken for line in ("", render(one))]
        return "\n".join(lines) + "\n"

    def markdown(self, view: View = USUAL) -> str:
        """The same as GitHub's Markdown."""
        lines = ["# Specs", "", *Table(SPECS, self.specs, SPECS_GIVE_WAY).markdown(view)]
        if not view.columns:
            backends = Table(BACKENDS, self.backends, BACKENDS_GIVE_WAY).markdown(view)
            lines += ["", "# Backends", "", *backends]
            lines += [line for one in self.broken for line in ("", "```", render(one), "```")]
        return "\n".join(lines) + "\n"

    def csv(self, view: View = USUAL) -> str:
        """A line for each network."""
        return Table(SPECS, self.specs, SPECS_GIVE_WAY).csv(view)

    def json(self) -> str:
        """Both lists, and the diagnostics of what is broken."""
        told = [errors.record(one) for one in self.broken]
        lists = {"specs": [*map(dict, self.specs)], "backends": list(self.backends)}
        return json_text({**lists, "broken": told})


def catalogue() -> Catalogue:
    """What is shipped and what is found. Raises `SpecError` where a shipped file is broken."""
    backends = sorted(map(_backend, working()), key=itemgetter("name"))
    costs = {row["name"]: row for row in json.loads((zoo_directory() / OVERVIEW).read_bytes())}
    specs = (_spec(name, path, costs.get(name, {})) for name, path in zoo().items())
    return Catalogue(tuple(specs), tuple(backends), tuple(broken()))


def _backend(found: Backend) -> dict[str, str]:
    said = {"default": found.by_default, "proved": found.trace is not None}
    said["runs"] = found.runtime is not None
    words = {key: "yes" if value else "no" for key, value in said.items()}
    return {"name": found.name, "title": found.title, "files": found.suffix, **words}


def _spec(name: str, path: Path, costs: Row) -> dict[str, Any]:
    top = read(path.read_bytes(), path.name).value
    said = {key: top[key].value if key in top else "" for key in ("title", "source")}
    figures = {key: costs[key] for key in (*COSTS, TOP1.key) if key in costs}
    return {"name": name, "family": family(path), "title": said["title"], **figures, **said}


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
