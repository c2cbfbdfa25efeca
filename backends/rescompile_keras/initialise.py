"""Initialisers with the distribution that the PyTorch backend emits for the same spec."""

from __future__ import annotations

from fractions import Fraction

from rescompile.emit.layout import Call, Code, Keyword
from rescompile.ir.structure import Initializer

MODULE = "keras.initializers"


def initializer(how: Initializer) -> Code:
    """For the kernels of convolutions, grouped ones too, and of dense layers."""
    if not how.mode:
        return Call(f"{MODULE}.RandomNormal", (Keyword("stddev", repr(how.std)),))
    return _scaling(_shown(how.scale), how.mode, how)


def depthwise_initializer(how: Initializer, multiplier: str) -> Code:
    """For depthwise kernels; `multiplier` tells the outputs for each channel, as source text.

    With C channels and multiplier m, PyTorch's fan-in is kh kw and its fan-out C m kh kw. Keras
    calls C kh kw the fan-in and m kh kw the fan-out: up to m, each stands in for the other.
    """
    if not how.mode:
        return initializer(how)
    scale, mode = _shown(how.scale), "fan_in" if how.mode == "fan_out" else "fan_out"
    if multiplier != "1":
        shown = f"({multiplier})" if " " in multiplier else multiplier
        scale = f"{scale} {'/' if how.mode == 'fan_out' else '*'} {shown}"
    return _scaling(scale, mode, how)


def _shown(scale: Fraction) -> str:
    return f"{scale.numerator}.0" if scale.denominator == 1 else str(scale).replace("/", " / ")


def _scaling(scale: str, mode: str, how: Initializer) -> Code:
    distribution = "uniform" if how.uniform else "untruncated_normal"
    return Call(f"{MODULE}.VarianceScaling", (scale, f'"{mode}"', f'"{distribution}"'))
