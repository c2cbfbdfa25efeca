"""Verdicts on a network's claims, and warnings with their places."""

from __future__ import annotations

from ..claims.judge import Verdict
from ..claims.verdicts import CONVENTION, RULES, Finding, Findings
from ..errors import Diagnostic
from ..prose import columns, visible
from ..record import record
from .tables import Cell, Row, Table

MARKS = {Verdict.HOLDS: "good", Verdict.AS_PRINTED: "fair", Verdict.FAILS: "bad"}
CLAIM_COLUMNS = ("Claim", "Verdict", "Printed", "Exact", "Where", "How it follows")
MAX_LINE = 100  # columns of a source line that are shown around a place
Sentence = tuple[tuple[str, bool], ...]  # parts of a text, each with whether it is code


@record
class Claims:
    """A summary, the table, what the verdicts mean, and what is counted."""

    summary: str
    table: Table
    rules: tuple[tuple[str, str, str], ...]
    convention: str


@record
class Warned:
    """A diagnostic, in the parts that a page sets apart; `before` is the line up to the caret."""

    code: str
    message: str
    place: str
    before: str
    line: str
    label: str
    notes: tuple[Sentence, ...]
    help: Sentence


def claims(found: Findings, prefix: str) -> Claims | None:
    """The claims of one network; None if its spec has none."""
    if not found.findings:
        return None
    rules = tuple((v.value, MARKS[v], rule) for v, rule in RULES.items())
    title = found.findings[0].title
    rows = tuple(map(_claim, found.findings))
    table = Table(f"{prefix}-claims", f"Claims about {title}", CLAIM_COLUMNS, rows, words=True)
    return Claims(found.summary.partition(": ")[2], table, rules, CONVENTION)


def _claim(finding: Finding) -> Row:
    verdict = Cell(finding.verdict.value, mark=MARKS[finding.verdict])
    texts = (finding.printed, finding.exact, finding.where, "; ".join(finding.notes))
    return Row(Cell(finding.claim), (verdict, *map(Cell, texts)))


def warnings(found: list[Diagnostic]) -> tuple[Warned, ...]:
    """Warnings with the line of the spec that each points at."""
    return tuple(map(_warning, found))


def _warning(found: Diagnostic) -> Warned:
    at = found.location
    line = visible(at.text.rstrip("\r\n"), keep="\t").expandtabs(1) if at else ""
    start = 0
    if at and len(line) > MAX_LINE:
        start = max(0, min(at.column - MAX_LINE // 2, len(line) - MAX_LINE))
        line = line[start : start + MAX_LINE]
    before = columns(line[: at.column - 1 - start]) if at and line.strip() else 0
    return Warned(
        code=found.code,
        message=found.message,
        place=at.place if at else "",
        before=" " * before,
        line=line,
        label=found.label,
        notes=tuple(map(sentence, found.notes)),
        help=sentence(found.help),
    )


def sentence(text: str) -> Sentence:
    """The parts of a text: what stands between backquotes is code, an odd one is itself."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return ((text, False),)
    return tuple((part, i % 2 == 1) for i, part in enumerate(parts) if part)
