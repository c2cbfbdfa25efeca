"""What a verification found, as data: for a reader, for a README, and for the record."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

from ..prose import json_text, visible
from ..reference.deviation import Deviation
from ..table import USUAL, Column, Table, View, wrapped
from .checks import NOISE
from .locate import Place

REFERENCE = "reference"
INSET = "  "
ROLES = {"ok": "good", "FAIL": "bad"}


@dataclass(frozen=True)
class Row:
    """One check: how far each framework is from the reference, and from each other.

    `pairs` is keyed by two labels, the second being "reference" where that is the measure.
    """

    check: str
    dtype: str
    image: str
    bound: float | None
    pairs: Mapping[tuple[str, str], Deviation]
    noise: float | None = None  # the reference's own, where it matters

    @property
    def limit(self) -> float:
        """What an error is compared with: infinity where nothing is judged."""
        if self.bound is None:
            return math.inf
        return max(self.bound, NOISE * (self.noise or 0.0))

    @property
    def worst(self) -> tuple[tuple[str, str], Deviation]:
        """The largest deviation, and between whom."""
        return max(self.pairs.items(), key=lambda pair: pair[1].error)

    @property
    def good(self) -> bool:
        """Whether every error is within the bound, or nothing is judged."""
        return self.bound is None or all(self.within(d) for d in self.pairs.values())

    def within(self, deviation: Deviation) -> bool:
        return deviation.error <= self.limit

    @property
    def wrong(self) -> list[str]:
        """The frameworks that are not where the reference is."""
        return [a for (a, b), d in self.pairs.items() if b == REFERENCE and not self.within(d)]

    @property
    def verdict(self) -> str:
        """Who is wrong, in words."""
        right = [a for (a, b), d in self.pairs.items() if b == REFERENCE and self.within(d)]
        wrong = " and ".join(self.wrong)
        if not wrong:
            return f"{' and '.join(right)} differ from each other, though not from the reference"
        if not right:
            return f"{wrong} {'differ' if ' and ' in wrong else 'differs'} from the reference"
        return f"{wrong} is wrong: {' and '.join(right)} and the reference agree"


@dataclass(frozen=True)
class Finding:
    """A disagreement: the first check that a framework failed, and where it shows first."""

    label: str
    check: str
    dtype: str
    verdict: str
    place: Place | None
    others: Mapping[str, float] = field(default_factory=dict)  # the same value elsewhere

    def text(self) -> str:
        lines = [f"{self.check}, {self.dtype}: {self.verdict}"]
        if self.place is None:
            return lines[0]
        place, found = self.place, self.place.deviation
        if place.block:
            lines.append(f"  first block that differs: {place.block}")
        if place.layer and place.layer != place.block:
            lines.append(f"  first layer that differs: {place.layer}")
        if found.problem:
            lines.append(f"    {found.problem}")
        else:
            index = f"at [{', '.join(map(str, found.index))}]" if found.index else ""
            if not (place.layer and index):
                index = f"{found.where} {index}".rstrip()
            values = {self.label: found.got, REFERENCE: found.wanted, **self.others}
            shown = ", ".join(f"{name} {value:.17g}" for name, value in values.items())
            lines.append(f"    {index}: {shown}")
            lines.append(f"    error {_number(found.error)}")
        if place.before:
            lines.append(f"  last one that agrees: {place.before}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Certificate:
    """The verification of one spec."""

    network: str
    spec: str
    hashes: Mapping[str, str]
    versions: Mapping[str, Mapping[str, str]]
    settings: Mapping[str, Any]
    platform: Mapping[str, str]
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def good(self) -> bool:
        return all(row.good for row in self.rows)

    @property
    def labels(self) -> list[str]:
        return [label for label in self.versions if label != REFERENCE]

    def text(self, view: View = USUAL) -> str:
        """For a terminal. Raises `SpecError` for a column that is not known."""
        lines = wrapped(f"{self.network}: {self._versions()}", view)
        lines.extend(line for note in self.notes for line in _inset(f"note: {note}", view))
        inner = view if view.width is None else replace(view, width=view.width - len(INSET))
        lines.extend(INSET + line for line in table([self]).text(inner))
        if any(row.limit > (row.bound or math.inf) for row in self.rows):
            said = f"* {NOISE:.0f} times what one rounding of all values moves the reference"
            lines.extend(_inset(said, view))
        for finding in self.findings:
            lines.append("")
            for line in finding.text().splitlines():
                deeper = len(line) - len(line.lstrip())
                lines.extend(_inset(line.lstrip(), view, INSET + " " * deeper))
        judged = sum(row.bound is not None for row in self.rows)
        failed = sum(not row.good for row in self.rows)
        end = f"{failed} of {judged} checks failed" if failed else f"all {judged} checks passed"
        end = view.style(end, "bad" if failed else "good")
        return "\n".join([*lines, "", f"{visible(self.network)}: {end}", ""])

    def markdown(self, view: View = USUAL) -> str:
        """For a README."""
        lines = [f"### {self.network}", "", f"{self._versions()}.", ""]
        lines += [*table([self]).markdown(view), "", *(f"* {note}" for note in self.notes)]
        for finding in self.findings:
            lines += ["", "```", finding.text(), "```"]
        return "\n".join(lines).rstrip() + "\n"

    def data(self) -> dict[str, Any]:
        """For the record: nothing in it depends on the time or names a machine."""
        return {
            "network": self.network,
            "spec": self.spec,
            "agrees": self.good,
            "sha256": dict(self.hashes),
            "versions": {label: dict(found) for label, found in self.versions.items()},
            "platform": dict(self.platform),
            "settings": dict(self.settings),
            "notes": list(self.notes),
            "checks": [_row_data(row) for row in self.rows],
            "findings": [_finding_data(finding) for finding in self.findings],
        }

    def _versions(self) -> str:
        return "; ".join(
            f"{label} ({', '.join(f'{k} {v}' for k, v in found.items())})"
            for label, found in self.versions.items()
        )


@dataclass(frozen=True)
class Certificates:
    """The verifications of some specs, one after the other."""

    found: Sequence[Certificate]

    def text(self, view: View = USUAL) -> str:
        """For a terminal."""
        return "\n".join(certificate.text(view) for certificate in self.found)

    def markdown(self, view: View = USUAL) -> str:
        """For a README."""
        return "\n".join(certificate.markdown(view) for certificate in self.found)

    def csv(self, view: View = USUAL) -> str:
        """A line for each check; relative errors under the names of those that are compared."""
        return table(self.found).csv(view)

    def json(self) -> str:
        """One certificate as an object, several as a list."""
        data = [certificate.data() for certificate in self.found]
        return json_text(data[0] if len(data) == 1 else data)


def to_json(certificates: list[Certificate]) -> str:
    """One certificate as an object, several as a list."""
    return Certificates(certificates).json()


def table(certificates: Iterable[Certificate]) -> Table:
    """The checks of some networks: a row for each, a column for each pair that is compared."""
    rows = [(made.network, row) for made in certificates for row in made.rows]
    pairs = dict.fromkeys(pair for _, row in rows for pair in row.pairs)
    lines = tuple({"network": network, **_cells(row)} for network, row in rows)
    return table_of(pairs, lines)


def table_of(pairs: Iterable[tuple[str, str]], rows: tuple[dict[str, object], ...] = ()) -> Table:
    """The table of a verification in which such pairs are compared."""
    names = [label(*pair) for pair in pairs]
    columns = (
        Column("verdict", "", words=True, role=lambda state: ROLES.get(state, "")),
        Column("network", "network", words=True, usual=False),
        Column("check", "check", words=True, least=16),
        Column("dtype", "dtype", words=True),
        Column("image", "image", words=True),
        *(Column(name, name, _number) for name in names),
        Column("bound", "bound", data=False),
        Column(
            "limit", "limit", lambda limit: "" if limit is None else _number(limit), usual=False
        ),
        Column("where", "worst at", words=True, least=12),
    )
    gives_way = ("where", "image", "dtype", "bound", *reversed(names), "check")
    return Table(columns, rows, gives_way)


def compared(labels: Sequence[str]) -> list[tuple[str, str]]:
    """The pairs of which a verification tells how far they are apart."""
    return [*((label, REFERENCE) for label in labels), *combinations(labels, 2)]


def label(a: str, b: str) -> str:
    """What a pair is called: "torch" where the reference is the measure, "keras - torch"."""
    return a if b == REFERENCE else f"{a} - {b}"


def _cells(row: Row) -> dict[str, object]:
    state = "-" if row.bound is None else "ok" if row.good else "FAIL"
    bound = "" if row.bound is None else f"{row.limit:.0e}" if row.bound < 1 else f"{row.bound}"
    if row.bound is not None and row.limit > row.bound:
        bound += " *"
    _, found = row.worst
    return {
        "verdict": state,
        "check": row.check,
        "dtype": row.dtype,
        "image": row.image,
        **{label(*pair): deviation.error for pair, deviation in row.pairs.items()},
        "bound": bound,
        "limit": None if row.bound is None else row.limit,
        "where": found.problem or found.where,
    }


def _inset(text: str, view: View, indent: str = INSET) -> list[str]:
    inner = view if view.width is None else replace(view, width=view.width - len(indent))
    return [indent + line for line in wrapped(text, inner)]


def _number(error: float) -> str:
    return f"{error:.1e}" if math.isfinite(error) else "fails"


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _deviation_data(found: Deviation) -> dict[str, Any]:
    made = {
        "error": _finite(found.error),
        "where": found.where,
        "index": list(found.index),
        "got": _finite(found.got),
        "wanted": _finite(found.wanted),
    }
    return {**made, "problem": found.problem} if found.problem else made


def _row_data(row: Row) -> dict[str, Any]:
    return {
        "check": row.check,
        "dtype": row.dtype,
        "image": row.image,
        "bound": row.bound,
        "judged": row.bound is not None,
        "noise": None if row.noise is None else _finite(row.noise),
        "passed": row.good,
        "errors": [
            {"of": a, "against": b, **_deviation_data(found)} for (a, b), found in row.pairs.items()
        ],
    }


def _finding_data(finding: Finding) -> dict[str, Any]:
    place = finding.place
    where = None
    if place is not None:
        where = {"block": place.block, "layer": place.layer, "last_that_agrees": place.before}
        where.update(_deviation_data(place.deviation))
    return {
        "of": finding.label,
        "check": finding.check,
        "dtype": finding.dtype,
        "verdict": finding.verdict,
        "place": where,
        "others": {label: _finite(value) for label, value in finding.others.items()},
    }
