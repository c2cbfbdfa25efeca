"""A whole file: input, defaults, blocks, stages, claims."""

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    model_validator,
)

from ..values import (
    Bool,
    Deviation,
    Epsilon,
    Int,
    Momentum,
    Name,
    Positive,
    Rule,
    Slope,
    Text,
    as_name,
    shown,
    wrong,
)
from .base import Model
from .claims import Claim
from .operations import (
    ActivationKind,
    NormKind,
)
from .steps import ShortcutField, Step, Steps  # noqa: F401 (Steps refers to Step by name)


def _default(**given: Any) -> Any:
    """A field that is a model of its defaults, validated together with the whole file."""
    return Field(default_factory=lambda: given, validate_default=True)


class ParameterSpec(Model):
    """A block parameter. `once`: only the first repetition gets it, the others the default."""

    type: Literal["int", "float", "bool", "str", "shortcut"] = "int"
    default: Any = None
    once: Bool = False
    about: Text = ""


class BlockSpec(Model):
    """A block: `body` of named children, `sequence` of numbered ones, or `inline` steps."""

    about: Text = ""
    parameters: dict[Name, ParameterSpec] = Field(default_factory=dict)
    let: dict[Name, Int] = Field(default_factory=dict)
    body: Steps | None = None
    sequence: Steps | None = None
    inline: Steps | None = None

    @model_validator(mode="after")
    def _one(self) -> "BlockSpec":
        forms = [form for form in (self.body, self.sequence, self.inline) if form is not None]
        if len(forms) != 1:
            help = "write `body:` and a list of steps"
            wrong("a block has exactly one of `body`, `sequence` and `inline`", help)
        if not forms[0]:
            wrong("a block needs at least one step", "add a step, such as `- norm: {}`")
        return self


class InputSpec(Model):
    """The input image."""

    channels: Annotated[int, Field(strict=True, ge=1, le=4096)] = 3
    height: Annotated[int, Field(strict=True, ge=1, le=16384)]
    width: Annotated[int, Field(strict=True, ge=1, le=16384)]


class InitSpec(Model):
    """How weights are drawn; biases start at zero, norms at one and zero."""

    kind: Literal["kaiming_normal", "normal", "uniform_fan_in"]
    mode: Literal["fan_in", "fan_out"] = "fan_out"
    std: Deviation = 0.01


class InitDefaults(Model):
    conv: InitSpec = _default(kind="kaiming_normal")
    linear: InitSpec = _default(kind="uniform_fan_in")


class NormDefaults(Model):
    kind: NormKind = "batch"
    epsilon: Epsilon = 1e-5
    momentum: Momentum = 0.1
    groups: Positive | None = None


class ActivationDefaults(Model):
    kind: ActivationKind = "relu"
    slope: Slope = 0.01


class Defaults(Model):
    """What steps mean that do not say it themselves. `bias` is that of convolutions."""

    bias: Bool = False
    padding: Literal["half", "none", "same"] = "half"
    norm: NormDefaults = _default()
    activation: ActivationDefaults = _default()
    init: InitDefaults = _default()


def _output(value: Any) -> str:
    first, dot, _ = value.partition(".") if isinstance(value, str) else ("", "", "")
    if dot:
        message = f"{shown(value)} lies inside of '{first}', but only whole steps are returned"
        wrong(message, f"return '{first}', or write what is inside of it as steps of the network")
    name: str = as_name(value)
    return name


class Spec(Model):
    """A network. `allow` lists the warnings of `rescompile lint` that it is not to give."""

    rescompile: Literal[1]
    name: Name
    title: Text = ""
    source: Text = ""
    input: InputSpec
    classes: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    shortcut: ShortcutField | None = None
    parameters: dict[Name, Any] = Field(default_factory=dict)
    defaults: Defaults = _default()
    blocks: dict[Name, BlockSpec] = Field(default_factory=dict)
    stem: Steps = Field(default_factory=list)
    stages: Steps = Field(default_factory=list)
    head: Steps = Field(default_factory=list)
    outputs: list[Annotated[str, Rule(_output, type="string")]] = Field(default_factory=list)
    claims: list[Claim] = Field(default_factory=list)
    allow: list[Name] = Field(default_factory=list)
