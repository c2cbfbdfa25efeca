"""What emitted code finds when it imports torch, while it is proved to say what the spec says.

The modules here compute nothing: each tells which operation it is, by the table that emission
writes it with, and a call makes a term. What PyTorch would refuse is refused: channels that do
not fit, and work in place on a value that somebody else needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from rescompile import ops
from rescompile.emit.table import Told
from rescompile.emit.validation.graph import Graph
from rescompile.emit.validation.traced import TraceError
from rescompile.ir.initial import CONSTANT, Draw, draw
from rescompile.ir.structure import Initializer, JoinKind
from rescompile.ops import Op

from .modules import Module as Table

DEFAULT = Initializer(True, Fraction(1, 3), "fan_in")  # PyTorch's own, of kernels


class Parameter:
    """A tensor with its shape and what it starts as; a factor, if it stands alone."""

    def __init__(self, given: Filled | tuple[int, ...], start: Draw | None = None) -> None:
        filled = isinstance(given, Filled)
        self.shape = given.shape if isinstance(given, Filled) else given
        self.draw = start or Draw(CONSTANT, given.value if isinstance(given, Filled) else 0.0)
        self.factor = filled
        self.owner: Module | None = None
        self.name = ""

    def __mul__(self, value: Value) -> Value:
        if value.last:
            raise TraceError("a factor of channels that stand last")
        path = self.owner._path if self.owner else ""
        own = f"{path}.{self.name}" if path else self.name
        return value.apply(ops.LayerScale(self.draw.value), own)


class Filled:
    """`torch.full`: a tensor of one value."""

    def __init__(self, shape: tuple[int, ...], value: float) -> None:
        self.shape, self.value = shape, value


class Memory:
    """What a tensor lies in, which several may share; work in place changes it for all of them.

    `lent` memory is not the network's own; `read` has what needs it unchanged, for the gradient.
    """

    def __init__(self, lent: bool = False) -> None:
        self.lent, self.read, self.version = lent, set[str](), 0

    def overwrite(self, by: str) -> None:
        if self.lent or self.read:
            who = ", ".join(sorted(self.read)) or "its owner"
            raise TraceError(f"{by} overwrites a value that is needed by {who}")
        self.version += 1


class Value:
    """A tensor of activations: what it holds now, and where; `last`: its channels stand last."""

    def __init__(
        self, graph: Graph, term: int, last: bool = False, memory: Memory | None = None
    ) -> None:
        self.graph, self.last, self.memory = graph, last, memory or Memory()
        self._term, self._version = term, self.memory.version

    @property
    def term(self) -> int:
        if self._version != self.memory.version:
            raise TraceError("a value is used after it was overwritten")
        return self._term

    @property
    def shape(self) -> ops.Shape:
        return self.graph[self.term].shape

    def needed(self, by: str) -> Value:
        self.memory.read.add(by)
        return self

    def overwrite(self, term: int, by: str) -> Value:
        self.memory.overwrite(by)
        self._term, self._version = term, self.memory.version
        return self

    def apply(self, op: Op, weights: str = "", in_place: bool = False) -> Value:
        term = self.graph.apply(op, self.term, weights)
        if in_place:
            self.overwrite(term, op.word)
        elif op.passes:  # in evaluation it is the same tensor
            return Value(self.graph, term, self.last, self.memory)
        made = self if in_place else Value(self.graph, term, self.last)
        if not in_place:
            self.needed(op.word)
        return made.needed("its own gradient") if isinstance(op, ops.Activation) else made

    def join(self, other: Value, kind: JoinKind) -> Value:
        if not isinstance(other, Value):
            raise TraceError(f"{kind.value} of a value and {other!r}")
        return joined(self.graph, kind, [self, other])

    def __add__(self, other: Value) -> Value:
        return self.join(other, JoinKind.ADD)

    def __iadd__(self, other: Value) -> Value:
        return self.overwrite(self.join(other, JoinKind.ADD).term, "a sum")

    def __mul__(self, other: Value) -> Value:
        return self.join(other, JoinKind.MULTIPLY)

    def view(self, term: int, last: bool = False) -> Value:
        """Another look at the same memory: neither may be overwritten."""
        self.needed("a view of it")
        return Value(self.graph, term, last, self.memory)

    def flatten(self, start: int) -> Value:
        if start != 1 or self.last:
            raise TraceError("flatten starts at the channels, which stand first")
        return self.view(self.graph.apply(ops.Flatten(), self.term))

    def chunk(self, count: int, dim: int) -> list[Value]:
        if dim != 1:
            raise TraceError("chunk cuts channels")
        return [self.view(term) for term in self.graph.shares(self.term, count)]


def joined(graph: Graph, kind: JoinKind, values: list[Value]) -> Value:
    """A new value; a product needs its factors for the gradient, a sum nothing."""
    if any(value.last for value in values):
        raise TraceError(f"{kind.value} of values whose channels stand last")
    if kind is JoinKind.MULTIPLY:
        for value in values:
            value.needed("a product")
    return Value(graph, graph.combine(kind, [value.term for value in values]))


class Module:
    """`nn.Module`: children and parameters by name, in the order in which they came.

    Its attributes are PyTorch's, or have an underscore, which no name of a spec begins with.
    """

    _children: dict[str, Module]
    _tensors: dict[str, Parameter]
    _path: str

    def __init__(self) -> None:
        self.__dict__.update(_children={}, _tensors={}, _path="", training=False)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Module):
            self.__dict__.setdefault("_children", {})[name] = value
        elif isinstance(value, Parameter):
            self._tensors[name] = value
            value.owner, value.name = self, name
        self.__dict__[name] = value

    def __call__(self, *given: Any) -> Any:
        return self.forward(*given)

    def forward(self, x: Value) -> Value:
        raise TraceError(f"{type(self).__name__} has no forward")

    def add_module(self, name: str, module: Module) -> None:
        if name in self._children:
            raise TraceError(f"two children are called '{name}'")
        self._children[name] = module

    def _named(self, path: str = "") -> Iterator[tuple[str, Module]]:
        """All modules with their paths; one that stands in two places has its weights twice."""
        yield path, self
        for name, module in self._children.items():
            yield from module._named(f"{path}.{name}" if path else name)

    def modules(self) -> Iterator[Module]:
        seen: set[int] = set()
        for _, module in self._named():
            if id(module) not in seen:
                seen.add(id(module))
                yield module


class Sequential(Module):
    def __init__(self, *modules: Module) -> None:
        super().__init__()
        self.extend(modules)

    def append(self, module: Module) -> Sequential:
        self.add_module(str(len(self._children)), module)
        return self

    def extend(self, modules: Any) -> Sequential:
        for module in modules:
            self.append(module)
        return self

    def __iter__(self) -> Iterator[Module]:
        return iter(self._children.values())

    def forward(self, x: Value) -> Value:
        for module in self._children.values():
            x = module(x)
        return x


class Identity(Module):
    def forward(self, x: Value) -> Value:
        return x


class Leaf(Module):
    """One operation: what a call of a module of the table means."""

    entry: Table
    read: Callable[..., Told]

    def __init__(self, *args: Any, inplace: bool = False, **options: Any) -> None:
        super().__init__()
        self.op, self.entering = self.read(*args, **options)
        if inplace and not self.entry.inplace:
            raise TraceError(f"{self.entry.name} cannot work in place")
        self.inplace = inplace
        for parameter in self.op.parameters((self.entering or 1, 1, 1)):
            made = Parameter(parameter.shape, start(self.op, parameter))
            self._tensors[parameter.leaf] = made
            if parameter.trainable:
                self.__dict__[parameter.leaf] = made
        self.__dict__.setdefault("bias", None)

    def forward(self, x: Value) -> Value:
        entry = self.entry
        if self.entering not in (None, x.shape[0]):
            raise TraceError(f"{self._path} wants {self.entering} channels and gets {x.shape[0]}")
        if entry.rank not in (None, len(x.shape)):
            raise TraceError(f"{self._path}: {entry.name} is not for {x.shape}")
        if x.last != entry.last and not (self.elementwise or (entry.last and len(x.shape) == 1)):
            raise TraceError(f"{self._path}: {self.op.word} finds the channels elsewhere")
        return x.apply(self.op, self._path, self.inplace)

    @property
    def elementwise(self) -> bool:
        one = isinstance(self.op, (ops.Activation, ops.Dropout))
        return one and not isinstance(self.op, ops.Softmax)


def start(op: Op, parameter: ops.Parameter) -> Draw:
    """What PyTorch's modules start with by themselves."""
    if isinstance(op, (ops.Conv, ops.ConvTranspose, ops.Linear)):
        if parameter.leaf == "weight":
            return draw(DEFAULT, parameter.shape)
        return Draw("uniform", math.nan)  # of a bias: nothing that a spec can ask for
    return Draw(CONSTANT, 1.0 if parameter.leaf in ("weight", "running_var") else 0.0)
