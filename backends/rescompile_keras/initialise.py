"""Initialisers with the distribution that the PyTorch backend emits for the same spec.

Those below are what emitted code calls while it is proved: each knows what it draws from.
"""

from __future__ import annotations

from types import SimpleNamespace

from rescompile.emit.channels_last import scaled
from rescompile.emit.layout import Call, Code, Keyword
from rescompile.emit.table import fraction
from rescompile.ir.initial import NORMAL, UNIFORM, Draw
from rescompile.ir.structure import Initializer
from rescompile.ops import Shape

MODULE = "keras.initializers"


def initializer(how: Initializer, multiplier: str | None = None) -> Code:
    """For the kernels of convolutions, grouped ones too, and of dense layers.

    Of depthwise kernels `multiplier` tells the outputs for each channel, as source text. With C
    channels and multiplier m, PyTorch's fan-in is kh kw and its fan-out C m kh kw. Keras calls
    C kh kw the fan-in and m kh kw the fan-out: up to m, each stands in for the other.
    """
    if not how.mode:
        return Call(f"{MODULE}.RandomNormal", (Keyword("stddev", repr(how.std)),))
    scale, mode = fraction(how.scale), how.mode
    if multiplier is not None:
        mode = "fan_in" if how.mode == "fan_out" else "fan_out"
        shown = f"({multiplier})" if " " in multiplier else multiplier
        if multiplier != "1":
            scale = f"{scale} {'/' if how.mode == 'fan_out' else '*'} {shown}"
    distribution = "uniform" if how.uniform else "untruncated_normal"
    return Call(f"{MODULE}.VarianceScaling", (scale, f'"{mode}"', f'"{distribution}"'))


class Initial:
    """An initialiser: its `draw` tells what it makes of a kernel that has a shape in Keras.

    Each has an identity of its own, as each of Keras' has a seed.
    """


class VarianceScaling(Initial):
    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal"
    ) -> None:
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def draw(self, kernel: Shape) -> Draw:
        kinds = {"untruncated_normal": NORMAL, "uniform": UNIFORM}
        kind = kinds.get(self.distribution, self.distribution)
        return Draw(kind, scaled(kernel, self.scale, self.mode))


class RandomNormal(Initial):
    def __init__(self, mean: float = 0.0, stddev: float = 0.05) -> None:
        self.mean, self.stddev = mean, stddev

    def draw(self, kernel: Shape) -> Draw:
        return Draw(NORMAL if self.mean == 0 else "shifted normal", self.stddev)


class Constant:
    """One value throughout, of what is no kernel."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = value


INITIALIZERS = SimpleNamespace(
    VarianceScaling=VarianceScaling, RandomNormal=RandomNormal, Constant=Constant
)
