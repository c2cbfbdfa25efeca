"""The initialisation loop of a network's class: only what differs from PyTorch's own defaults."""

from __future__ import annotations

from fractions import Fraction

from rescompile.emit.lines import Writer
from rescompile.ir.analysis import Analysis
from rescompile.ir.initial import initializer
from rescompile.ir.structure import Initializer
from rescompile.ops import Weighted

from .modules import INHERITS, TABLE

DEFAULT = Initializer(True, Fraction(1, 3), "fan_in")  # PyTorch's own, of kernels
# What tells PyTorch's Kaiming rules the scale of the variance.
GAINS = {2: 'nonlinearity="relu"', 1: 'nonlinearity="linear"', Fraction(1, 3): "a=5**0.5"}
# The modules whose weights are drawn, as code tells them from others, by the axes of maps.
DRAWN: dict[type[Weighted], str] = {}
for _one in TABLE:
    if issubclass(_one.kind, Weighted):
        _name = _one.name if _one.own else f"nn.{_one.name}".replace("2d", "{}d")
        DRAWN.setdefault(_one.kind, _name)
WITH_BIAS = "module.bias is not None"
ZEROS = "nn.init.zeros_(module.bias)"
GUARDED = (f"if {WITH_BIAS}:", f"    {ZEROS}")
BIAS = {frozenset((True,)): (ZEROS,), frozenset((True, False)): GUARDED}  # all layers, or some


def initialise(analysis: Analysis, lines: Writer) -> None:
    """Write the end of `__init__`. Biases start at zero, as they do in Keras."""
    found = [trace.op for _, trace in analysis.elaborated.flat()]
    done: dict[str, tuple[str, ...]] = {}  # with which modules
    for name, drawn in _drawn(analysis).items():
        weighted = [op for op in found if isinstance(op, Weighted) and type(op) in drawn]
        biases = frozenset(bool(op.bias) for op in weighted)
        weight = _weight(initializer(analysis.network, drawn[0].role)) if biases else ()
        done[name] = (*weight, *BIAS.get(biases, ()))
    # Of two branches that would do the same, the one that asks serves both.
    zeros = GUARDED if GUARDED in done.values() else (ZEROS,)
    rules: dict[tuple[str, ...], list[str]] = {}
    for name, made in done.items():
        rules.setdefault(zeros if made == (ZEROS,) else made, []).append(name)
    rules.pop((), None)
    with lines.block("for module in self.modules():"):
        for i, (made, names) in enumerate(rules.items()):
            kinds = names[0] if len(names) == 1 else f"({', '.join(names)})"
            only_if, made = (f" and {WITH_BIAS}", (ZEROS,)) if made == GUARDED else ("", made)
            with lines.block(f"{'elif' if i else 'if'} isinstance(module, {kinds}){only_if}:"):
                for line in made:
                    lines.write(line)


def _drawn(analysis: Analysis) -> dict[str, tuple[type[Weighted], ...]]:
    """The modules of a network that are drawn, with what they are: subclasses are their base."""
    names = {kind: name.format(len(analysis.network.input) - 1) for kind, name in DRAWN.items()}
    made: dict[str, tuple[type[Weighted], ...]] = {}
    for kind, name in names.items():
        base = f"nn.{INHERITS.get(name)}"
        told = base if base in names.values() else name
        made[told] = (*made.get(told, ()), kind)
    return made


def _weight(how: Initializer) -> tuple[str, ...]:
    if not how.mode:
        return (f"nn.init.normal_(module.weight, std={how.std!r})",)
    if how == DEFAULT:
        return ()
    kind = "uniform" if how.uniform else "normal"
    mode = f'mode="{how.mode}", ' if how.mode != "fan_in" else ""
    return (f"nn.init.kaiming_{kind}_(module.weight, {mode}{GAINS[how.scale]})",)
