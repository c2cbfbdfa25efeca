"""The initialisation loop of a network's class: only what differs from PyTorch's own defaults."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import Initializer
from rescompile.ops import Conv, ConvTranspose, Linear

from .modules import TABLE

# What tells PyTorch's Kaiming rules the scale of the variance.
GAINS = {2: 'nonlinearity="relu"', 1: 'nonlinearity="linear"', Fraction(1, 3): "a=5**0.5"}

# The modules whose weights are drawn, as code tells them from others.
DRAWN: dict[type[Conv | ConvTranspose | Linear], str] = {
    kind: next(f"nn.{one.name}" for one in TABLE if one.kind is kind and not one.own)
    for kind in (Conv, ConvTranspose, Linear)
}
WITH_BIAS = "module.bias is not None"
ZEROS = "nn.init.zeros_(module.bias)"
GUARDED = (f"if {WITH_BIAS}:", f"    {ZEROS}")


def initialisers(analysis: Analysis) -> Iterator[str]:
    """Lines for the end of `__init__`. Biases start at zero, as they do in Keras."""
    network = analysis.network
    found = [trace.op for _, trace in analysis.elaborated.flat()]
    done: dict[str, tuple[str, ...]] = {}
    for kind, name in DRAWN.items():
        how = network.linear_init if kind is Linear else network.conv_init
        biases = [op.bias for op in found if isinstance(op, kind)]
        if lines := _lines(_weight(how), biases):
            done[name] = tuple(lines)
    rules: dict[tuple[str, ...], list[str]] = {}  # what is done, to which modules
    for name, made in done.items():
        either = made == (ZEROS,) and GUARDED in done.values()  # two branches that do the same
        rules.setdefault(GUARDED if either else made, []).append(name)
    word = "if"
    for made, names in rules.items():
        if word == "if":
            yield "        for module in self.modules():"
        kinds = names[0] if len(names) == 1 else f"({', '.join(names)})"
        only_if, lines = f" and {WITH_BIAS}", [line.strip() for line in made[1:]]
        if made[0] != f"if {WITH_BIAS}:":
            only_if, lines = "", list(made)
        yield f"            {word} isinstance(module, {kinds}){only_if}:"
        yield from (f"                {line}" for line in lines)
        word = "elif"


def _lines(weight: str, biases: list[bool]) -> list[str]:
    """What is done with a layer; `biases` has an entry for each layer of the kind."""
    return [*([weight] if weight and biases else []), *_bias(biases)]


def _weight(how: Initializer) -> str:
    if not how.mode:
        return f"nn.init.normal_(module.weight, std={how.std!r})"
    if how == Initializer(True, Fraction(1, 3), "fan_in"):
        return ""  # PyTorch's own default
    kind = "uniform" if how.uniform else "normal"
    mode = f'mode="{how.mode}", ' if how.mode != "fan_in" else ""
    return f"nn.init.kaiming_{kind}_(module.weight, {mode}{GAINS[how.scale]})"


def _bias(biases: list[bool]) -> list[str]:
    if not any(biases):
        return []
    if all(biases):
        return [ZEROS]
    return [*GUARDED]
