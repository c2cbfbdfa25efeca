"""A whole file: input, defaults, blocks, stages, claims, weights."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import Field, model_validator

from ...ir.structure import INPUT, channel_names
from ..names import GlobalName, Name, NetworkName, PortName, StepValue
from ..types import Int, Rule, Text, absent, shown, wrong
from .base import Model
from .blocks import BlockSpec
from .claims import Claim
from .defaults import Defaults, default
from .steps import ShortcutField, Step, Steps  # noqa: F401 (Steps refers to Step by name)
from .weights import Checkpoint

_Side = Annotated[int | None, Field(strict=True, ge=1, le=16384)]
_Length = Annotated[int | None, Field(strict=True, ge=1, le=1 << 20)]
# What the axes of an input are called, by their number.
SIZES = (("length",), ("height", "width"), ("frames", "height", "width"))


class InputSpec(Model):
    """What goes in: an image, a sequence by its `length`, or a clip of `frames`.

    One of several has a name of its own.
    """

    channels: Annotated[int, Field(strict=True, ge=1, le=4096)] = Field(
        3, description="Its channels."
    )
    length: _Length = Field(None, description="Of a sequence: its samples.")
    frames: _Side = Field(None, description="Of a clip, or a volume: its images.")
    height: _Side = Field(None, description="Of an image: its height in pixels.")
    width: _Side = Field(None, description="Of an image: its width in pixels.")

    @property
    def size(self) -> dict[str, int]:
        """Its extents by their names, in the order of the axes."""
        sizes = {key: getattr(self, key) for key in ("length", *SIZES[-1])}
        return {key: value for key, value in sizes.items() if value is not None}

    @model_validator(mode="after")
    def _one(self) -> "InputSpec":
        said = tuple(self.size)
        if "length" in said and len(said) > 1:
            help = "write `length` alone for a sequence, or `height` and `width` for images"
            wrong(f"a sequence has a length, and no {said[1]}", help, said[1])
        if said not in SIZES:
            missing = next(key for key in ("height", "width") if key not in said)
            more = "" if said else ", say, or the `length` of a sequence"
            absent(missing, f"add `{missing}: 224`{more}")
        return self

    @classmethod
    def example(cls, value: Any) -> str:
        whole = isinstance(value, list) and all(type(v) is int for v in value)
        shape = value if whole and len(value) in (2, 3, 4) else (3, 224, 224)
        names = ("channels", *SIZES[len(shape) - 2])
        return f"write `{{{', '.join(map('{}: {}'.format, names, shape))}}}`"


def _features(value: Any) -> bool | list[int]:
    if isinstance(value, bool):
        return value
    help = "write `true`, or a list such as [8, 16, 32]"
    if not isinstance(value, list) or not value:
        wrong(f"expected true, false or a list of strides, found {shown(value)}", help)
    for n in value:
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            wrong(f"expected a stride, a whole number from 1, found {shown(n)}", help)
    if len(set(value)) < len(value):
        wrong("a stride stands twice", "each stride has one last map")
    return value


class Spec(Model):
    """A network. `allow` lists the warnings of `rescompile lint` that it is not to give."""

    rescompile: Literal[1] = Field(description="The version of the language.")
    name: NetworkName = Field(
        description="The network's name: of the file that is emitted and of the function in it."
    )
    title: Text = Field("", description="Its name in prose.")
    class_name: NetworkName | None = Field(
        None,
        description="The name of its class, where a backend makes one. By default `name` in Pascal "
        "case, its words spelled as in the title: `ResNet50V1_5`.",
    )
    source: Text = Field(
        "", description="Where it is described: the paper, the table, the variant."
    )
    input: InputSpec | None = Field(None, description="The image that goes in.")
    inputs: dict[PortName, InputSpec] = Field(
        default_factory=dict,
        description="What goes in, by name, where that is more than one image. Steps begin with "
        "`from` one of them.",
    )
    classes: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = Field(
        None, description="Outputs of the classifier; `$classes` in the network's own steps."
    )
    shortcut: ShortcutField | None = Field(
        None, description="The kind of shortcut that `$shortcut` stands for in blocks."
    )
    parameters: dict[GlobalName, Any] = Field(
        default_factory=dict,
        description="Numbers and words that expressions and blocks may name, such as a width "
        "multiplier.",
    )
    let: dict[GlobalName, Int] = Field(
        default_factory=dict,
        description="Names for expressions over the parameters, each usable below it and wherever "
        "parameters are.",
    )
    defaults: Defaults = default("What steps mean that do not say it themselves.")
    blocks: dict[Name, BlockSpec] = Field(
        default_factory=dict, description="Blocks by name, beside those of `use`."
    )
    stem: Steps = Field(default_factory=list, description="The first steps.")
    stages: Steps = Field(default_factory=list, description="The rows of the paper's table.")
    head: Steps = Field(default_factory=list, description="The last steps.")
    outputs: list[StepValue] = Field(
        default_factory=list,
        description="Steps whose values the network returns instead of the last one's, in this "
        "order. `features.3` is what leaves the step of the group `features` that is called 3.",
    )
    features: Annotated[
        bool | list[int],
        Rule(
            _features,
            anyOf=[
                {"type": "boolean"},
                {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 1}},
            ],
        ),
    ] = Field(
        False,
        description="Whether it is a backbone: without its head it returns the last map at each "
        "stride, or at the strides of a list, `[8, 16, 32]`.",
    )
    claims: list[Claim] = Field(
        default_factory=list, description="What the source prints about sizes."
    )
    weights: list[Checkpoint] = Field(
        default_factory=list, description="Files of its trained weights that are published."
    )
    allow: list[Name] = Field(
        default_factory=list, description="Warnings of `rescompile lint` that it is not to give."
    )

    @model_validator(mode="after")
    def _two_names(self) -> "Spec":
        for name in self.let:
            if name in self.parameters:
                help = f"give the value another name, '{name}_1' say"
                wrong(f"the network has a parameter '{name}' already", help, "let", name)
        if self.class_name == self.name:
            wrong("the class has the name of the function", "capitalise it", "class_name")
        if self.features and self.outputs:
            message = "`features` finds the outputs by itself, but `outputs` are named as well"
            wrong(message, "remove one of them", "features")
        return self

    @model_validator(mode="after")
    def _something_goes_in(self) -> "Spec":
        if self.input is None and not self.inputs:
            help = "write `input: {channels: 3, height: 224, width: 224}`, say"
            wrong("the network has no `input`", help)
        if self.input is not None and self.inputs:
            help = "write all of them under `inputs`; of a base's, `input: ~` removes its one"
            wrong("the network has both `input` and `inputs`", help, "inputs")
        for name, given in self.inputs.items():
            if len(given.size) != self.axes:
                first = next(iter(self.inputs))
                message = f"'{name}' has {len(given.size)} axes, but '{first}' has {self.axes}"
                wrong(message, "give all inputs the same axes", "inputs", name)
        for name, called in channel_names(self.inputs).items():
            for place in ("parameters", "let"):
                if called in getattr(self, place):
                    message = f"`${called}` are the channels of the input '{name}'"
                    wrong(message, f"use '{called}_1', say", place, called)
        return self

    @property
    def entering(self) -> Mapping[str, InputSpec]:
        """What goes in, by name; an only image is called `input`."""
        return self.inputs or {INPUT: cast(InputSpec, self.input)}

    @property
    def axes(self) -> int:
        """How many axes its maps have: those of what goes in."""
        return len(next(iter(self.entering.values())).size)

    @model_validator(mode="after")
    def _two_entries(self) -> "Spec":
        names = [entry.name for entry in self.weights]
        for i, name in enumerate(names):
            if name in names[:i]:
                wrong(f"two weights are called '{name}'", "give one of them another", "weights", i)
        return self
