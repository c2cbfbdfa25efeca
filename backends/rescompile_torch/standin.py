"""What emitted code finds when it imports torch, while it is proved to say what the spec says."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, cast

from rescompile import ops
from rescompile.emit.table import by_name
from rescompile.emit.validation.modules import (
    Factor,
    Filled,
    Identity,
    Leaf,
    List,
    Module,
    Parameter,
    Sequential,
    StandIn,
    Value,
    concatenation,
)
from rescompile.emit.validation.traced import TraceError
from rescompile.ir.initial import CONSTANT, UNIFORM, Draw, draw
from rescompile.ir.structure import Initializer
from rescompile.ops import Role

from .initialise import DEFAULT
from .modules import INHERITS, INTERPOLATE, PRELU, TABLE, to_first, to_last


class Tensor(Value):
    """A tensor with the methods that emitted files call."""

    @property
    def shape(self) -> tuple[int | None, ...]:
        if self.last:
            raise TraceError("the shape of a value whose channels were moved")
        return (None, *self.inner)

    def flatten(self, start: int) -> Value:
        if start != 1 or self.last:
            raise TraceError("flatten starts at the channels, which stand first")
        return self.view(self.graph.apply(ops.Flatten(), self.term))

    def chunk(self, count: int, dim: int) -> list[Value]:
        if dim != 1:
            raise TraceError("chunk cuts channels")
        return self.shares(count)


def interpolate(x: Value, *args: Any, **options: Any) -> Value:
    if x.last:
        raise TraceError("interpolate gets a map with its channels last")
    return x.apply(INTERPOLATE.reader()(*args, **options)[0])


class Operation(Leaf):
    """A module of PyTorch's, which starts as PyTorch has it."""

    def start(self, parameter: ops.Parameter) -> Draw:
        if isinstance(parameter.start, Role):
            return draw(DEFAULT, parameter.shape)
        if isinstance(self.op, ops.Weighted) and parameter.leaf == "bias":
            return Draw(UNIFORM, math.nan)  # of a bias: nothing that a spec can ask for
        if isinstance(self.op, ops.Prelu):
            return Draw(CONSTANT, parameter.start)
        return super().start(parameter)


class Weight(Factor):
    """A tensor that stands alone, as a parameter."""

    def view(self, *sizes: int) -> Factor:
        if sizes != (-1, *(1,) * (len(sizes) - 1)):
            raise TraceError(f"a parameter viewed as {sizes}")
        return self.spread(len(sizes) - 1)


class PReLU(Operation):
    """With a single factor it takes any number of channels."""

    rows = (PRELU,)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.entering == 1:
            self.op, self.entering = ops.Prelu(True, cast(ops.Prelu, self.op).init), None


class Permute(Module):
    """The helper of that name: the channels to the end, or back."""

    def __init__(self, *dims: int) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Value) -> Value:
        rank = len(x.inner)
        if rank == 1 or self.dims != (to_first(rank) if x.last else to_last(rank)):
            raise TraceError(f"dimensions in the order {self.dims}")
        return x.view(x.term, last=not x.last)


def zeros(parameter: Parameter) -> None:
    parameter.draw = Draw(CONSTANT, 0.0)


def normal(parameter: Parameter, std: float) -> None:
    parameter.draw = draw(Initializer(std=std), parameter.shape)


def kaiming(uniform: bool) -> Callable[..., None]:
    """The variance is gain^2 / fan; the gain is that of the function which follows."""
    gains = {"relu": Fraction(2), "linear": Fraction(1)}

    def fill(
        parameter: Parameter, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu"
    ) -> None:
        scale = gains.get(nonlinearity) or Fraction(2 / (1 + a**2)).limit_denominator(1000)
        parameter.draw = draw(Initializer(uniform, scale, mode), parameter.shape)

    return fill


CLASSES = {name: Operation.of(*rows) for name, rows in by_name(TABLE).items() if not rows[0].own}
CLASSES[PRELU.name] = PReLU
# What files define themselves, as text that is always the same.
STANDINS: dict[str, type[Module]] = {
    **{
        one.name: CLASSES.get(INHERITS.get(one.name, ""), Operation).of(one)
        for one in TABLE
        if one.own
    },
    "Permute": Permute,
}
NN = SimpleNamespace(
    **CLASSES,
    Module=Module,
    Sequential=Sequential,
    ModuleList=List,
    Identity=Identity,
    Parameter=Weight,
    init=SimpleNamespace(
        zeros_=zeros,
        normal_=normal,
        kaiming_normal_=kaiming(uniform=False),
        kaiming_uniform_=kaiming(uniform=True),
    ),
)
IMPORTS = {
    "torch": SimpleNamespace(nn=NN, Tensor=Tensor, cat=concatenation(1), full=Filled),
    "torch.nn": SimpleNamespace(functional=SimpleNamespace(interpolate=interpolate)),
}
STANDIN = StandIn(IMPORTS, STANDINS, Tensor)
