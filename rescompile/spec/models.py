"""The spec language as pydantic models: what a file may say, key by key.

Unknown keys are errors. A value that varies is an expression over parameters with the sigil `$`.
Every model knows where it stands in its file (`at`), so that later passes can point at it.
"""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    Tag,
    model_validator,
)

from ..errors import Location, did_you_mean
from .located import Located
from .values import (
    Bool,
    Children,
    Condition,
    Deviation,
    Epsilon,
    Int,
    Momentum,
    Name,
    Padding,
    Pair,
    PlainFloat,
    PoolPadding,
    Positive,
    Rate,
    Repeat,
    Slope,
    Text,
    choice,
    shown,
    wrong,
)

ACTIVATIONS = (
    "none",
    "relu",
    "relu6",
    "leaky_relu",
    "sigmoid",
    "hard_sigmoid",
    "tanh",
    "silu",
    "hard_swish",
    "gelu",
    "elu",
    "softmax",
)
NORMS = ("none", "batch", "layer", "group")
SHORTCUTS = (
    "none",
    "identity",
    "pad",
    "projection",
    "projection_always",
    "avg_projection",
)
ActivationKind = Annotated[str, choice(ACTIVATIONS, "activation")]
NormKind = Annotated[str, choice(NORMS, "norm")]
ShortcutKind = Annotated[str, choice(SHORTCUTS, "shortcut")]


