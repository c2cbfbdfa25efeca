"""What a conversion did, in lines for a reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..emit.weights import leaf_of
from ..ops import Shape
from ..prose import visible
from ..worker.job import Answer
from .names import fold_names, listed, printable, shown


@dataclass(frozen=True)
class Conversion:
    """What was done: `tensors` written, of which some were not the file's, or were adapted.

    `fresh` are names with what is to be said of them, `left_out` names of the file.
    """

    output: Path
    tensors: int
    by_order: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    warning: str = ""  # what names and shapes cannot tell
    taken: int = 0
    fresh: tuple[str, ...] = ()
    adapted: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    seed: int = 0

    @classmethod
    def of(
        cls,
        output: Path,
        tensors: int,
        answer: Answer,
        fresh: Mapping[str, Shape],
        seed: int,
        new_head: bool,
        notes: list[str],
        warning: str,
    ) -> Conversion:
        """What is told of the answer of a reader; `fresh` has the shapes of what was drawn."""
        data = answer.data
        became = [
            f"{count} tensors of type {old} became {new}, which holds all of their values"
            for old, new, count in data["converted"]
        ]
        if new_head and not data["fresh"]:
            became.append("the head fits as it is, so `--new-head` changes nothing of it")
        return cls(
            output=output,
            tensors=tensors,
            by_order=tuple((old, new) for old, new in data["by_order"]),
            notes=(*became, *notes),
            warning=warning,
            taken=len(answer.arrays),
            fresh=tuple(_fresh(name, shape, data["fresh"][name]) for name, shape in fresh.items()),
            adapted=tuple(data["adapted"]),
            left_out=tuple(data["left_out"]),
            seed=seed,
        )

    def text(self) -> str:
        """What was matched by order, what is not the file's, and what was written."""
        lines: list[str] = []
        if self.by_order:
            lines.append("matched by order and shape, as these would (check them):")
            lines.extend(f"  --rename {line}" for line in fold_names(self.by_order))
        if self.fresh or self.adapted or self.left_out:
            lines.append(f"taken from the file: {_tensors(self.taken)}")
        parts = (
            (f"started afresh, drawn with seed {self.seed}", self.fresh),
            ("adapted", self.adapted),
            ("left out of the file", self.left_out),
        )
        for title, names in parts:
            if names:
                lines.append(f"{title}: {_tensors(len(names))}")
                lines.extend(f"  {name}" for name in listed(names))
        lines.extend(f"note: {note}" for note in self.notes)
        lines.append(f"wrote {visible(self.output.as_posix())}: {_tensors(self.tensors)}")
        if self.warning:
            lines.append(f"warning: {self.warning}")
        return "\n".join(lines) + "\n"


def _tensors(count: int) -> str:
    return f"{count:,} tensor{'s' * (count != 1)}"


def _fresh(name: str, shape: Shape, was: str) -> str:
    return f"{name}  {shown(shape)}" + (f", which is {printable(was)} in the file" if was else "")


def changes_of(answer: Mapping[str, Any]) -> Iterator[str]:
    """What a file could not keep, or keeps otherwise."""
    for dtype, count in Counter(answer["widened"].values()).items():
        yield f"{count} tensors became {dtype}, since a model has one type there"
    if answer["lost"]:
        names = {leaf_of(name) for name in answer["lost"]}
        yield f"{len(answer['lost'])} x {', '.join(names)} left out: there is no such thing there"
