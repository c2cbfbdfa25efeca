"""Claims: what a source prints about a network's size, as data that `rescompile check` decides.

A claim names its quantity; the value is the figure as printed, and `where` is its place. That
string is the one place of the number and of its precision (see `figures`). `counts` says by which
convention the source counted, where it is not the default.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from ...errors import did_you_mean
from ..printed import EXAMPLES, MAX_PRINTED, Figure, Kind, read_figure, read_size
from ..types import Rule, Text, as_text, shown, wrong
from .base import Model

QUANTITIES = ("layers", "parameters", "macs", "outputs")
RELATIONS = ("of", "below", "equals")
COUNTS = {
    "parameters": ("weights", "biases", "norms"),
    "macs": ("convolutions", "linear", "global_pools", "products"),
}


def _printed(value: object) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        wrong(
            f"expected the figure as it is printed, found {shown(value)}",
            f'write `"{value}"`: quotes keep every printed digit',
        )
    text: str = as_text(value)
    if len(text) > MAX_PRINTED:
        help = f"write the figure with its unit alone, at most {MAX_PRINTED} characters"
        wrong(f"a sentence of {len(text)} characters where a figure belongs", help)
    return text


def _size(value: object) -> str:
    if not isinstance(value, str) or read_size(value) is None:
        help = "write height x width, or height x width x channels: `28x28` or `28x28x256`"
        wrong(f"{shown(value)} is not the size of a map", help)
    return value


Printed = Annotated[str, Rule(_printed, type="string", maxLength=MAX_PRINTED)]
Size = Annotated[str, Rule(_size, type="string")]


class Claim(Model):
    """A figure that the source prints, and where.

    Exactly one of `layers`, `parameters`, `macs` and `outputs`; `outputs` has the size of the map
    after each step that it names. With `of` the figure is a ratio to another spec, in percent or
    as a factor, and `figures` are the two from which the source took it, if it printed them.
    `below` and `equals` compare with another spec, and the printed words need no figure.
    """

    layers: Printed | None = Field(None, description="Its depth, as printed.")
    parameters: Printed | None = Field(None, description="Trainable parameters, as printed.")
    macs: Printed | None = Field(
        None, description="Multiply-adds, as printed, whatever the source calls them."
    )
    outputs: dict[str, Size] | None = Field(
        None,
        description="Sizes of maps, height x width (x channels), by the path of a step: "
        "`layer1.0.conv1`.",
    )
    step: Text | None = Field(
        None, description="The step that the figure is of, by its path; else it is the network's."
    )
    where: Text = Field(description="The place in the source.")
    about: Text = Field("", description="A sentence for the reader of the verdict.")
    counts: list[Text] = Field(
        default_factory=list, description="What the source counted, where that is not the default."
    )
    of: Text | None = Field(None, description="The spec that the figure is a ratio to.")
    below: Text | None = Field(None, description="A spec that costs more.")
    equals: Text | None = Field(None, description="A spec that costs as much.")
    figures: list[Printed] = Field(
        default_factory=list, description="The two printed figures that a ratio was taken from."
    )

    @model_validator(mode="after")
    def _one(self) -> Claim:
        said = [key for key in QUANTITIES if getattr(self, key) is not None]
        if not said:
            wrong("a claim says a quantity", "write `macs: 3.6 x 10^9` or `layers: 34-layer`, say")
        if len(said) > 1:
            message = f"a claim is about one quantity, but this one has `{said[0]}` and `{said[1]}`"
            wrong(message, "make two claims of it", said[1])
        relations = [key for key in RELATIONS if getattr(self, key) is not None]
        if len(relations) > 1:
            message = f"a claim has one of `{relations[0]}` and `{relations[1]}`"
            wrong(message, "make two claims of it", relations[1])
        if relations and self.outputs is not None:
            wrong(
                "sizes of maps are not compared with another spec",
                f"remove `{relations[0]}`, and write the sizes that the source prints",
                relations[0],
            )
        if self.outputs is not None and not self.outputs:
            wrong("`outputs` names no step", "write `outputs: {conv1: 112x112}`, say", "outputs")
        if self.step is not None and (relations or self.counts or self.outputs is not None):
            beside = "outputs" if self.outputs is not None else (*relations, "counts")[0]
            help = "write `{macs: 128M, step: NAME, where: ...}`, or remove `step`"
            wrong(f"a figure of a single step stands alone, without `{beside}`", help, "step")
        self._check_counts()
        if not {"below", "equals"} & set(relations) and self.outputs is None:
            self._check_figure()
        self._check_figures()
        return self

    def _check_counts(self) -> None:
        known = COUNTS.get(self.quantity, ())
        for word in self.counts:
            if not known:
                wrong(f"`{self.quantity}` are counted in one way only", "remove `counts`", "counts")
            if word not in known:
                wrong(f"unknown word {shown(word)} to count", did_you_mean(word, known), "counts")

    def _check_figure(self) -> None:
        figure = read_figure(self.printed)
        if figure is None:
            message = f"{shown(self.printed)} does not hold exactly one figure"
            wrong(message, EXAMPLES, self.quantity)
        if self.of is None and figure.kind is not Kind.COUNT:
            message = f"{shown(self.printed)} is a ratio, but to what?"
            wrong(message, "add `of: SPEC`, the network that it is a part of", self.quantity)
        if self.of is not None and figure.kind is Kind.COUNT:
            message = f"{shown(self.printed)} is not a ratio"
            wrong(message, "with `of` write a percentage or a factor: 18% or 8x", self.quantity)

    def _check_figures(self) -> None:
        if self.figures and self.of is None:
            help = "`figures` are the two that a ratio was taken from"
            wrong("`figures` without `of` have no meaning", help, "figures")
        found = map(read_figure, self.figures)
        counts = [f for f in found if f and f.kind is Kind.COUNT and f.value > 0]
        if self.figures and not len(self.figures) == len(counts) == 2:
            help = "write the two printed figures: `figures: [3.6 billion, 19.6 billion]`"
            wrong("`figures` are two figures, ours and theirs", help, "figures")

    @classmethod
    def example(cls, value: object) -> str:
        return "write `{macs: 3.6 x 10^9, where: Table 1}`"

    @property
    def quantity(self) -> str:
        """The key that says what the claim is about."""
        return next(key for key in QUANTITIES if getattr(self, key) is not None)

    @property
    def printed(self) -> str:
        """What the source prints of it, in its own words."""
        return str(getattr(self, self.quantity))

    @property
    def relation(self) -> tuple[str, str] | None:
        """How it compares with another spec (`of`, `below`, `equals`), and that spec's name."""
        found = ((key, getattr(self, key)) for key in RELATIONS)
        return next((pair for pair in found if pair[1] is not None), None)

    @property
    def figure(self) -> Figure:
        """The figure in `printed`; only for claims that need one."""
        figure = read_figure(self.printed)
        assert figure is not None  # checked above
        return figure
