"""Linear layers, and the step from maps to vectors."""

from __future__ import annotations

from math import prod
from typing import cast

from ..expr.dims import Dim, binary
from ..expr.polynomial import product
from .attribute import Kind, attribute, operation
from .axis import Axis
from .base import Extents, Parameter, Role, Shape, ShapeError, Weighted, as_map, show_shape
from .channel import Rearrangement
from .resize import FIXED, Resizes
from .window import ints


@operation
class Linear(Weighted):
    """Fully connected layer, from a vector to one of `features`."""

    word = "linear"
    role = Role.LINEAR
    positional = True
    features: Dim = attribute(Kind.POSITIVE, "Length of the output vector.")
    bias: Dim = attribute(Kind.FLAG, "Whether a number is added to each output.", default=True)
    positions: bool = False  # whether it is applied at each position of a map

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
        return self.weights((out, x[0]), out)

    def macs(self, x: Shape, y: Shape) -> int:
        return x[0] * prod(y)

    def sees(self, x: Shape) -> tuple[Axis, ...] | None:
        return Weighted.sees(self, x) if self.positions else None


class Flatten(Rearrangement):
    """A map as a vector, in the order of channels, rows, columns: the channels come first."""

    __slots__ = ()
    word = "flatten"
    light = True

    def output(self, x: Shape) -> Shape:
        return (prod(x),)

    def resizes(self) -> Resizes:
        return (FIXED,)


@operation
class Unflatten(Rearrangement):
    """A vector as a map: the inverse of `flatten`.

    The order is channels, rows, columns, in every framework.
    """

    word, axes = "unflatten", (2,)
    size: Extents = attribute(
        Kind.EXTENTS, "Extents of the map; their product divides the features."
    )

    def output(self, x: Shape) -> Shape:
        size, pixels = ints(self.size), prod(ints(self.size))
        if len(x) != 1:
            raise ShapeError(
                "unflatten needs a vector, but its input is a map",
                f"the input is {show_shape(x)}",
                "leave it out, or put `flatten: {}` before it",
            )
        if x[0] % pixels:
            raise ShapeError(
                f"unflatten: {x[0]} features are no maps of {show_shape(size)}",
                help=f"choose a number of features that {pixels} divides",
                key="size",
            )
        return (x[0] // pixels, *size)

    def leaving(self, x: Dim) -> Dim:
        return binary("//", x, product(self.size))

    def resizes(self) -> Resizes:
        return (FIXED,)

    def sees(self, x: Shape) -> tuple[Axis, ...] | None:
        return None
