"""What steps mean that do not say it themselves."""

from typing import Any, Literal

from pydantic import Field

from ... import ops
from ..types import Alpha, Bool, Deviation, Epsilon, Momentum, PlainFloat, Positive, Slope
from .base import Model
from .operations import ActivationKind, NormKind, key


def default(description: str, **given: Any) -> Any:
    """A field that is a model of its defaults, validated together with the whole file."""
    return Field(default_factory=lambda: given, validate_default=True, description=description)


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
    conv: InitSpec = default("Of convolutions.", kind="kaiming_normal")
    linear: InitSpec = default("Of linear layers.", kind="uniform_fan_in")


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
    norm: NormDefaults = default("What `norm: {}` means.")
    activation: ActivationDefaults = default("What `activation: {}` means.")
    init: InitDefaults = default("How weights are drawn.")
