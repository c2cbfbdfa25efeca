"""Initialisers with the distribution that the PyTorch backend emits for the same spec."""

from __future__ import annotations

from rescompile.backend.layout import Call, Code, Keyword
from rescompile.ir.structure import Initializer

MODULE = "keras.initializers"


def initializer(how: Initializer) -> Code:
    """For the kernels of convolutions, grouped ones too, and of dense layers."""
    if how.kind == "normal":
        return Call(f"{MODULE}.RandomNormal", (Keyword("stddev", repr(how.std)),))
    if how.kind == "uniform_fan_in":  # +-1 / sqrt(fan_in)
        return _scaling("1 / 3", "fan_in", "uniform")
    return _scaling("2.0", how.mode, "untruncated_normal")


def depthwise_initializer(how: Initializer, multiplier: str) -> Code:
    """For depthwise kernels; `multiplier` tells the outputs for each channel, as source text.

    With C channels and multiplier m, PyTorch's fan-in is kh kw and its fan-out C m kh kw. Keras
    calls C kh kw the fan-in and m kh kw the fan-out: up to m, each stands in for the other.
    """
    if how.kind == "normal":
        return initializer(how)
    one = multiplier == "1"
    shown = f"({multiplier})" if " " in multiplier else multiplier
    if how.kind == "uniform_fan_in":
        return _scaling(f"{shown} / 3", "fan_out", "uniform")
    if how.mode == "fan_out":
        return _scaling("2.0" if one else f"2.0 / {shown}", "fan_in", "untruncated_normal")
    return _scaling("2.0" if one else f"2.0 * {shown}", "fan_out", "untruncated_normal")


def _scaling(scale: str, mode: str, distribution: str) -> Code:
    return Call(f"{MODULE}.VarianceScaling", (scale, f'"{mode}"', f'"{distribution}"'))