class Model(BaseModel):
    """Base of all parts of a spec: strict about keys, and aware of its place in the file."""

    # Each model would build a validator of its own; only those of whole files are ever needed.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    _source: Located | None = PrivateAttr(None)

    @model_validator(mode="wrap")
    @classmethod
    def _locate(cls, value: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
        """A validated model that knows its place."""
        if value is None:
            wrong("expected a mapping, found nothing", "write {} where there is nothing to say")
        if not isinstance(value, (dict, BaseModel)):
            wrong(f"expected a mapping, found {shown(value)}", cls.example(value))
        if isinstance(value, Located):
            value.model = cls
        made = handler(value)
        if isinstance(value, Located):
            made._source = value
        return made

    @classmethod
    def example(cls, value: Any) -> str:
        """What to write in the place of a `value` that is no mapping."""
        keys = [f"{key}: ..." for key, field in cls.model_fields.items() if field.is_required()]
        return f"write `{{{', '.join(keys)}}}`"

    def at(self, key: str | None = None, index: str | int | None = None) -> Location | None:
        """Where the value of `key` stands, or its element `index`, or the model itself."""
        if self._source is None:
            return None
        if key is None:
            return self._source.at
        places = getattr(self._source.get(key), "places", ())
        if (isinstance(places, dict) and index in places) or (isinstance(index, int) and places):
            return places[index]  # type: ignore[no-any-return]
        return self._source.places.get(key, self._source.at)

    def key_at(self, key: str) -> Location | None:
        """Where the key itself stands."""
        return self._source.keys_at.get(key) if self._source is not None else None


def _default(**given: Any) -> Any:
    """A field that is a model of its defaults, validated together with the whole file."""
    return Field(default_factory=lambda: given, validate_default=True)


class Conv(Model):
    """2-D convolution. Padding defaults to (kernel - 1) // 2 * dilation on every side."""

    channels: Positive
    kernel: Pair
    stride: Pair = 1
    padding: Padding | None = None
    dilation: Pair = 1
    groups: Positive = 1
    bias: Bool | None = None


class DepthwiseConv(Model):
    """Convolution of each channel by itself; `multiplier` outputs for each input channel."""

    kernel: Pair
    stride: Pair = 1
    padding: Padding | None = None
    dilation: Pair = 1
    multiplier: Positive = 1
    bias: Bool | None = None


class Linear(Model):
    """Fully connected layer on a vector."""

    features: Positive
    bias: Bool = True


class Norm(Model):
    """Normalisation: of the defaults' kind unless said. Momentum is the weight of the new batch."""

    kind: NormKind | None = None
    epsilon: Epsilon | None = None
    momentum: Momentum | None = None
    groups: Positive | None = None


class Activation(Model):
    """Elementwise function: of the defaults' kind unless said."""

    kind: ActivationKind | None = None
    slope: Slope | None = None


class MaxPool(Model):
    """Maximum over a window; the stride defaults to the kernel, the padding to none."""

    kernel: Pair
    stride: Pair | None = None
    padding: PoolPadding = 0
    ceil_mode: Bool = False


class AvgPool(MaxPool):
    """Mean over a window; padded zeros count only with count_include_pad."""

    count_include_pad: Bool = False


class GlobalAvgPool(Model):
    """Mean over all positions, as a vector; with keepdims as a 1 x 1 map."""

    keepdims: Bool = False


class Flatten(Model):
    """A map as a vector, in the order channels, rows, columns."""


class Dropout(Model):
    """Zeroes values with probability `rate` in training."""

    rate: Rate


class StochasticDepth(Model):
    """Zeroes whole samples with probability `rate` in training."""

    rate: Rate


class LayerScale(Model):
    """A learned factor for each channel."""

    init: PlainFloat = 1e-6


class PadChannels(Model):
    """Channels of zeros before and after."""

    before: Int = 0
    after: Int = 0


class SliceChannels(Model):
    """The channels from `start` up to, not including, `stop`."""

    start: Int = 0
    stop: Positive


class ChannelShuffle(Model):
    """Interleaves groups of channels."""

    groups: Positive


class Upsample(Model):
    """Height and width times `scale`."""

    scale: Positive
    mode: Literal["nearest", "bilinear"] = "nearest"


def _is_list(value: Any) -> str:
    return "steps" if isinstance(value, list) else "step"


def _branches(value: Any) -> str:
    return "named" if isinstance(value, dict) else "listed"


def _shortcut(value: Any) -> str:
    if isinstance(value, str):
        return "kind"
    return "steps" if isinstance(value, list) else "shortcut"


Steps = Annotated[list["Step"], Field(max_length=2000)]
StepOrSteps = Annotated[
    Annotated["Step", Tag("step")] | Annotated[Steps, Tag("steps")], Discriminator(_is_list)
]
Branches = Annotated[
    Annotated[dict[Name, StepOrSteps], Tag("named")] | Annotated[list[Steps], Tag("listed")],
    Discriminator(_branches),
]


class Shortcut(Model):
    """A shortcut in full: a kind or steps of its own, and details of it.

    `norm: false` leaves the projection without its normalisation; `pad` puts the zero channels of
    option A on both sides or after; `where` tells when `steps` are taken.
    """

    kind: ShortcutKind | None = None
    steps: Steps | None = None
    where: Literal["always", "shape_changes"] = "always"
    norm: Bool = True
    pad: Literal["both", "after"] = "both"

    @model_validator(mode="after")
    def _one(self) -> "Shortcut":
        if (self.kind is None) == (self.steps is None):
            wrong("a shortcut has either a `kind` or `steps`")
        return self


ShortcutField = Annotated[
    Annotated[ShortcutKind, Tag("kind")]
    | Annotated[Steps, Tag("steps")]
    | Annotated[Shortcut, Tag("shortcut")],
    Discriminator(_shortcut),
]


class Residual(Model):
    """y = branch(preactivation(x)) + shortcut(x).

    A shortcut that is not the identity starts from x, or, with `tap: preactivation`, from
    preactivation(x). `when` is the condition under which the shortcut exists.
    """

    branch: Steps
    shortcut: ShortcutField
    preactivation: Steps = Field(default_factory=list)
    tap: Literal["input", "preactivation"] = "input"
    when: Condition = True

    @model_validator(mode="after")
    def _not_empty(self) -> "Residual":
        if not self.branch:
            wrong("the branch of a residual is empty", "give it at least one step", "branch")
        return self


class Step(Model):
    """One step: exactly one operation, group, join, residual or block call, perhaps with a name."""

    model_config = ConfigDict(extra="allow")

    name: Name | None = None
    when: Condition = True
    repeat: Repeat | None = None
    children: Children | None = None

    conv: Conv | None = None
    depthwise_conv: DepthwiseConv | None = None
    linear: Linear | None = None
    norm: Norm | None = None
    activation: Activation | None = None
    max_pool: MaxPool | None = None
    avg_pool: AvgPool | None = None
    global_avg_pool: GlobalAvgPool | None = None
    flatten: Flatten | None = None
    dropout: Dropout | None = None
    stochastic_depth: StochasticDepth | None = None
    layer_scale: LayerScale | None = None
    pad_channels: PadChannels | None = None
    slice_channels: SliceChannels | None = None
    channel_shuffle: ChannelShuffle | None = None
    upsample: Upsample | None = None

    group: Steps | None = None
    steps: Steps | None = None
    add: Branches | None = None
    multiply: Branches | None = None
    concat: Branches | None = None
    residual: Residual | None = None
    block: Name | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> "Step":
        words = [w for w in WORDS if w in self.model_fields_set]
        extras = list(self.__pydantic_extra__ or {})
        if not words and extras:
            wrong(f"unknown step '{extras[0]}'", _step_help(extras[0]), extras[0])
        if not words:
            wrong("a step must say what it does", "write `conv: {...}` or `block: NAME`, say")
        if len(words) > 1:
            wrong(
                f"a step does one thing, but this one has `{words[0]}` and `{words[1]}`",
                "make two steps of it, each with its own dash",
                words[1],
            )
        if extras and words[0] != "block":
            wrong(
                f"unknown key '{extras[0]}' in a `{words[0]}` step",
                did_you_mean(extras[0], (*COMMON, *WORDS)),
                extras[0],
            )
        if getattr(self, words[0]) is None:
            help = f"write `{words[0]}: {{}}` for an operation with its defaults"
            wrong(f"`{words[0]}` has nothing after it", help, words[0])
        if self.layer_scale is not None and self.when is not True:
            wrong("a `layer_scale` step has no condition", "put it into a block of its own", "when")
        self._check_common(words[0])
        return self

    def _check_common(self, word: str) -> None:
        if self.repeat is not None and word not in ("block", "steps"):
            help = "put the step into a block, or under `steps:` inside a group"
            wrong(f"a `{word}` step cannot be repeated", help, "repeat")
        if self.repeat is None and word == "steps":
            wrong("`steps` without `repeat` has no meaning", "use `group:` for a sequence", "steps")
        if self.repeat is None and self.children is not None:
            wrong("`children` names repetitions, but nothing is repeated", key="children")
        if self.when is not True and word in ("add", "multiply", "concat", "steps", "residual"):
            help = "for a residual write `when` inside of it; else put the step into a block"
            wrong(f"a `{word}` step has no condition of its own", help, "when")

    @classmethod
    def example(cls, value: Any) -> str:
        return f"write `{value}: {{}}`" if value in WORDS else "write `conv: {...}`, say"

    @property
    def word(self) -> str:
        """The key that says what the step does."""
        return next(w for w in WORDS if w in self.model_fields_set)

    @property
    def arguments(self) -> dict[str, Any]:
        """The parameters of a block call: every key that is no key of the language."""
        return dict(self.__pydantic_extra__ or {})


COMMON = ("name", "when", "repeat", "children")
WORDS = tuple(name for name in Step.__annotations__ if name not in COMMON and name[0] != "_")


def _step_help(word: str) -> str:
    """What a step that does not exist is called here."""
    if word in ACTIVATIONS:
        return f"write `activation: {{kind: {word}}}`"
    if word.removesuffix("_norm") in NORMS:
        return f"write `norm: {{kind: {word.removesuffix('_norm')}}}`"
    return did_you_mean(word, WORDS)


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


class Claim(Model):
    """A figure that the source prints, and where."""

    layers: PlainFloat | None = None
    parameters: PlainFloat | None = None
    macs: PlainFloat | None = None
    printed: Text
    where: Text
    about: Text = ""


class Spec(Model):
    """A network."""

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
    outputs: list[Name] = Field(default_factory=list)
    claims: list[Claim] = Field(default_factory=list)
