"""What emitted code imports as flax and jax while it is proved to say what the spec says."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

from rescompile import ops
from rescompile.emit.channels_last import layout_of, scaled
from rescompile.emit.table import by_name
from rescompile.emit.validation import modules
from rescompile.emit.validation.execute import namespace
from rescompile.emit.validation.modules import (
    Factor,
    Filled,
    Leaf,
    StandIn,
    Value,
    called,
    concatenation,
)
from rescompile.emit.validation.traced import TraceError
from rescompile.ir.initial import NORMAL, UNIFORM, Draw
from rescompile.ops import Role, Shape

from .operations import ROWS, Row, gathered

Initial = Callable[[Shape], Draw]  # what becomes of a kernel of a shape


class Array(Value):
    """An array, whose channels are last."""

    @property
    def shape(self) -> tuple[int | None, ...]:
        channels, *extents = self.inner
        return (None, *extents, channels)

    def __rmul__(self, factor: float) -> Value:
        return apply(NAMED["jnp.multiply"], factor, self)


class Rngs:
    """The streams of random numbers, which every constructor takes and hands on."""


class Module(modules.Module):
    """Subclasses need not call the constructor here."""

    def __new__(cls, *args: Any, **options: Any) -> Module:
        made = super().__new__(cls)
        modules.Module.__init__(made)
        return made

    def __init__(self) -> None:
        pass

    def __setattr__(self, name: str, value: Any) -> None:
        """Flax takes an attribute for what it was first: a module or a tensor, or none of them."""
        before, tensors = self.__dict__.get(name, value), (modules.Module, modules.Parameter)
        if isinstance(before, tensors) != isinstance(value, tensors):
            raise TraceError(f"a module and a function as '{name}'")
        super().__setattr__(name, value)


class List(modules.List):
    """Modules and functions by their numbers."""

    takes = Callable


class Sequential(Module):
    def __init__(self, *items: Any) -> None:
        self.layers = List(items)

    def forward(self, x: Value) -> Value:
        for layer in self.layers:
            x = layer(x)
        return x


class Operation(Leaf, Module):
    """A module of Flax's, which starts as Flax has it."""

    def __init__(self, *args: Any, rngs: Rngs, **options: Any) -> None:
        if not isinstance(rngs, Rngs):
            raise TraceError("random numbers from elsewhere")
        self._initial: Any = options.get("kernel_init")
        super().__init__(*args, **options)
        if isinstance(self.op, ops.ConvTranspose):
            self.op = gathered(self.op)

    def start(self, parameter: ops.Parameter) -> Draw:
        if isinstance(parameter.start, Role):
            lies = layout_of(self.op, (self.entering or 1,), parameter)
            made: Draw = self._initial(lies.shape)
            return made
        return super().start(parameter)


class Scale(Factor):
    """A factor for each channel, or one for all; PyTorch has it in the shape of what it meets."""

    def __mul__(self, value: Value) -> Value:
        if self.shape:
            self.shape = (self.shape[0], *(1 for _ in value.inner[1:]))
        return super().__mul__(value)


def apply(rows: tuple[Row, ...], *args: Any, **options: Any) -> Value:
    """A function applied to its last argument."""
    *given, x = args
    return called(rows, x, *given, **options)


def split(x: Value, count: int, axis: int) -> list[Value]:
    if axis != -1:
        raise TraceError("a split that is not of channels")
    return x.shares(count)


def filled(shape: Any, value: float, dtype: type) -> Filled:
    if dtype is not float:
        raise TraceError("weights of another type")
    return Filled(shape, value)


def variance_scaling(scale: float, mode: str, distribution: str) -> Initial:
    kind = {"normal": NORMAL, "uniform": UNIFORM}.get(distribution, distribution)
    return lambda kernel: Draw(kind, scaled(kernel, scale, mode))


def normal(stddev: float) -> Initial:
    return lambda kernel: Draw(NORMAL, stddev)


NAMED = by_name(ROWS)
CALLED = {
    name: partial(apply, rows) if rows[0].is_function else Operation.of(*rows)
    for name, rows in NAMED.items()
}
FOUND = namespace(
    {name: made for name, made in CALLED.items() if "." in name}
    | {
        "nnx.Module": Module,
        "nnx.Sequential": Sequential,
        "nnx.List": List,
        "nnx.Rngs": Rngs,
        "nnx.Param": Scale,
        "nnx.identity": lambda x: x,
        "nnx.initializers.variance_scaling": variance_scaling,
        "nnx.initializers.normal": normal,
        "jnp.concatenate": concatenation(-1),
        "jnp.split": split,
        "jnp.full": filled,
        "jax.Array": Array,
    }
)
IMPORTS: dict[str, Any] = {
    "flax": SimpleNamespace(nnx=FOUND.nnx),
    "jax": SimpleNamespace(**vars(FOUND.jax), numpy=FOUND.jnp),
    "jax.numpy": FOUND.jnp,
    "functools": SimpleNamespace(partial=partial),
    "collections.abc": SimpleNamespace(Callable=Callable),
}
OWN = {name: made for name, made in CALLED.items() if "." not in name} | {"Apply": partial}
STANDIN = StandIn(IMPORTS, OWN, Array, passed={"rngs": Rngs()})
