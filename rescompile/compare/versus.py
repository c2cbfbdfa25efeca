"""Two networks side by side, with honest percentages.

A paper that says "18 % of VGG-19's FLOPs" may have rounded the exact ratio, cut it off, or divided
figures that were rounded before. A `Ratio` gives all three and says which of them leads where. The
figures are rounded to one decimal (halves up), in the largest unit of which both have at least one.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from .. import markup
from ..cost.cost import CONVENTION, CONVENTIONS, Cost, network_cost
from ..cost.report import figures
from ..ir.trace import Elaborated
from ..ops import Shape, show_shape
from ..prose import json_text, markdown, visible
from ..record import record
from ..table import csv_table, markdown_table, percent, rounded, text_table, unit_of

QUANTITIES = {
    "parameters": ("parameters", ""),
    "macs": ("MACs", ""),
    "flops": ("FLOPs", ""),
    "activation_bytes": ("activation memory", "B"),
    "weights_bytes": ("weights memory", "B"),
}
EXACT, FIGURES = 3, 2  # decimals of a percentage: exact, and of figures rounded before


@record
class Ratio:
    """`a` over `b`: one quantity of two networks, in units or bytes."""

    key: str
    a: int
    b: int

    @property
    def label(self) -> str:
        return QUANTITIES[self.key][0]

    @property
    def scale(self) -> tuple[str, int]:
        """The unit in which both figures are at least one."""
        return unit_of(min(n for n in (self.a or self.b, self.b or self.a)))

    @property
    def unit(self) -> str:
        return self.scale[0] + QUANTITIES[self.key][1]

    @property
    def figures(self) -> tuple[Decimal, Decimal]:
        """Both figures as a paper prints them, in `unit`: one decimal."""
        size = self.scale[1]
        digits = 0 if size == 1 else 1
        return rounded(Fraction(self.a, size), digits), rounded(Fraction(self.b, size), digits)

    @property
    def exact(self) -> Fraction | None:
        """Percent, exactly; None where `b` is nothing."""
        return Fraction(100 * self.a, self.b) if self.b else None

    @property
    def of_figures(self) -> Fraction | None:
        """Percent, of the figures rounded to one decimal."""
        a, b = self.figures
        return 100 * Fraction(a) / Fraction(b) if b else None

    @property
    def ways(self) -> dict[int, tuple[str, ...]]:
        """The whole percentages that can be printed for this ratio, and the way to each."""
        found: dict[int, tuple[str, ...]] = {}
        if self.exact is None or self.of_figures is None:
            return found
        whole = {
            "rounded": int(rounded(self.exact, 0)),
            "truncated": int(self.exact),
            "from the rounded figures": int(rounded(self.of_figures, 0)),
        }
        for way, number in whole.items():
            found[number] = (*found.get(number, ()), way)
        return found

    def sentence(self) -> str:
        """What the ratio is, and which whole percentage follows from what."""
        if self.exact is None or self.of_figures is None:
            return "no ratio: the second network has none"
        a, b = self.figures
        unit = f" {self.unit}" if self.unit else ""
        start = (
            f"{percent(self.exact, EXACT)} exactly; {percent(self.of_figures, FIGURES)} from "
            f"figures rounded to one decimal ({a} / {b}{unit})"
        )
        if len(self.ways) == 1:
            return f"{start}; so {next(iter(self.ways))} % either way"
        ways = (f"{percent} % {' or '.join(way)}" for percent, way in self.ways.items())
        return f"{start}; so {', '.join(ways)}"


@record
class Side:
    """One of the two networks."""

    name: str
    title: str
    spec: str
    input: Shape
    cost: Cost

    def summary(self) -> str:
        spec = f", {visible(self.spec)}" if self.spec else ""
        layers = f"{self.cost.layers:,} layers deep, input {show_shape(self.input)}"
        return f"{visible(self.title)}: {layers}{spec}"

    def record(self) -> dict[str, object]:
        given = {"name": self.name, "title": self.title, "spec": self.spec}
        return {**given, "input_shape": list(self.input), **figures(self.cost)}


@record
class Versus:
    """The costs of network `a` relative to those of network `b`."""

    a: Side
    b: Side
    ratios: tuple[Ratio, ...]

    @property
    def titles(self) -> tuple[str, str]:
        """What tells the two apart: titles, names, or their order."""
        for pair in ((self.a.title, self.b.title), (self.a.name, self.b.name)):
            if pair[0] != pair[1]:
                return visible(pair[0]), visible(pair[1])
        return "first", "second"

    def __repr__(self) -> str:
        return f"<comparison of {self.a.name} with {self.b.name}>"

    def text(self) -> str:
        """Both networks, the convention, an aligned table, and a sentence for each quantity."""
        head, *rest = self._summary()
        table = text_table(self._head(), self._lines(), 1)
        return "\n".join([head, *rest, "", *table, "", *self._sentences()]) + "\n"

    def markdown(self) -> str:
        """The same as GitHub's Markdown."""
        head, *rest = map(markdown, self._summary())
        table = markdown_table(self._head(), self._lines(), 1)
        said = [f"- {markdown(sentence)}" for sentence in self._sentences()]
        lines = [f"# {head}", "", *(f"- {line}" for line in rest), "", *table, "", *said]
        return "\n".join(lines) + "\n"

    def json(self) -> str:
        """Everything, with the unit in each key and the conventions beside the figures."""
        rounding = "figures rounded to one decimal, halves up, in the largest unit that both reach"
        data = {
            "a": self.a.record(),
            "b": self.b.record(),
            "convention": {**CONVENTIONS, "rounded_figures": rounding},
            "ratios": [{**_record(ratio), "sentence": ratio.sentence()} for ratio in self.ratios],
        }
        return json_text(data)

    def csv(self) -> str:
        """A line for each quantity."""
        records = [_record(ratio) for ratio in self.ratios]
        return csv_table(list(records[0]), [list(record.values()) for record in records])

    def _repr_html_(self) -> str:
        """The table for a notebook, under what is compared."""
        head, *rest = self._summary()
        table = markup.table(self._head(), self._lines(), 1)
        sentences = markup.bullets(map(markup.text, self._sentences()))
        return f"<p>{markup.lines(head, rest)}</p>" + table + sentences

    def _summary(self) -> list[str]:
        first, second = self.titles
        return [
            f"{first} against {second}",
            self.a.summary(),
            self.b.summary(),
            f"convention: {CONVENTION}",
        ]

    def _head(self) -> list[str]:
        return ["quantity", *self.titles, "ratio", "rounded figures", "their ratio"]

    def _lines(self) -> list[list[str]]:
        lines = []
        for ratio in self.ratios:
            unit = f" {ratio.unit}" if ratio.unit else ""
            shown = f"{ratio.figures[0]} / {ratio.figures[1]}{unit}"
            both = (_percent(ratio.exact, EXACT), _percent(ratio.of_figures, FIGURES))
            lines.append([ratio.label, f"{ratio.a:,}", f"{ratio.b:,}", both[0], shown, both[1]])
        return lines

    def _sentences(self) -> list[str]:
        return [f"{ratio.label}: {ratio.sentence()}" for ratio in self.ratios]


def _percent(value: Fraction | None, digits: int) -> str:
    return "-" if value is None else percent(value, digits)


def _record(ratio: Ratio) -> dict[str, str | int | float | None]:
    exact, of_figures = ratio.exact, ratio.of_figures
    return {
        "quantity": ratio.key,
        "a": ratio.a,
        "b": ratio.b,
        "ratio_percent": None if exact is None else float(rounded(exact, EXACT)),
        "rounded_a": float(ratio.figures[0]),
        "rounded_b": float(ratio.figures[1]),
        "rounded_unit": ratio.unit,
        "ratio_of_rounded_percent": (
            None if of_figures is None else float(rounded(of_figures, FIGURES))
        ),
    }


def versus(a: Elaborated, b: Elaborated) -> Versus:
    """Network `a` against network `b`."""
    sides = [_side(elaborated) for elaborated in (a, b)]
    ours, theirs = (figures(side.cost) for side in sides)
    ratios = tuple(Ratio(key, ours[key], theirs[key]) for key in QUANTITIES)
    return Versus(sides[0], sides[1], ratios)


def _side(elaborated: Elaborated) -> Side:
    network = elaborated.network
    title = network.title or network.name
    return Side(network.name, title, network.spec, network.input, network_cost(elaborated))
