"""Findings about claims, in text, Markdown and JSON: the printed figure, the exact one, a verdict.

The text has at most `WIDTH` columns and a line or two for each claim, and ends in a summary.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby

from ..cost.cost import CONVENTIONS
from ..prose import columns, json_text, markdown, pad, visible, wrap
from ..table import markdown_table
from .judge import Judgement, Verdict

WIDTH = 100
INDENT = " " * 14
CONVENTION = (
    "unless a claim counts otherwise: layers on the longest path without shortcuts and gates,",
    "all trainable parameters, multiply-adds of convolutions and linear layers (what these sources",
    "call FLOPs) at batch 1",
)
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

    def text(self) -> str:
        """For each spec an aligned line for each claim, and below it how it follows."""
        lines = []
        for title, group in groupby(self.findings, key=lambda f: f.title):
            lines += [visible(title), *_text_lines(list(group)), ""]
        return "\n".join([*lines, *CONVENTION, self.summary]) + "\n"

    def markdown(self) -> str:
        """The same as GitHub's Markdown, a table for each spec."""
        head = ["claim", "printed", "exact", "verdict", "where", "how"]
        lines = ["# Claims", "", *(f"- {v.value}: {rule}" for v, rule in RULES.items()), ""]
        lines += [f"- {markdown(' '.join(CONVENTION))}", ""]
        for title, group in groupby(self.findings, key=lambda f: f.title):
            rows = [
                [f.claim, f.printed, f.exact, f.verdict.value, f.where, "; ".join(f.notes)]
                for f in group
            ]
            lines += [f"## {markdown(title)}", "", *markdown_table(head, rows, len(head)), ""]
        return "\n".join([*lines, self.summary]) + "\n"

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


def _text_lines(findings: list[Finding]) -> list[str]:
    """The aligned lines of one spec; `where` stands below where the line is full."""
    table = [[visible(cell) for cell in (f.claim, f.printed, f.exact)] for f in findings]
    claim, printed, exact = (max(map(columns, column)) for column in zip(*table, strict=True))
    lines = []
    for finding, cells in zip(findings, table, strict=True):
        row = f"  {finding.verdict.value:<12}{pad(cells[0], claim)}  {pad(cells[1], printed)}"
        row += f"  {pad(cells[2], exact, right=True)}"
        where, notes = visible(finding.where), finding.notes
        if columns(row) + 2 + columns(where) <= WIDTH:
            row = f"{row}  {where}"
        else:
            notes = [where, *notes]
        lines.append(row)
        lines += wrap("; ".join(notes), WIDTH, INDENT, INDENT)
    return lines


def _many(things: tuple[object, ...], noun: str) -> str:
    return f"{len(things)} {noun}{'s' * (len(things) != 1)}"


def _do(count: int, verb: str) -> str:
    return f"{count} {verb}{'s' * (count == 1)}"
