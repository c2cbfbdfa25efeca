"""Errors as data: what is wrong, where it stands, and what to do about it.

Everything that a user can get wrong is a `Diagnostic`. They are collected, raised once in a
`SpecError`, and printed by `render` in the voice of rustc. Imports nothing of ours but `prose`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import Any

from .prose import visible

MANY = 12  # names of a list that is told whole; of more, those that are nearest
NEAREST = 5
FEW = 4  # names that are as near as each other, so that all of them are told
SHORT = 5  # letters of a word in which one slip is as much as it can take
MAX_SENTENCE = 800  # characters of a message; the longest of ours, a list of names, has fewer


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a file: line and column count from one, `text` is the whole source line."""

    file: str
    line: int
    column: int
    text: str = ""

    @property
    def place(self) -> str:
        """The place in a sentence: file, line and column."""
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `label` stands under the caret, `notes` tell how we came here."""

    code: str
    message: str
    location: Location | None = None
    label: str = ""
    help: str = ""
    notes: tuple[str, ...] = ()
    severity: str = "error"


class RescompileError(Exception):
    """Base of every error that rescompile raises on purpose."""

    diagnostics: tuple[Diagnostic, ...] = ()


class SpecError(RescompileError):
    """A spec is wrong; holds every diagnostic that was found, in the order of the file."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n\n".join(render(found) for found in self.diagnostics))


class UnsupportedError(RescompileError):
    """A backend cannot express a spec; lists every reason, each with its place in the network."""

    def __init__(self, backend: str, network: str, reasons: Iterable[str]) -> None:
        self.backend = backend
        self.reasons = tuple(reasons)
        message = f"the {backend} backend cannot express {network}"
        help = "build for another backend (`--backend`), or write these steps otherwise"
        self.diagnostics = (Diagnostic("E401", message, help=help, notes=self.reasons),)
        super().__init__(render(self.diagnostics[0]))


class InternalError(RescompileError):
    """A promise that the compiler makes to itself is broken: our bug, never the user's."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"internal error: {what}\nThis is a bug in rescompile, not in your spec; "
            "please report it with the spec."
        )


class DiagnosticCollector:
    """Parts that do not depend on each other: what is wrong with all of them is raised at once."""

    def __init__(self) -> None:
        self.found: list[Diagnostic] = []

    @contextmanager
    def part(self) -> Iterator[None]:
        """Keeps what is wrong inside, and goes on."""
        try:
            yield
        except RescompileError as error:
            if not error.diagnostics:
                raise
            self.found.extend(error.diagnostics)

    def done(self) -> None:
        """Raises `SpecError` if anything was wrong, each thing once."""
        if self.found:
            raise SpecError(dict.fromkeys(self.found))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A help sentence for a name that is unknown: those that it is a slip of, or what there is.

    Of many names it tells a few that look most like the word, the best first.
    """
    names = sorted(set(known))
    meant = near(word, names)
    if 0 < len(meant) <= FEW:
        return one_of(meant)
    if not names:
        return ""
    if len(meant or names) <= MANY:
        return f"known: {', '.join(meant or names)}"
    shown = sorted(names, key=lambda name: -_likeness(word, name))[:NEAREST]
    return f"known: {', '.join(shown)}, and {len(names) - NEAREST} more"


def one_of(meant: Iterable[str]) -> str:
    """The question whether one of some names is meant; no question of none."""
    *others, last = [f"'{name}'" for name in meant] or [""]
    return f"did you mean {', '.join(others)}{' or ' if others else ''}{last}?" if last else ""


def near(word: str, known: Iterable[str]) -> list[str]:
    """The known names that a word is a slip of: a letter or two apart, not of another meaning.

    Words up to five letters may have one slip, not a letter before their first (`padd` is no
    `add`), others two; only the nearest names are given. Case and underscores do not count, and
    the last part of a path stands for the whole.
    """
    plain = _plain(word)
    slips = 1 if len(plain) <= SHORT else 2
    found: dict[str, int] = {}
    for name in sorted(set(known)):
        for other in {_plain(name), _plain(name.rpartition("/")[2])}:
            distance = _distance(plain, other, slips)
            begins = slips > 1 or plain[:1] in other[:2]
            if begins and distance <= slips and distance < min(len(plain), len(other)):
                found[name] = min(distance, found.get(name, distance))
    least = min(found.values(), default=0)
    return [name for name, distance in found.items() if distance == least]


def _likeness(word: str, name: str) -> float:
    """How much a name looks like a word, from 0 to 1; the end of a path stands for the whole."""
    ends = {_plain(name), _plain(name.rpartition("/")[2])}
    return max(SequenceMatcher(None, _plain(word), end).ratio() for end in ends)


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")


def _distance(a: str, b: str, most: int) -> int:
    """Letters to insert, delete, replace or swap with their neighbours; `most` + 1 if more."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, other in enumerate(b, 1):
            found = min(before[j] + 1, row[-1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and (letter, a[i - 2]) == (b[j - 2], other):
                found = min(found, older[j - 2] + 1)
            row.append(found)
        if min(row) > most:
            return most + 1
    return row[-1]


def record(found: Diagnostic) -> dict[str, Any]:
    """The diagnostic as plain data for tools; what has no place has `None` there."""
    fields = asdict(found)
    place = fields.pop("location") or {"file": None, "line": None, "column": None, "text": None}
    notes = list(fields.pop("notes"))
    return {**fields, "code": found.code or None, "notes": notes, **place}


def render(found: Diagnostic) -> str:
    """The diagnostic as text: headline, place, source line with a caret, notes, help."""
    lines = [f"{found.severity}[{found.code}]: {_safe(found.message)}"]
    where = found.location
    margin = " " * (len(str(where.line)) + 1 if where else 1)
    if where:
        lines.append(f"{margin}--> {visible(where.file)}:{where.line}:{where.column}")
        if where.text.strip():
            shown, column = _window(where.text, where.column)
            caret = " " * (column - 1) + "^"
            lines.append(f"{margin}|")
            lines.append(f"{where.line} | {shown}".rstrip())
            lines.append(f"{margin}| {caret} {_safe(found.label)}".rstrip())
    elif found.label:
        lines.append(f"{margin}{_safe(found.label)}")
    lines.extend(f"{margin}= note: {_safe(note)}" for note in found.notes)
    if found.help:
        lines.append(f"{margin}= help: {_safe(found.help)}")
    return "\n".join(lines)


def _safe(text: str) -> str:
    """A sentence for a terminal: no characters that would steer it, and no end of them."""
    if len(text) > MAX_SENTENCE:
        text = f"{text[: MAX_SENTENCE // 2]} ... {text[-MAX_SENTENCE // 4 :]}"
    return visible(text, keep="\n")


def _window(text: str, column: int, width: int = 100) -> tuple[str, int]:
    """The part of a source line to show, tabs and control characters made plain."""
    plain = "".join(c if c.isprintable() else " " for c in text.rstrip("\r\n"))
    if len(plain) <= width:
        return plain, column
    start = max(0, min(column - width // 2, len(plain) - width))
    return plain[start : start + width], column - start
