"""What emitted code imports as flax and jax while it is proved to say what the spec says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

from rescompile import ops
from rescompile.emit.channels_last import layout_of, scaled
from rescompile.emit.validation import modules
from rescompile.emit.validation.modules import Factor, Leaf, Parameter, Value, joined
from rescompile.emit.validation.traced import TraceError
from rescompile.ir.initial import CONSTANT, NORMAL, UNIFORM, Draw
from rescompile.ir.structure import JoinKind
from rescompile.ops import Role, Shape
from rescompile.record import record

from .operations import ROWS, Row, gathered

Initial = Callable[[Shape], Draw]  # what becomes of a kernel of a shape


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


class List(Module):
    """Modules and functions by their numbers."""

    def __init__(self, items: Iterable[Any]) -> None:
        self._items: list[Any] = []
        self.extend(items)

    def append(self, item: Any) -> None:
        if not callable(item):
            raise TraceError("a member of a sequence that cannot be applied")
        if isinstance(item, modules.Module):
            self.add_module(str(len(self._items)), item)
        self._items.append(item)

    def extend(self, items: Iterable[Any]) -> None:
        for item in items:
            self.append(item)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]


class Sequential(Module):
    def __init__(self, *items: Any) -> None:
        self.layers = List(items)

    def forward(self, x: Value) -> Value:
        for layer in self.layers:
            x = layer(x)
        return x


def told(rows: Iterable[Row], args: Iterable[Any], options: dict[str, Any]) -> tuple[Row, Any, Any]:
    """The row that a call means, its operation, and the channels that must enter."""
    problem: Exception = TypeError("there is no such call")
    for row in rows:
        try:
            return (row, *row.reader()(*args, **options))
        except (TypeError, ValueError) as error:
            problem = error
    raise problem


class Operation(Leaf, Module):
    """A module of Flax's, which starts as Flax has it."""

    rows: tuple[Row, ...]

    def __init__(self, *args: Any, rngs: Rngs, **options: Any) -> None:
        if not isinstance(rngs, Rngs):
            raise TraceError("random numbers from elsewhere")
        self._initial: Any = options.get("kernel_init")
        self.in_place = False
        self.entry, self.op, self.entering = told(self.rows, args, options)
        if isinstance(self.op, ops.ConvTranspose):
            self.op = gathered(self.op)
        for parameter in self.op.parameters((self.entering or 1,)):
            setattr(self, parameter.leaf, Parameter(parameter.shape, self.start(parameter)))

    def start(self, parameter: ops.Parameter) -> Draw:
        if isinstance(parameter.start, Role):
            lies = layout_of(self.op, (self.entering or 1,), parameter)
            initial: Initial = self._initial
            return initial(lies.shape)
        if self.entry.own:
            return Draw(CONSTANT, parameter.start)
        return Draw(CONSTANT, 1.0 if parameter.leaf in ("weight", "running_var") else 0.0)


@record
class Filled:
    """`jnp.full`: a vector of one value."""

    size: int
    value: float


class Scale(Factor):
    """A factor for each channel; PyTorch's has a shape that fits what it multiplies."""

    def __init__(self, given: Filled) -> None:
        super().__init__((given.size,), Draw(CONSTANT, given.value))

    def __mul__(self, value: Value) -> Value:
        self.shape = (self.shape[0], *(1 for _ in value.shape[1:]))
        return super().__mul__(value)


def function(rows: tuple[Row, ...], *args: Any, **options: Any) -> Value:
    """A function applied to its last argument."""
    *given, x = args
    if not isinstance(x, Value):
        raise TraceError(f"{rows[0].name} of what is no tensor")
    there = [row for row in rows if not row.ranks or len(x.shape) in row.ranks]
    _, op, _ = told(there, given, options)
    return x.apply(op)


def concatenate(values: list[Value], axis: int) -> Value:
    if axis != -1:
        raise TraceError("a concatenation that is not of channels")
    return joined(JoinKind.CONCAT, values)


def split(x: Value, count: int, axis: int) -> list[Value]:
    if axis != -1:
        raise TraceError("a split that is not of channels")
    return [x.view(term) for term in x.graph.shares(x.term, count)]


def variance_scaling(scale: float, mode: str, distribution: str) -> Initial:
    kind = {"normal": NORMAL, "uniform": UNIFORM}.get(distribution, distribution)
    return lambda kernel: Draw(kind, scaled(kernel, scale, mode))


def normal(stddev: float) -> Initial:
    return lambda kernel: Draw(NORMAL, stddev)


def stands(name: str) -> Any:
    """What stands for all rows of a name."""
    rows = tuple(row for row in ROWS if row.name == name)
    if rows[0].is_function:
        return partial(function, rows)
    return type(name, (Operation,), {"rows": rows})


CALLED = {row.name: stands(row.name) for row in ROWS if row.kind is not ops.LayerScale}
# What files define themselves, as text that is always the same.
STANDINS = {row.name: CALLED[row.name] for row in ROWS if row.own}


def _under(library: str) -> dict[str, Any]:
    return {
        name.removeprefix(f"{library}."): made
        for name, made in CALLED.items()
        if name.rpartition(".")[0] == library
    }


NNX = SimpleNamespace(
    **{
        row.name: CALLED[row.name]
        for row in ROWS
        if row.found.startswith("nnx.") and row.name in CALLED and not row.is_function
    },
    **_under("nnx"),
    Module=Module,
    Sequential=Sequential,
    Rngs=Rngs,
    Param=Scale,
    identity=lambda x: x,
    initializers=SimpleNamespace(variance_scaling=variance_scaling, normal=normal),
)
JNP = SimpleNamespace(**_under("jnp"), concatenate=concatenate, split=split, full=Filled)
JAX = SimpleNamespace(
    Array=Value,
    numpy=JNP,
    nn=SimpleNamespace(**_under("jax.nn")),
    lax=SimpleNamespace(**_under("jax.lax")),
)
IMPORTS: dict[str, Any] = {
    "flax": SimpleNamespace(nnx=NNX),
    "jax": JAX,
    "jax.numpy": JNP,
    "functools": SimpleNamespace(partial=partial),
    "collections.abc": SimpleNamespace(Callable=Callable),
}
