"""Keras' initialisers, by the distribution that they draw from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import SimpleNamespace

from rescompile.ir.initial import CONSTANT, NORMAL, UNIFORM, Draw


@dataclass(frozen=True)
class Fans:
    """A kernel as Keras' initialisers see it: its last two dimensions, and the pixels before."""

    pixels: int
    into: int
    out: int


class Initial:
    """An initialiser; each has an identity of its own, as each of Keras' has a seed."""

    def draw(self, fans: Fans) -> Draw:
        raise NotImplementedError


class VarianceScaling(Initial):
    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal"
    ) -> None:
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def draw(self, fans: Fans) -> Draw:
        into, out = fans.pixels * fans.into, fans.pixels * fans.out
        fan = {"fan_in": into, "fan_out": out, "fan_avg": (into + out) / 2}[self.mode]
        kinds = {"untruncated_normal": NORMAL, "uniform": UNIFORM}
        kind = kinds.get(self.distribution, self.distribution)
        return Draw(kind, math.sqrt(self.scale / fan))


class RandomNormal(Initial):
    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean, self.stddev = mean, stddev

    def draw(self, fans: Fans) -> Draw:
        return Draw(NORMAL if self.mean == 0 else "shifted normal", self.stddev)


class Constant(Initial):
    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def draw(self, fans: Fans) -> Draw:
        return Draw(CONSTANT, self.value)


INITIALIZERS = SimpleNamespace(
    VarianceScaling=VarianceScaling, RandomNormal=RandomNormal, Constant=Constant
)
GLOROT = VarianceScaling(1.0, "fan_avg", "uniform")  # Keras' own, of kernels
