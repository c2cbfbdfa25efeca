"""Published weights of networks in a table, a row each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..prose import json_text, markdown
from ..record import record
from ..table import USUAL, Column, Row, Table, View, wrapped
from .entry import Published


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(map(str, values))


COLUMNS = (
    Column("spec", "spec", words=True, least=12),
    Column("name", "weights", words=True, least=12),
    Column("top1", "top-1", "{:.2f}".format, exact=str),
    Column("top5", "top-5", "{:.2f}".format, exact=str),
    Column("mib", "MiB", "{:.1f}".format, exact=str),
    Column("resize", "resize"),
    Column("crop", "crop"),
    Column("mean", "mean", words=True, usual=False),
    Column("std", "std", words=True, usual=False),
    Column("interpolation", "interpolation", words=True, usual=False),
    Column("file", "file", words=True, least=16, tail=True),
    Column("url", "url", words=True, usual=False),
    Column("sha256", "sha256", words=True, usual=False),
    Column("license", "license", words=True, usual=False),
    Column("where", "where", words=True, usual=False),
    Column("recipe", "recipe", words=True, usual=False),
)
GIVE_WAY = ("mib", "resize", "crop", "top5", "file", "top1", "name")


@record
class Listing:
    """Entries beside the names of their specs, and sentences about them.

    Accuracies are in percent, as printed, or what the printed error leaves of a hundred.
    """

    found: tuple[tuple[str, Published], ...]
    notes: tuple[str, ...] = ()

    @property
    def table(self) -> Table:
        return Table(COLUMNS, tuple(_row(spec, one) for spec, one in self.found), GIVE_WAY)

    def text(self, view: View = USUAL) -> str:
        """An aligned table, and what is to be said about it."""
        lines = self.table.text(view) if self.found else []
        for i, note in enumerate(self.notes):
            lines += [""] * bool(lines and i == 0)
            lines += wrapped(note, view)
        return "\n".join(lines) + "\n"

    def markdown(self, view: View = USUAL) -> str:
        """The same as GitHub's Markdown."""
        lines = self.table.markdown(view) if self.found else []
        for note in self.notes:
            lines += ["", markdown(note)]
        return "\n".join(lines) + "\n"

    def csv(self, view: View = USUAL) -> str:
        """A line for each entry."""
        return self.table.csv(view)

    def json(self) -> str:
        """A record for each entry, with all that the spec says of it."""
        return json_text([_record(spec, one) for spec, one in self.found])


def listing(nets: Iterable[tuple[str, Iterable[Published]]], notes: Iterable[str] = ()) -> Listing:
    """The entries of some networks, given by name, and what the entries themselves say."""
    found = tuple((spec, one) for spec, entries in nets for one in entries)
    said = dict.fromkeys(one.about for _, one in found if one.about)
    about = (f"{_whose(found, text)}: {text}" for text in said)
    return Listing(found, (*notes, *about))


def _whose(found: Iterable[tuple[str, Published]], about: str) -> str:
    return ", ".join(f"{spec} {one.name}" for spec, one in found if one.about == about)


def _row(spec: str, one: Published) -> Row:
    metrics, before = dict(one.metrics), one.preprocessing
    said: dict[str, Any] = {
        "spec": spec,
        "name": one.name,
        "top1": one.top1,
        "top5": metrics.get("acc@5"),
        "mib": one.mib,
        "file": one.filename,
        "url": one.url,
        "sha256": one.sha256,
        "license": one.license,
        "where": one.where,
        "recipe": one.recipe,
    }
    if before is not None:
        said |= {"resize": before.resize, "crop": before.crop}
        said |= {"mean": _numbers(before.mean), "std": _numbers(before.std)}
        said |= {"interpolation": before.interpolation if before.resize else ""}
    return {key: value for key, value in said.items() if value is not None}


def _record(spec: str, one: Published) -> dict[str, Any]:
    before = one.preprocessing
    return {
        "spec": spec,
        "name": one.name,
        "url": one.url,
        "sha256": one.sha256,
        "mib": one.mib,
        "format": one.format or None,
        "rename": dict(one.rename),
        "skip": list(one.skip),
        "preprocessing": None if before is None else before.record(),
        "metrics": dict(one.metrics),
        "where": one.where,
        "recipe": one.recipe,
        "license": one.license,
        "about": one.about,
    }
