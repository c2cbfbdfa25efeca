"""Two networks side by side, with honest percentages.

A paper that says "18 % of VGG-19's FLOPs" may have rounded the exact ratio, or divided figures that
were rounded before. A `Ratio` gives both; `rescompile check` says which of them a claim follows.
The figures are rounded to one decimal (halves up), in the largest unit of which both have at least
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from .. import markup
from ..cost.cost import CONVENTION, CONVENTIONS, Cost, network_cost
from ..cost.report import figures, inputs_record
from ..ir.trace import Elaborated
from ..ops import Shape, show_inputs
from ..prose import json_text, markdown, visible
from ..record import record
from ..table import USUAL, Column, Table, View, rounded, unit_of, wrapped

QUANTITIES = {
    "parameters": ("parameters", ""),
    "macs": ("MACs", ""),
    "flops": ("FLOPs", ""),
    "activation_bytes": ("activation memory", "B"),
    "weights_bytes": ("weights memory", "B"),
}
EXACT, FIGURES = 3, 2  # decimals of a percentage: exact, and of figures rounded before
GIVES_WAY = (
    "rounded_unit",
    "rounded_b",
    "rounded_a",
    "rounded_figures",
    "ratio_of_rounded_percent",
    "b",
    "a",
    "ratio_percent",
)


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
    def shown(self) -> str:
        """Both rounded figures with their unit: "3.6 / 19.6 G"."""
        return f"{self.figures[0]} / {self.figures[1]} {self.unit}".rstrip()

    @property
    def exact(self) -> Fraction | None:
        """Percent, exactly; None where `b` is nothing."""
        return Fraction(100 * self.a, self.b) if self.b else None

    @property
    def of_figures(self) -> Fraction | None:
        """Percent, of the figures rounded to one decimal."""
        a, b = self.figures
        return 100 * Fraction(a) / Fraction(b) if b else None


@record
class Side:
    """One of the two networks."""

    name: str
    title: str
    spec: str
    inputs: Mapping[str, Shape]
    cost: Cost

    def summary(self) -> str:
        spec = f", {visible(self.spec)}" if self.spec else ""
        layers = f"{self.cost.layers:,} layers deep, input {show_inputs(self.inputs)}"
        return f"{visible(self.title)}: {layers}{spec}"

    def record(self) -> dict[str, object]:
        given = {"name": self.name, "title": self.title, "spec": self.spec}
        return {**given, **inputs_record(self.inputs), **figures(self.cost)}


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

    def text(self, view: View = USUAL) -> str:
        """Both networks, the convention, and an aligned table of the ratios.

        Raises `SpecError` for a column that is not known.
        """
        title, *rest = self._summary()
        lines = [view.style(line, "head") for line in wrapped(title, view)]
        lines += [line for text in rest for line in wrapped(text, view)]
        return "\n".join([*lines, "", *self._table().text(view)]) + "\n"

    def markdown(self, view: View = USUAL) -> str:
        """The same as GitHub's Markdown."""
        title, *rest = map(markdown, self._summary())
        table = self._table().markdown(view)
        return "\n".join([f"# {title}", "", *(f"- {line}" for line in rest), "", *table]) + "\n"

    def json(self) -> str:
        """Everything, with the unit in each key and the conventions beside the figures."""
        rounding = "figures rounded to one decimal, halves up, in the largest unit that both reach"
        data = {
            "a": self.a.record(),
            "b": self.b.record(),
            "convention": {**CONVENTIONS, "rounded_figures": rounding},
            "ratios": [_record(ratio) for ratio in self.ratios],
        }
        return json_text(data)

    def csv(self, view: View = USUAL) -> str:
        """A line for each quantity."""
        return self._table().csv(view)

    def _repr_html_(self) -> str:
        """The table for a notebook, under what is compared."""
        head, *rest = self._summary()
        return f"<p>{markup.lines(head, rest)}</p>{self._table().html(USUAL)}"

    def _summary(self) -> list[str]:
        first, second = self.titles
        return [
            f"{first} against {second}",
            self.a.summary(),
            self.b.summary(),
            f"convention: {CONVENTION}",
        ]

    def _table(self) -> Table:
        first, second = self.titles
        columns = (
            Column("quantity", "quantity", lambda key: QUANTITIES[key][0], words=True, least=10),
            Column("a", first, "{:,}".format, least=8),
            Column("b", second, "{:,}".format, least=8),
            Column("ratio_percent", "ratio", lambda value: _percent(value, EXACT)),
            Column("rounded_figures", "rounded figures", data=False),
            Column("rounded_a", "rounded a", usual=False),
            Column("rounded_b", "rounded b", usual=False),
            Column("rounded_unit", "unit", usual=False),
            Column(
                "ratio_of_rounded_percent", "their ratio", lambda value: _percent(value, FIGURES)
            ),
        )
        rows = tuple({**_record(ratio), "rounded_figures": ratio.shown} for ratio in self.ratios)
        return Table(columns, rows, GIVES_WAY)


def _percent(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f} %"


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
    return Side(network.name, title, network.spec, network.inputs, network_cost(elaborated))
