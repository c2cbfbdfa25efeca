"""Operations of training: dropped values, dropped branches, learned factors."""

from __future__ import annotations

from typing import ClassVar, cast

from ..expr.dims import Dim
from ..record import record
from .base import Op, Parameter, Shape, ShapeError, as_map


@record
class Dropout(Op):
    """Zeroes each value with probability `rate` in training, scaling the rest by 1 / (1 - rate)."""

    word: ClassVar[str] = "dropout"
    rate: Dim

    def check(self) -> None:
        _check_rate(self.word, self.rate)


@record
class StochasticDepth(Op):
    """Zeroes a whole sample with probability `rate` in training, scaling the rest."""

    word: ClassVar[str] = "stochastic_depth"
    rate: Dim

    def output(self, x: Shape) -> Shape:
        as_map(x, "stochastic_depth")
        return x

    def check(self) -> None:
        _check_rate(self.word, self.rate)


def _check_rate(word: str, rate: Dim) -> None:
    if not 0 <= cast(float, rate) < 1:
        raise ShapeError(
            f"{word}: rate is {rate}; it must be at least 0 and less than 1",
            help="check the expression, and the values that it gets here",
            key="rate",
        )


@record
class LayerScale(Op):
    """A learned factor for each channel, `init` at first (Touvron et al. 2021)."""

    word: ClassVar[str] = "layer_scale"
    init: float = 1e-6

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        return (Parameter("", (x[0], *(1 for _ in x[1:]))),)
