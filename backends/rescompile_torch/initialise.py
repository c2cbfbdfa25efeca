"""The initialisation loop of a network's class: only what differs from PyTorch's own defaults."""

from __future__ import annotations

from collections.abc import Iterator

from rescompile.ir.facts import Facts
from rescompile.ir.ops import Conv, Linear
from rescompile.ir.structure import Initializer


def initialisers(facts: Facts) -> Iterator[str]:
    """Lines for the end of `__init__`. Biases start at zero, as they do in Keras."""
    network = facts.network
    convs = [t.op for _, t in facts.elaborated.flat() if isinstance(t.op, Conv)]
    linears = [t.op for _, t in facts.elaborated.flat() if isinstance(t.op, Linear)]
    rules = {
        "nn.Conv2d": _lines(_weight(network.conv_init), [op.bias for op in convs]),
        "nn.Linear": _lines(_weight(network.linear_init), [op.bias for op in linears]),
    }
    if rules["nn.Conv2d"] == rules["nn.Linear"]:
        rules = {"(nn.Conv2d, nn.Linear)": rules["nn.Conv2d"]}
    word = "if"
    for kinds, lines in rules.items():
        if not lines:
            continue
        if word == "if":
            yield "        for module in self.modules():"
        yield f"            {word} isinstance(module, {kinds}):"
        yield from (f"                {line}" for line in lines)
        word = "elif"


def _lines(weight: str, biases: list[bool]) -> list[str]:
    """What is done with a layer; `biases` has an entry for each layer of the kind."""
    return [*([weight] if weight and biases else []), *_bias(biases)]


def _weight(how: Initializer) -> str:
    if how.kind == "kaiming_normal":
        mode = f'mode="{how.mode}", ' if how.mode != "fan_in" else ""
        return f'nn.init.kaiming_normal_(module.weight, {mode}nonlinearity="relu")'
    if how.kind == "normal":
        return f"nn.init.normal_(module.weight, std={how.std!r})"
    return ""  # uniform over +-1 / sqrt(fan_in): PyTorch's own default


def _bias(biases: list[bool]) -> list[str]:
    if not any(biases):
        return []
    if all(biases):
        return ["nn.init.zeros_(module.bias)"]
    return ["if module.bias is not None:", "    nn.init.zeros_(module.bias)"]
