"""Figures as sources print them: one number, how precise it is, and the words around it.

The printed string is the only place where a figure stands: value and precision are read from it.
`3.6 x 10^9`, `138 million`, `0.27M`, `3.87 GFLOPs`, `44,549,160`, `34-layer`, `18%` and `8x deeper`
are figures; the last printed digit is their precision. Everything is exact: no floats.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

MAX_PRINTED = 40  # characters: the figure with its unit, not the sentence around it
MAX_POWER = 18
SCALES = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
SCALES |= {"k": 3, "M": 6, "G": 9, "B": 9, "T": 12}
EXAMPLES = "write it as the source does: 34-layer, 0.27M, 138 million, 3.6 x 10^9, 3.87 GFLOPs"
_FIGURE = re.compile(
    r"(?P<digits>\d+(?:,\d{3})*(?:\.\d+)?)"
    r"(?:\s*[x\u00d7]\s*10\^(?P<power>\d{1,2}))?"
    r"(?:\s*(?P<percent>%)|\s*(?P<times>(?:[x\u00d7]|times)(?!\w))"
    r"|\s*(?P<scale>(?:thousand|million|billion|trillion)(?!\w)|[kMGBT](?=FLOP|MAC|MAdd|(?!\w))))?"
)
_SIZE = re.compile(r"\d{1,6}(?:\s*[x\u00d7]\s*\d{1,6}){1,3}")


class Kind(Enum):
    """What a figure is: a number of things, or a ratio in percent or as a factor."""

    COUNT = "count"
    PERCENT = "percent"
    TIMES = "times"


@dataclass(frozen=True, slots=True)
class Figure:
    """A printed figure: `before`, `digits`, `after` are its text, one unit is worth `scale`."""

    before: str
    digits: str
    after: str
    kind: Kind
    scale: Fraction

    @property
    def text(self) -> str:
        return self.before + self.digits + self.after

    @property
    def value(self) -> Fraction:
        """What is printed, exactly; a ratio is a plain number (18% is 0.18)."""
        return Fraction(self.digits.replace(",", "")) * self.scale

    @property
    def step(self) -> Fraction:
        """What one unit of the last printed digit is worth."""
        return self.scale * Fraction(1, 10**self.decimals)

    @property
    def decimals(self) -> int:
        return len(self.digits.partition(".")[2])

    def say(self, steps: int) -> str:
        """Another number of steps in the same words and with the same precision."""
        whole, rest = divmod(steps, 10**self.decimals)
        number = f"{whole:,}" if "," in self.digits else str(whole)
        digits = f"{number}.{rest:0{self.decimals}}" if self.decimals else number
        return self.before + digits + self.after


def read_figure(text: str) -> Figure | None:
    """The one figure in a printed string; None where there is none, or more than one."""
    found = list(_FIGURE.finditer(text))
    if len(found) != 1:
        return None
    (match,) = found
    power = int(match["power"] or 0) + SCALES.get(match["scale"] or "", 0)
    if power > MAX_POWER:
        return None
    kind = Kind.PERCENT if match["percent"] else Kind.TIMES if match["times"] else Kind.COUNT
    scale = Fraction(10**power, 100 if kind is Kind.PERCENT else 1)
    start, end = match.span("digits")
    return Figure(text[:start], match["digits"], text[end:], kind, scale)


def read_size(text: str) -> tuple[int, ...] | None:
    """The size of a map as papers print it: height, width and perhaps channels, `28x28x256`."""
    if not _SIZE.fullmatch(text):
        return None
    return tuple(int(number) for number in re.findall(r"\d+", text))
