"""The difference of two networks for a reader: what changed where, and what it costs, by stage."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from difflib import SequenceMatcher
from fractions import Fraction
from itertools import groupby

from .. import markup
from ..cost.breakdown import stage_rows
from ..cost.cost import CONVENTION, Cost, network_cost
from ..cost.report import figures
from ..ir.structure import Path
from ..ir.trace import Elaborated
from ..prose import json_text, wrap
from ..record import record
from ..table import USUAL, Column, Table, View, rounded, short
from ..table.column import Row
from .difference import Change, differences

WIDTH = 100  # of a text that is given no bound
SHOWN = {"parameters": "parameters", "macs": "MACs", "activation_bytes": "activation bytes"}
GIVES_WAY = (
    "activation_bytes_change",  # before what it is a change of, so that none stands alone
    "activation_bytes",
    "parameters_change",
    "parameters",
    "macs_change",
    "macs",
)


@record
class Group:
    """The same changes in all of `places`; `alike` more have much the same ones."""

    places: tuple[Path, ...]
    blocks: tuple[str, str]
    changes: tuple[Change, ...]
    alike: int = 0

    def title(self) -> str:
        """Where: "layer1.0-2, layer2.0 (basic_block)"; nothing for the network itself."""
        if not self.places[0]:
            return ""
        names = " -> ".join(dict.fromkeys(name for name in self.blocks if name))
        alike = f", and the like in {self.alike} more places" if self.alike else ""
        return f"{', '.join(_ranges(self.places))}{alike} ({names})"

    def lines(self) -> Iterator[str]:
        """A line for each part that changed: "conv2: channels 64 -> 128, groups 1 -> 32"."""
        for (sign, path), found in groupby(self.changes, key=lambda c: (c.sign, c.path)):
            said = ", ".join(change.text() for change in found)
            where = ".".join(path)
            yield f"{sign}{where}: {said}" if where else f"{sign}{said}"


@record
class StageCost:
    """What a stage costs in both networks; nothing where it is absent. The name is `b`'s."""

    name: str
    a: Cost
    b: Cost


@record
class Diff:
    """From network `a` to network `b`."""

    names: tuple[str, str]
    specs: tuple[str, str]
    groups: tuple[Group, ...]
    stages: tuple[StageCost, ...]
    total: StageCost

    @property
    def different(self) -> bool:
        """Whether the networks compute different functions, or call their weights differently."""
        return bool(self.groups)

    def __repr__(self) -> str:
        count = sum(len(group.places) + group.alike for group in self.groups)
        where = f"in {count:,} place{'s' * (count != 1)}" if count else "none"
        return f"<difference from {self.names[0]} to {self.names[1]}: {where}>"

    def text(self, view: View = USUAL) -> str:
        """As wide as the view, 100 columns where that has no bound.

        Raises `SpecError` for a column that is not known.
        """
        width = view.width or WIDTH
        table = self._table()
        table.chosen(view)
        head = [" -> ".join(self.names), *([" -> ".join(self.specs)] if all(self.specs) else [])]
        lines = [view.style(line, "head") for text in head for line in _wrap(text, width)]
        if not self.different:
            return "\n".join([*lines, "no difference"]) + "\n"
        for group in self.groups:
            title = _wrap(group.title() or "network", width)
            lines.extend(["", *(view.style(line, "head") for line in title)])
            for line in group.lines():
                lines.extend(_wrap(line, width, "  "))
        lines.extend(["", *table.text(replace(view, width=width)), ""])
        for text in (*self._totals(), f"({CONVENTION})"):
            lines.extend(_wrap(text, width))
        return "\n".join(lines) + "\n"

    def markdown(self, view: View = USUAL) -> str:
        """For a review: lists and a table of GitHub's Markdown."""
        lines = [f"### `{self.names[0]}` → `{self.names[1]}`", ""]
        table = self._table().markdown(view)
        if not self.different:
            return "\n".join([*lines, "No difference."]) + "\n"
        for group in self.groups:
            lines.append(f"- `{group.title() or 'network'}`")
            lines.extend(f"  - `{line}`" for line in group.lines())
        totals = (f"- {line}" for line in self._totals())
        return "\n".join([*lines, "", *table, "", *totals, "", f"{CONVENTION}."]) + "\n"

    def csv(self, view: View = USUAL) -> str:
        """A line for each stage whose costs differ: the figures of `b`, and how much more."""
        return self._table().csv(view)

    def json(self) -> str:
        """Everything, every place on its own; exact figures of both networks by stage."""
        data = {
            "a": {"name": self.names[0], "spec": self.specs[0]},
            "b": {"name": self.names[1], "spec": self.specs[1]},
            "different": self.different,
            "changes": [
                {
                    "places": [".".join(place) for place in group.places],
                    "alike": group.alike,
                    "blocks": list(group.blocks),
                    "changes": [_record(change) for change in group.changes],
                }
                for group in self.groups
            ],
            "stages": [_costs(stage) for stage in self.stages],
            "total": _costs(self.total),
        }
        return json_text(data)

    def _repr_html_(self) -> str:
        """The places with their changes, and what they cost by stage, for a notebook."""
        head = markup.lines(" -> ".join(self.names), () if self.different else ("no difference",))
        if not self.different:
            return f"<p>{head}</p>"
        places = (
            markup.text(group.title() or "network")
            + markup.bullets(map(markup.text, group.lines()))
            for group in self.groups
        )
        totals = markup.bullets(map(markup.text, self._totals()))
        return f"<p>{head}</p>{markup.bullets(places)}{self._table().html(USUAL)}{totals}"

    def _table(self) -> Table:
        """The stages that changed: the figures of the second network, and how much more."""
        columns = (
            Column("stage", "stage", words=True, least=16, tail=True),
            Column("parameters", "parameters", "{:,}".format),
            Column("parameters_change", "change", _signed),
            Column("macs", "MACs", "{:,}".format),
            Column("macs_change", "change", _signed),
            Column("activation_bytes", "activations", _bytes),
            Column("activation_bytes_change", "change", _more_bytes),
        )
        changed = tuple(_row(stage) for stage in self.stages if stage.a != stage.b)
        return Table(columns, changed, GIVES_WAY, (_row(self.total),))

    def _totals(self) -> Iterator[str]:
        """Both totals of each quantity, exactly."""
        a, b = figures(self.total.a), figures(self.total.b)
        for key, name in SHOWN.items():
            if a[key] == b[key]:
                yield f"{name}: {a[key]:,} in both"
                continue
            share = Fraction(100 * abs(b[key] - a[key]), a[key] or 1)
            sign = "+" if b[key] > a[key] else "-"
            percent = f", {sign}{rounded(share, 3)} %" if a[key] else ""
            yield f"{name}: {a[key]:,} -> {b[key]:,} ({_signed(b[key] - a[key])}{percent})"


