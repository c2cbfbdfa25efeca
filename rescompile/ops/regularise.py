"""Dropped values, dropped branches, learned and constant factors."""

from __future__ import annotations

from ..expr.dims import Dim
from .attribute import Kind, attribute, operation
from .base import Op, Parameter, Shape, as_map


@operation
class Dropout(Op):
    """Zeroes values with probability `rate` in training, scaling the rest; the shape stays."""

    word = "dropout"
    keeps_sign = orderless = positional = light = passes = True
    rate: Dim = attribute(Kind.RATE, "The probability.")


@operation
class StochasticDepth(Op):
    """Zeroes whole samples with probability `rate` in training, scaling the rest."""

    word = "stochastic_depth"
    keeps_sign = light = passes = True
    rate: Dim = attribute(Kind.RATE, "The probability.")

    def output(self, x: Shape) -> Shape:
        as_map(x, self.word)
        return x


@operation
class LayerScale(Op):
    """A learned factor for each channel, or one for all; it stands in a block's `body`.

    The shape stays. One factor that is zero at first is SkipInit (De and Smith 2020), or ReZero
    (Bachlechner et al. 2020).
    """

    word = "layer_scale"
    fresh = light = True
    init: float = attribute(Kind.FLOAT, "The factors at first.", default=1e-6)
    shared: bool = attribute(Kind.BOOL, "Whether all channels have one factor.", default=False)
    vector: bool = attribute(
        Kind.BOOL,
        "Whether PyTorch and ONNX keep them as a vector, (C) or (1) where else they are C x 1 x 1, "
        "or a number.",
        default=False,
    )

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        shape = (1,) if self.shared else (x[0], *(1 for _ in x[1:]))
        kept = shape[:1] if self.vector else shape[self.shared :]
        return (Parameter("", kept, start=self.init),)


@operation
class Scale(Op):
    """Every value times a constant. The shape stays."""

    word = "scale"
    orderless = positional = stateless = light = fresh = True
    factor: Dim = attribute(Kind.FACTOR, "The constant; -1 makes a sum of two a difference.")
