"""Keras' initialisers, by the distribution that they draw from."""

from __future__ import annotations

import math
from types import SimpleNamespace

from rescompile.ir.initial import NORMAL, UNIFORM, Draw
from rescompile.ops import Shape


class Initial:
    """An initialiser; each has an identity of its own, as each of Keras' has a seed."""

    def draw(self, kernel: Shape) -> Draw:
        """What it makes of a kernel of this shape in Keras."""
        raise NotImplementedError


class VarianceScaling(Initial):
    """A fan is one of the last two dimensions, times the pixels before them."""

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal"
    ) -> None:
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def draw(self, kernel: Shape) -> Draw:
        into, out = (math.prod(kernel[:-2]) * n for n in kernel[-2:])
        fan = {"fan_in": into, "fan_out": out, "fan_avg": (into + out) / 2}[self.mode]
        kinds = {"untruncated_normal": NORMAL, "uniform": UNIFORM}
        kind = kinds.get(self.distribution, self.distribution)
        return Draw(kind, math.sqrt(self.scale / fan))


class RandomNormal(Initial):
    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean, self.stddev = mean, stddev

    def draw(self, kernel: Shape) -> Draw:
        return Draw(NORMAL if self.mean == 0 else "shifted normal", self.stddev)


INITIALIZERS = SimpleNamespace(VarianceScaling=VarianceScaling, RandomNormal=RandomNormal)