def diff(a: Elaborated, b: Elaborated) -> Diff:
    """The difference from network `a` to network `b`."""
    rows = [[(row.name, row.cost) for row in stage_rows(side)] for side in (a, b)]
    return Diff(
        names=(a.network.name, b.network.name),
        specs=(a.network.spec, b.network.spec),
        groups=tuple(_groups(differences(a, b))),
        stages=tuple(_side_by_side(*rows)),
        total=StageCost("total", network_cost(a), network_cost(b)),
    )


def _side_by_side(a: list[tuple[str, Cost]], b: list[tuple[str, Cost]]) -> Iterator[StageCost]:
    """Stages of one name together, and between them as many of other names, in order."""
    names = [name for name, _ in a], [name for name, _ in b]
    for _, i1, i2, j1, j2 in SequenceMatcher(None, *names, autojunk=False).get_opcodes():
        if i2 - i1 == j2 - j1:
            yield from (
                StageCost(y[0], x[1], y[1]) for x, y in zip(a[i1:i2], b[j1:j2], strict=True)
            )
        else:
            yield from (StageCost(name, cost, Cost()) for name, cost in a[i1:i2])
            yield from (StageCost(name, Cost(), cost) for name, cost in b[j1:j2])


def _groups(changes: Iterable[Change]) -> Iterator[Group]:
    """Places with the same changes together.

    Where a block stands for another one, only the changes that are most common, with their numbers.
    """
    by_place: dict[Path, list[Change]] = {}
    for change in changes:
        by_place.setdefault(change.place, []).append(change)
    same: dict[tuple[str, str], dict[object, list[Path]]] = {}
    for place, found in by_place.items():
        inner = tuple((c.path, c.what, c.before, c.after) for c in found)
        same.setdefault(found[0].blocks, {}).setdefault(inner, []).append(place)
    for blocks, found_in in same.items():
        if blocks[0] == blocks[1]:
            for places in found_in.values():
                yield Group(tuple(places), blocks, tuple(by_place[places[0]]))
        else:
            shown = max(found_in.values(), key=len)
            alike = sum(map(len, found_in.values())) - len(shown)
            yield Group(tuple(shown), blocks, tuple(by_place[shown[0]]), alike)


def _ranges(places: Iterable[Path]) -> Iterator[str]:
    """Paths with successive numbers at their ends as ranges: "layer1.0-2"."""
    for parent, found in groupby(places, key=lambda path: path[:-1]):
        names = [path[-1] for path in found]
        start = 0
        for i, name in enumerate(names):
            following = names[i + 1] if i + 1 < len(names) else ""
            if name.isdigit() and following == str(int(name) + 1):
                continue
            last = f"-{name}" if i > start else ""
            yield ".".join((*parent, names[start] + last))
            start = i + 1


def _row(stage: StageCost) -> Row:
    a, b = figures(stage.a), figures(stage.b)
    row: dict[str, object] = {"stage": stage.name}
    for key in SHOWN:
        row |= {key: b[key], f"{key}_change": b[key] - a[key]}
    return row


def _bytes(count: int) -> str:
    text = short(count)
    return f"{text}B" if " " in text else f"{text} B"


def _more_bytes(change: int) -> str:
    return f"{'+' if change > 0 else '-'}{_bytes(abs(change))}" if change else "0"


def _signed(value: int) -> str:
    return f"{value:+,}" if value else "0"


def _wrap(text: str, width: int, indent: str = "") -> list[str]:
    return wrap(text, width, indent, f"{indent}    ")


def _record(change: Change) -> dict[str, object]:
    return {
        "path": ".".join(change.path),
        "what": change.what,
        "before": change.before,
        "after": change.after,
    }


def _costs(stage: StageCost) -> dict[str, object]:
    return {"name": stage.name, "a": figures(stage.a), "b": figures(stage.b)}
