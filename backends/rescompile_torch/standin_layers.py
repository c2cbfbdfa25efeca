"""The vocabulary of the stand-in: the modules of the table, and what else emitted files call."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from rescompile.emit.validation.execute import execute
from rescompile.emit.validation.expected import Tensor as Weight
from rescompile.emit.validation.graph import Graph
from rescompile.emit.validation.traced import Traced, TraceError
from rescompile.ir.initial import CONSTANT, Draw, draw
from rescompile.ir.structure import Initializer, JoinKind

from .modules import TABLE, TO_FIRST, TO_LAST
from .modules import Module as Table
from .standin import (
    Filled,
    Identity,
    Leaf,
    Memory,
    Module,
    Parameter,
    Sequential,
    Value,
    joined,
)


class Permute(Module):
    """The helper of that name: the channels to the end, or back."""

    def __init__(self, *dims: int) -> None:
        super().__init__()
        if dims not in (TO_LAST, TO_FIRST):
            raise TraceError(f"dimensions in the order {dims}")
        self.back = dims == TO_FIRST

    def forward(self, x: Value) -> Value:
        if x.last != self.back or len(x.shape) != 3:
            raise TraceError("the channels are moved twice")
        return x.view(x.term, last=not self.back)


def _leaf(entry: Table, base: type[Leaf] = Leaf) -> type[Leaf]:
    return type(entry.name, (base,), {"entry": entry, "read": staticmethod(entry.reader())})


CLASSES = {entry.name: _leaf(entry) for entry in TABLE if not entry.own}
OF_KIND = {CLASSES[name].entry.kind: CLASSES[name] for name in CLASSES}
# What files define themselves, as text that is always the same: subclasses of PyTorch's module for
# the operation, if there is one.
STANDINS: dict[str, type[Module]] = {
    **{entry.name: _leaf(entry, OF_KIND.get(entry.kind, Leaf)) for entry in TABLE if entry.own},
    "Permute": Permute,
}


def modules(graph: Graph) -> dict[str, Any]:
    """`torch`, `torch.nn` and what else emitted files import."""

    def cat(values: list[Value], dim: int) -> Value:
        if dim != 1:
            raise TraceError("a concatenation that is not of channels")
        return joined(graph, JoinKind.CONCAT, values)

    nn = SimpleNamespace(
        **CLASSES,
        Module=Module,
        Sequential=Sequential,
        Identity=Identity,
        Parameter=Parameter,
        init=SimpleNamespace(
            zeros_=_zeros,
            normal_=_normal,
            kaiming_normal_=_kaiming(uniform=False),
            kaiming_uniform_=_kaiming(uniform=True),
        ),
    )
    functional = SimpleNamespace()
    torch = SimpleNamespace(nn=nn, Tensor=Value, cat=cat, full=Filled)
    inner = SimpleNamespace(functional=functional)
    return {"torch": torch, "torch.nn": inner}


def _zeros(parameter: Parameter) -> None:
    parameter.draw = Draw(CONSTANT, 0.0)


def _normal(parameter: Parameter, std: float) -> None:
    parameter.draw = draw(Initializer(std=std), parameter.shape)


def _kaiming(uniform: bool) -> Callable[..., None]:
    """The variance is gain^2 / fan; the gain is that of the function which follows."""
    gains = {"relu": Fraction(2), "linear": Fraction(1)}

    def fill(
        parameter: Parameter, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
    ) -> None:
        scale = gains.get(nonlinearity) or Fraction(2 / (1 + a**2)).limit_denominator(1000)
        parameter.draw = draw(Initializer(uniform, scale, mode), parameter.shape)

    return fill


def trace(source: str, name: str, graph: Graph, helpers: Mapping[str, str]) -> Traced:
    """Execute a file and call its network. `helpers` are the sources of the classes it may define.

    Raises `TraceError`, and whatever broken code raises.
    """
    fixed = {helper: (text, STANDINS[helper]) for helper, text in helpers.items()}
    scope = execute(source, modules(graph), fixed)
    model = scope[name]()
    found = dict(model._named())
    for path, module in found.items():
        module._path = path
    made = model(Value(graph, 0, memory=Memory(lent=True)))
    outputs = made if isinstance(made, tuple) else (made,)
    if any(value.last for value in outputs):
        raise TraceError("an output has its channels last")
    return Traced(tuple(value.term for value in outputs), dict(_weights(found)))


def _weights(found: Mapping[str, Module]) -> Iterator[tuple[tuple[str, str], Weight]]:
    for path, module in found.items():
        for leaf, parameter in module._tensors.items():
            if isinstance(module, Leaf):
                yield (path, leaf), Weight(parameter.shape, parameter.draw)
            else:  # a factor of its own: what the spec calls an operation is one tensor here
                own = f"{path}.{leaf}" if path else leaf
                yield (own, ""), Weight(parameter.shape, parameter.draw)
