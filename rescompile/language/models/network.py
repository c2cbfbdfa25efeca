"""A whole file: input, defaults, blocks, stages, claims, weights."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, cast

from pydantic import (
    Field,
    model_validator,
)

from ... import ops
from ...ir.structure import INPUT, channel_names
from ..names import (
    GlobalName,
    Name,
    NetworkName,
    ParameterName,
    PortName,
    PortNames,
    StepValue,
    ValueName,
)
from ..types import (
    Alpha,
    Bool,
    Deviation,
    Either,
    Epsilon,
    Int,
    Momentum,
    PlainFloat,
    Positive,
    Repeat,
    Rule,
    Slope,
    Text,
    absent,
    shown,
    wrong,
)
from .base import Model
from .claims import Claim
from .operations import ActivationKind, NormKind, key
from .steps import ShortcutField, Step, Steps  # noqa: F401 (Steps refers to Step by name)
from .weights import Checkpoint


def _default(description: str, **given: Any) -> Any:
    """A field that is a model of its defaults, validated together with the whole file."""
    return Field(default_factory=lambda: given, validate_default=True, description=description)


class ParameterSpec(Model):
    """A block parameter. `once`: only the first repetition gets it, the others the default."""

    type: Literal["int", "float", "bool", "extents", "str", "shortcut"] = Field(
        "int",
        description="What its values are. `extents` are a number for each axis, or one for all, "
        "as a kernel is; `str` is a word, such as a kind of activation; "
        "`shortcut` a kind or steps of one.",
    )
    default: Any = Field(
        None, description="The value where a call gives none; without it every call must give one."
    )
    once: Bool = Field(
        False,
        description="Whether only the first of several repetitions gets the argument, and the "
        "others the default: a stride.",
    )
    about: Text = Field("", description="A sentence.")

    @model_validator(mode="after")
    def _once(self) -> "ParameterSpec":
        if self.once and self.type in ("str", "shortcut"):
            help = "repeat the block in a second call, which gives the other word"
            wrong("a word is the same for all repetitions: only numbers are `once`", help, "once")
        if self.once and self.default is None:
            help = "add `default: 1`, say, which the other repetitions get"
            wrong("a parameter that is given `once` needs a default", help, "once")
        return self

    @classmethod
    def example(cls, value: Any) -> str:
        return "write `{type: int}`, perhaps with a `default`"


def _outputs(value: Any) -> str:
    return "named" if isinstance(value, dict) else "list"


class Values(Model):
    """Several inputs or outputs of a block, as many as each of its calls says."""

    name: PortNames = Field(
        description="The pattern of their names: `{i}` counts from zero, `{n}` from one."
    )
    repeat: Repeat = Field(description="How many there are, as a parameter of the block says.")

    @classmethod
    def example(cls, value: Any) -> str:
        return 'write `{name: "x{i}", repeat: $count}`, say'


Port = Annotated[
    PortName | Values,
    Either(lambda value: "several" if isinstance(value, dict) else "one", "one", "several"),
]


class BlockSpec(Model):
    """A block: `body` of named children, `sequence` of numbered ones, or `inline` steps."""

    about: Text = Field(
        "", description="A sentence; the docstring of the emitted class or function."
    )
    parameters: dict[ParameterName, ParameterSpec] = Field(
        default_factory=dict, description="What a call may give, by name."
    )
    let: dict[ValueName, Int] = Field(
        default_factory=dict,
        description="Names for expressions over the parameters, each usable below it.",
    )
    inputs: list[Port] = Field(
        default_factory=list,
        description="With `body`: names for what a call gives with `from`, where that is more than "
        "what comes in.",
    )
    outputs: Annotated[
        list[Port] | dict[PortName, StepValue], Either(_outputs, "list", "named")
    ] = Field(
        default_factory=list,
        description="With `body`: its inputs and steps whose values it gives, where those are "
        "several. A mapping has names for them, each with the value that it stands for.",
    )
    body: Steps | None = Field(None, description="Steps with names: a module.")
    sequence: Steps | None = Field(None, description="Numbered steps: a sequence.")
    inline: Steps | None = Field(None, description="Steps that join the caller's sequence.")

    @classmethod
    def example(cls, value: Any) -> str:
        return "write `body:`, and the list of steps under it"

    @model_validator(mode="after")
    def _one(self) -> "BlockSpec":
        forms = [form for form in (self.body, self.sequence, self.inline) if form is not None]
        if len(forms) != 1:
            help = "write `body:` and a list of steps"
            wrong("a block has exactly one of `body`, `sequence` and `inline`", help)
        if not forms[0]:
            wrong("a block needs at least one step", "add a step, such as `- norm: {}`")
        for name in self.let:
            if name in self.parameters:
                help = f"give the value another name, '{name}_1' say"
                wrong(f"the block has a parameter '{name}' already", help, "let", name)
        self._check_values()
        return self

    def gives(self, outputs: Iterable[str]) -> dict[str, str]:
        """What its outputs, by the names that callers have, are called in the block itself."""
        named = self.outputs if isinstance(self.outputs, dict) else {}
        return {name: named.get(name, name) for name in outputs}

    def _check_values(self) -> None:
        given = self.outputs
        given = [*given.values()] if isinstance(given, dict) else given
        for what, names in (("inputs", self.inputs), ("outputs", given)):
            if names and self.body is None:
                wrong(f"only a block with a `body` has `{what}`", "write `body:`", what)
            for i, name in enumerate(names):
                if isinstance(name, str) and name in names[:i]:
                    at = [*self.outputs][i] if isinstance(getattr(self, what), dict) else i
                    wrong(f"'{name}' stands twice among the `{what}`", "remove one", what, at)
        if len(self.outputs) == 1 and not isinstance(next(iter(self.outputs)), Values):
            help = "make its step the last one, which needs no `outputs`"
            wrong("`outputs` are several values, but this is one", help, "outputs")
        plain = [name for name in self.inputs if isinstance(name, str)]
        every = plain if len(self.inputs) == len(plain) else [*plain, ""]
        for name, called in channel_names(every).items():
            for place in ("parameters", "let"):
                if called in getattr(self, place):
                    message = f"`${called}` are the channels of the input '{name}'"
                    wrong(message, f"use '{called}_1', say", place, called)


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


class InitSpec(Model):
    """How weights are drawn; biases start at zero, norms at one and zero.

    The variance is 2 / fan for the Kaiming kinds and 1 / fan for LeCun's, fan being that of `mode`;
    `uniform_fan_in` and `uniform_fan_out` reach from -1 / sqrt(fan) to 1 / sqrt(fan).
    """

    kind: Literal[
        "kaiming_normal",
        "kaiming_uniform",
        "lecun_uniform",
        "normal",
        "uniform_fan_in",
        "uniform_fan_out",
    ] = Field(description="The distribution.")
    mode: Literal["fan_in", "fan_out"] = Field(
        "fan_out", description="Of the Kaiming and LeCun kinds: which fan the variance goes by."
    )
    std: Deviation = Field(0.01, description="Of `normal`: the standard deviation.")


class InitDefaults(Model):
    conv: InitSpec = _default("Of convolutions.", kind="kaiming_normal")
    linear: InitSpec = _default("Of linear layers.", kind="uniform_fan_in")


class NormDefaults(Model):
    kind: NormKind = Field("batch", description="What `norm: {}` is.")
    epsilon: Epsilon = key(ops.BatchNorm, "epsilon")
    momentum: Momentum = key(ops.BatchNorm, "momentum")
    unbiased: Bool = key(ops.BatchNorm, "unbiased")
    groups: Positive | None = key(ops.GroupNorm, "groups", default=None)


class ActivationDefaults(Model):
    kind: ActivationKind = Field("relu", description="What `activation: {}` is.")
    slope: Slope = key(ops.LeakyRelu, "slope")
    alpha: Alpha = key(ops.Celu, "alpha")
    shared: Bool = key(ops.Prelu, "shared")
    init: PlainFloat = key(ops.Prelu, "init")
    threshold: PlainFloat = key(ops.Threshold, "threshold")
    value: PlainFloat = key(ops.Threshold, "value")


class Defaults(Model):
    """What steps mean that do not say it themselves. `bias` is that of convolutions."""

    bias: Bool = Field(
        False,
        description="Whether convolutions have a bias. Linear layers do unless they say otherwise.",
    )
    padding: Literal["half", "none", "same"] = Field(
        "half",
        description="Of convolutions: `half` is (kernel - 1) // 2 * dilation on every side, "
        "`none` is 0, `same` is TensorFlow's.",
    )
    norm: NormDefaults = _default("What `norm: {}` means.")
    activation: ActivationDefaults = _default("What `activation: {}` means.")
    init: InitDefaults = _default("How weights are drawn.")


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
    defaults: Defaults = _default("What steps mean that do not say it themselves.")
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
