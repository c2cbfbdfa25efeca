"""Linear layers, and the step from maps to vectors."""

from __future__ import annotations

from math import prod
from typing import ClassVar, cast

from ..expr.dims import Dim
from ..record import record
from .base import Op, Parameter, Shape, ShapeError, as_map, show_shape
from .resize import Resize, Resizes


@record
class Linear(Op):
    """y = W x + b on a vector, or at each of the `positions` of a map; weight is (out, in)."""

    word: ClassVar[str] = "linear"
    features: Dim
    bias: bool = True
    positions: bool = False

    def output(self, x: Shape) -> Shape:
        if self.positions:
            return (cast(int, self.features), *as_map(x, "a step of `positions`")[1:])
        if len(x) != 1:
            raise ShapeError(
                "linear needs a vector, but its input is a map",
                f"the input is {show_shape(x)}",
                "put `global_avg_pool: {}` or `flatten: {}` before it, or it under `positions:`",
            )
        return (cast(int, self.features),)

    def leaving(self, x: Dim) -> Dim:
        return self.features

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        out = cast(int, self.features)
        weight = Parameter("weight", (out, x[0]))
        return (weight, Parameter("bias", (out,))) if self.bias else (weight,)


class Flatten(Op):
    """A map as a vector, in the order channels, rows, columns."""

    __slots__ = ()
    word: ClassVar[str] = "flatten"

    def output(self, x: Shape) -> Shape:
        return (prod(x),)

    def resizes(self) -> Resizes:
        return Resize(single=True), Resize(single=True)
