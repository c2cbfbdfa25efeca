"""Normalisations, each with a scale and a shift for each channel."""

from __future__ import annotations

from math import prod
from typing import ClassVar

from ..expr.dims import Dim
from .attribute import Kind, attribute, operation
from .base import Op, Parameter, Shape, ShapeError, check_groups

EPSILON = "Added to the variance."


class Norm(Op):
    """Base of the normalisations; the spec calls them all `norm`, of a `kind`."""

    __slots__ = ()
    called = "norm"
    kind: ClassVar[str]
    fresh = light = True

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        scale, shift = Parameter("weight", (x[0],), start=1.0), Parameter("bias", (x[0],))
        return scale, shift


@operation
class BatchNorm(Norm):
    """For each channel over batch and positions; in evaluation by running statistics."""

    word, kind = "batch_norm", "batch"
    epsilon: float = attribute(Kind.EPSILON, EPSILON, default=1e-5)
    momentum: float = attribute(
        Kind.MOMENTUM,
        "The weight of the new batch in the running statistics, as in PyTorch; Keras' 0.99 is 0.01 "
        "here.",
        default=0.1,
    )
    # Otherwise what enters the running variance is whatever the target's own layer takes.
    unbiased: bool = attribute(
        Kind.BOOL,
        "Whether every backend tracks the unbiased variance, as PyTorch does anyway.",
        default=False,
    )

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        mean = Parameter("running_mean", (x[0],), False)
        variance = Parameter("running_var", (x[0],), False, 1.0)
        return (*Norm.parameters(self, x), mean, variance)


@operation
class LayerNorm(Norm):
    """Over the channels, at each position by itself."""

    word, kind = "layer_norm", "layer"
    positional = True
    epsilon: float = attribute(Kind.EPSILON, EPSILON, default=1e-5)
    positions: bool = False  # whether it stands among others of that sort: the channels are last


@operation
class GroupNorm(Norm):
    """Over groups of channels and all positions."""

    word, kind = "group_norm", "group"
    groups: Dim = attribute(
        Kind.POSITIVE, "Of group normalisation: how many; it divides the channels."
    )
    epsilon: float = attribute(Kind.EPSILON, EPSILON, default=1e-5)

    def output(self, x: Shape) -> Shape:
        check_groups(self.groups, x[0])
        return x


@operation
class InstanceNorm(Norm):
    """Over all positions of each channel by itself, in training and in evaluation alike."""

    word, kind = "instance_norm", "instance"
    epsilon: float = attribute(Kind.EPSILON, EPSILON, default=1e-5)

    def output(self, x: Shape) -> Shape:
        if prod(x) == x[0]:
            raise ShapeError(
                "instance_norm: one value in each channel has no variance",
                help="put it before what leaves one pixel, or take another kind, as `layer`",
                key="kind",
            )
        return x
