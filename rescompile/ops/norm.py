"""Normalisations, each with a scale and a shift for each channel."""

from __future__ import annotations

from typing import ClassVar, cast

from ..expr.dims import Dim
from ..record import record
from .base import Op, Parameter, Shape, ShapeError


def _affine(count: int) -> tuple[Parameter, ...]:
    return (Parameter("weight", (count,)), Parameter("bias", (count,)))


@record
class BatchNorm(Op):
    """Batch normalisation with scale and shift; `momentum` is the weight of the new batch.

    `unbiased`: what enters the running variance is the batch's unbiased variance, in every target;
    otherwise it is whichever the target's own layer takes.
    """

    word: ClassVar[str] = "batch_norm"
    epsilon: float = 1e-5
    momentum: float = 0.1
    unbiased: bool = False

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        running = (Parameter(f"running_{what}", (x[0],), False) for what in ("mean", "var"))
        return (*_affine(x[0]), *running)


@record
class LayerNorm(Op):
    """Normalisation over the channels, at each position by itself, with scale and shift.

    Among other operations of that sort (`positions`) it finds the channels last.
    """

    word: ClassVar[str] = "layer_norm"
    epsilon: float = 1e-5
    positions: bool = False

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        return _affine(x[0])


@record
class GroupNorm(Op):
    """Normalisation over groups of channels and all positions, with scale and shift."""

    word: ClassVar[str] = "group_norm"
    groups: Dim
    epsilon: float = 1e-5

    def output(self, x: Shape) -> Shape:
        if x[0] % cast(int, self.groups):
            raise ShapeError(
                f"{self.groups} groups do not divide {x[0]} channels",
                help="choose a number of groups that divides the channels",
                key="groups",
            )
        return x

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        return _affine(x[0])
