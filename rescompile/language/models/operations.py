"""The operations of the language: each has a model made from its class.

By hand are those that are several operations, or not quite one: norms and activations by their
kinds, and depthwise convolutions. Their keys are declared by the operations, too.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, create_model, model_validator

from ... import ops
from ...ops import Attribute, Kind, Op, attributes
from ..names import StepValue
from ..types import (
    Alpha,
    Bool,
    Condition,
    Cut,
    Epsilon,
    Extents,
    ExtentsFromZero,
    Factor,
    Int,
    Momentum,
    Padding,
    PlainFloat,
    PoolPadding,
    Positive,
    Rate,
    Sides,
    Slope,
    choice,
    wrong,
)
from .base import Model

ACTIVATIONS = ("none", *ops.ACTIVATIONS)
NORMS = {"none": "no normalisation: the step is left out"} | {
    kind: about[0].lower() + about[1:].rstrip(".")
    for kind, about in ((kind, str(op.__doc__)) for kind, op in ops.NORMS.items())
}
# What a kind takes beside itself; an option that it does not take would change nothing.
NORM_OPTIONS = {"none": (), **{kind: tuple(attributes(op)) for kind, op in ops.NORMS.items()}}
ACTIVATION_OPTIONS = {
    "none": (),
    **{kind: tuple(attributes(op)) for kind, op in ops.ACTIVATIONS.items()},
}
SHORTCUTS = {
    "none": "nothing is added: the plain networks of He et al. 2015",
    "identity": "the input itself; the branch must keep the shape",
    "pad": "where the shape changes, every stride-th pixel and zeros for the channels that are "
    "missing (option A)",
    "projection": "where the shape changes, a 1x1 convolution with the branch's stride, and its "
    "normalisation (option B)",
    "projection_always": "that projection in every block (option C)",
    "avg_projection": "where the shape changes, an average pool with the branch's stride, then a "
    "1x1 convolution and its normalisation (ResNet-D)",
}
ActivationKind = Annotated[str, choice(ACTIVATIONS, "activation")]
NormKind = Annotated[str, choice(NORMS, "norm")]
ShortcutKind = Annotated[str, choice(SHORTCUTS, "shortcut")]


TYPES: dict[Kind, Any] = {
    Kind.POSITIVE: Positive,
    Kind.WHOLE: Int,
    Kind.EXTENTS: Extents,
    Kind.EXTENTS_FROM_ZERO: ExtentsFromZero,
    Kind.PADDING: Padding,
    Kind.POOL_PADDING: PoolPadding,
    Kind.SIDES: Sides,
    Kind.CUT: Cut,
    Kind.RATE: Rate,
    Kind.FLOAT: PlainFloat,
    Kind.FACTOR: Factor,
    Kind.EPSILON: Epsilon,
    Kind.MOMENTUM: Momentum,
    Kind.SLOPE: Slope,
    Kind.ALPHA: Alpha,
    Kind.BOOL: Bool,
    Kind.FLAG: Condition,
    Kind.STEP: StepValue,
}


def key(op: type[Op], name: str, **given: Any) -> Any:
    """The field of an attribute, with its default unless another is given."""
    declared = attributes(op)[name]
    return Field(**{"default": _plain(declared.absent), "description": declared.doc, **given})


def _plain(value: Any) -> Any:
    """A default as a spec would say it."""
    return ... if value is ops.REQUIRED else getattr(value, "value", value)


def _type(declared: Attribute) -> Any:
    kind = declared.kind
    known = TYPES[kind] if isinstance(kind, Kind) else Literal[tuple(one.value for one in kind)]
    return known | None if declared.absent is None else known


class DepthwiseConv(Model):
    """Convolution of each channel by itself; `multiplier` outputs for each input channel.

    C channels become C * multiplier; the extents of the map as with `conv`.
    """

    kernel: Extents = key(ops.Conv, "kernel")
    stride: Extents = key(ops.Conv, "stride")
    padding: Padding | None = key(
        ops.Conv, "padding", description="Zeros around the map, as for `conv`."
    )
    dilation: Extents = key(ops.Conv, "dilation")
    multiplier: Positive = Field(1, description="Outputs for each input channel.")
    bias: Condition | None = key(ops.Conv, "bias")


class Upsample(Model):
    """A larger map: of `scale` times the height and the width, or of those of another step's map.

    `to` names an earlier step, as `from` does, or is `input`, what comes into the network or the
    block. A map of n rows becomes one of m, at least n; where pixels are repeated n divides m.
    """

    scale: Positive | None = key(ops.Upsample, "scale", default=None)
    to: StepValue | None = key(ops.UpsampleTo, "to", default=None)
    mode: Literal["nearest", "linear", "bilinear", "trilinear"] = key(ops.Upsample, "mode")
    align_corners: Bool = key(ops.Upsample, "align_corners")

    @model_validator(mode="after")
    def _one_size(self) -> "Upsample":
        if (self.scale is None) == (self.to is None):
            wrong(
                "`upsample` has either `scale` or `to`",
                "write `scale: 2` for a factor, or `to: NAME` for the size of an earlier step",
                *(() if self.to is None else ("to",)),
            )
        return self


class Norm(Model):
    """Normalisation with a scale and a shift for each channel; the shape stays.

    It is of the defaults' kind unless it says otherwise.
    """

    kind: NormKind | None = Field(
        None, description="Which normalisation; `none` leaves the step out."
    )
    epsilon: Epsilon | None = key(ops.BatchNorm, "epsilon", default=None)
    momentum: Momentum | None = key(ops.BatchNorm, "momentum", default=None)
    unbiased: Bool | None = key(ops.BatchNorm, "unbiased", default=None)
    groups: Positive | None = key(ops.GroupNorm, "groups", default=None)


class Activation(Model):
    """Elementwise function, of the defaults' kind unless it says otherwise; the shape stays."""

    kind: ActivationKind | None = Field(
        None, description="Which function; `none` leaves the step out."
    )
    slope: Slope | None = key(ops.LeakyRelu, "slope", default=None)
    alpha: Alpha | None = key(ops.Celu, "alpha", default=None)
    shared: Bool | None = key(ops.Prelu, "shared", default=None)
    init: PlainFloat | None = key(ops.Prelu, "init", default=None)
    threshold: PlainFloat | None = key(ops.Threshold, "threshold", default=None)
    value: PlainFloat | None = key(ops.Threshold, "value", default=None)


def _models(op: type[Op]) -> dict[str, type[Model]]:
    """By their words, the steps of the language that say an operation."""
    if issubclass(op, ops.Norm):
        return {"norm": Norm}
    if issubclass(op, ops.Activation):
        return {"activation": Activation}
    if op is ops.Permute:
        return {}  # `positions` make it
    if issubclass(op, ops.Resampled):
        return {"upsample": Upsample}
    declared = attributes(op)
    fields: dict[str, Any] = {name: (_type(one), key(op, name)) for name, one in declared.items()}
    made = create_model(
        op.__name__, __base__=Model, __doc__=op.__doc__, __module__=__name__, **fields
    )
    return {op.word: made} | ({"depthwise_conv": DepthwiseConv} if op is ops.Conv else {})


OPERATIONS = {word: model for op in ops.OPS for word, model in _models(op).items()}
