"""Initialisers as module constants: the distributions that the PyTorch source draws from.

Keras and PyTorch count the fans of a depthwise kernel differently; PyTorch's decide.
"""

from __future__ import annotations

from rescompile.backend.layout import Call, Keyword, statement
from rescompile.ir.structure import Initializer

VARIANCE = "keras.initializers.VarianceScaling"


def constant(name: str, how: Initializer, multiplier: int = 1) -> str:
    """`name = ...`; `multiplier` is that of depthwise convolutions, for DEPTHWISE_INIT."""
    if how.kind == "normal":
        made = Call("keras.initializers.RandomNormal", (Keyword("stddev", repr(how.std)),))
        return statement(made, before=f"{name} = ")
    depthwise = name == "DEPTHWISE_INIT"
    uniform = how.kind == "uniform_fan_in"
    mode = "fan_in" if uniform else how.mode
    scale = "1 / 3" if uniform else "2.0"
    if depthwise:
        # PyTorch's fans: k * k in, channels * multiplier * k * k out. Keras': channels * k * k in,
        # k * k * multiplier out.
        swapped = {"fan_in": "fan_out", "fan_out": "fan_in"}[mode]
        if multiplier != 1:
            scale = f"{scale} * {multiplier}" if mode == "fan_in" else f"{scale} / {multiplier}"
        mode = swapped
    kind = "uniform" if uniform else "untruncated_normal"
    args = (scale, Keyword("mode", f'"{mode}"'), Keyword("distribution", f'"{kind}"'))
    return statement(Call(VARIANCE, args), before=f"{name} = ")
