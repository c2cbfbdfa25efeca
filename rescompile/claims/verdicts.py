"""Findings about claims: the printed figure, the exact one, a verdict, and how that follows.

The text has a line or two for each claim, and ends in a summary; columns that are chosen make it a
plain table.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby

from ..cost.cost import CONVENTIONS
from ..prose import columns, json_text, markdown, pad, visible, wrap
from ..table import USUAL, Column, Table, View
from ..table.fit import cut
from .judge import Judgement, Verdict

WIDTH = 100  # of a text that is given no bound
INDENT = 14  # columns before a claim
NARROW = 8  # columns of a claim, below which its figures stand under it
CONVENTION = (
    "unless a claim counts otherwise: layers on the longest path without shortcuts and gates, all "
    "trainable parameters, multiply-adds of convolutions and linear layers (what these sources "
    "call FLOPs) at batch 1"
)
ROLES = {"holds": "good", "as printed": "fair", "fails": "bad"}
COLUMNS = (
    Column("spec", "spec", words=True, least=12, usual=False),
    Column("claim", "claim", words=True, least=12),
    Column("printed", "printed", words=True, least=10),
    Column("exact", "exact", lambda value: f"{value:,}" if isinstance(value, int) else value),
    Column("verdict", "verdict", words=True, role=ROLES.__getitem__),
    Column("where", "where", words=True, least=16),
    Column("how", "how", words=True, least=24),
)
GIVES_WAY = ("how", "where", "printed", "exact", "verdict", "claim")
RULES = {
    Verdict.HOLDS: "the exact value rounds to the printed figure, halves up",
    Verdict.AS_PRINTED: "the exact value cut off gives it, or the source's own rounded figures do",
    Verdict.FAILS: "neither",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim of one spec: what is claimed, what is printed, what is true.

    `exact` is for people, `value` for programs: an integer, a shape, or both terms of a ratio.
    """

    spec: str
    title: str
    claim: str
    printed: str
    exact: str
    value: int | tuple[int, ...]
    judgement: Judgement
    where: str
    counted: str = ""
    about: str = ""

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict

    @property
    def notes(self) -> list[str]:
        return [note for note in (self.counted, self.judgement.how, self.about) if note]

    def record(self) -> dict[str, object]:
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {
            "spec": self.spec,
            "claim": self.claim,
            "printed": self.printed,
            "exact": value,
            "verdict": self.verdict.value,
            "how": self.judgement.how,
            "where": self.where,
            "counted": self.counted,
            "about": self.about,
        }


@dataclass(frozen=True)
class Findings:
    """What became of the claims of some specs, in their order."""

    specs: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> Findings:
        """Those that fail."""
        found = tuple(f for f in self.findings if f.verdict is Verdict.FAILS)
        return replace(self, findings=found)

    @property
    def summary(self) -> str:
        """How many claims got which verdict."""
        counts = Counter(finding.verdict for finding in self.findings)
        hold, printed, fail = (counts[verdict] for verdict in Verdict)
        verdicts = f"{_do(hold, 'hold')}, {_do(printed, 'hold')} as printed, {_do(fail, 'fail')}"
        return f"{_many(self.findings, 'claim')} in {_many(self.specs, 'spec')}: {verdicts}"

    def text(self, view: View = USUAL) -> str:
        """For each spec an aligned line for each claim, and below it how it follows.

        As wide as the view, 100 columns where that has no bound. Columns that are asked for make
        one table of all specs. Raises `SpecError` for one that is not known.
        """
        if view.is_chosen:
            table = Table(COLUMNS, tuple(map(_row, self.findings)), GIVES_WAY)
            return "\n".join([*table.text(view), "", self.summary]) + "\n"
        width = view.width or WIDTH
        lines = []
        for title, group in groupby(self.findings, key=lambda f: f.title):
            lines += [view.style(line, "head") for line in wrap(title, width, "", "  ")]
            lines += [*_text_lines(list(group), width, view), ""]
        lines += wrap(CONVENTION, width)
        return "\n".join([*lines, *wrap(self.summary, width)]) + "\n"

    def markdown(self, view: View = USUAL) -> str:
        """The same as GitHub's Markdown, a table for each spec."""
        lines = ["# Claims", "", *(f"- {v.value}: {rule}" for v, rule in RULES.items()), ""]
        lines += [f"- {markdown(CONVENTION)}", ""]
        for title, group in groupby(self.findings, key=lambda f: f.title):
            table = Table(COLUMNS, tuple(map(_row, group)), GIVES_WAY)
            lines += [f"## {markdown(title)}", "", *table.markdown(view), ""]
        return "\n".join([*lines, self.summary]) + "\n"

    def csv(self, view: View = USUAL) -> str:
        """A line for each claim; `exact` is a number, a shape as "112x112", or "18.564 %"."""
        return Table(COLUMNS, tuple(map(_row, self.findings)), GIVES_WAY).csv(view)

    def json(self) -> str:
        """Every finding, with exact integers, and the rules of the verdicts."""
        counts = Counter(finding.verdict for finding in self.findings)
        data = {
            "specs": list(self.specs),
            "claims": [finding.record() for finding in self.findings],
            "summary": {verdict.value: counts[verdict] for verdict in Verdict},
            "rules": {verdict.value: rule for verdict, rule in RULES.items()},
            "convention": {key: CONVENTIONS[key] for key in ("layers", "parameters", "macs")},
        }
        return json_text(data)


def _row(finding: Finding) -> dict[str, object]:
    figure = finding.exact.replace(",", "")
    return {
        "spec": finding.spec,
        "claim": finding.claim,
        "printed": finding.printed,
        "exact": int(figure) if figure.isdecimal() else finding.exact,
        "verdict": finding.verdict.value,
        "where": finding.where,
        "how": "; ".join(finding.notes),
    }


def _text_lines(findings: list[Finding], width: int, view: View) -> list[str]:
    """The aligned lines of one spec; `where` stands below where the line is full."""
    table = [[visible(cell) for cell in (f.claim, f.printed, f.exact)] for f in findings]
    claim, printed, exact = (max(map(columns, column)) for column in zip(*table, strict=True))
    room = width - INDENT - 4 - printed - exact  # words give way to figures
    tight, claim = room < min(claim, NARROW), min(claim, max(room, 0) or claim)
    indent = " " * min(INDENT, width // 4)
    lines = []
    for finding, cells in zip(findings, table, strict=True):
        verdict = finding.verdict.value
        where, notes = visible(finding.where), finding.notes
        row = f"{pad(cut(cells[0], claim), claim)}  {pad(cells[1], printed)}"
        row = f"{row}  {pad(cells[2], exact, right=True)}"
        if tight:
            row = cut(cells[0], width - INDENT)
            notes = [f"printed {cells[1]}", f"exactly {cells[2]}", where, *notes]
        elif INDENT + columns(row) + 2 + columns(where) <= width:
            row = f"{row}  {where}"
        else:
            notes = [where, *notes]
        lines.append(f"  {view.style(f'{verdict:<{INDENT - 2}}', ROLES[verdict])}{row}")
        lines += wrap("; ".join(notes), width, indent, indent)
    return lines


def _many(things: tuple[object, ...], noun: str) -> str:
    return f"{len(things)} {noun}{'s' * (len(things) != 1)}"


def _do(count: int, verb: str) -> str:
    return f"{count} {verb}{'s' * (count == 1)}"
