"""What emitted classes are made of while they are proved: modules that compute nothing.

A `Leaf` is one operation, which it tells by the table that emission writes it with; a call makes a
term. What a framework would refuse is refused: channels that do not fit, and work in place on a
value that somebody else needs. A backend says what its framework has beside that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from ... import ops
from ...ir.initial import CONSTANT, Draw
from ...ir.nodes import JoinKind
from ...ir.structure import Path
from ...ir.trace import Elaborated
from ...ops import Op, Shape
from ...record import record
from ..classes.table import Module as Entry
from ..table import meanings
from .expected import Tensor
from .graph import Graph
from .traced import Traced, TraceError

# What is needed unchanged for its own gradient.
KEPT = (ops.Activation, ops.SplitSoftmax)


@dataclass(eq=False)
class Memory:
    """What a tensor lies in, which several may share; work in place takes it from all others.

    `read` has what needs it unchanged, for the gradient; `gone` is what was overwritten.
    """

    read: set[str] = field(default_factory=set)
    gone: bool = False


@dataclass(eq=False)
class Value:
    """A tensor of activations: what it holds now, and where; `last`: its channels stand last."""

    graph: Graph
    held: int
    last: bool = False
    memory: Memory = field(default_factory=Memory)

    @property
    def term(self) -> int:
        if self.memory.gone:
            raise TraceError("a value is used after it was overwritten")
        return self.held

    @property
    def inner(self) -> Shape:
        """Channels, height and width, or features."""
        return self.graph[self.term].shape

    @property
    def shape(self) -> tuple[int | None, ...]:
        """As the framework tells it, with the batch."""
        raise NotImplementedError

    def needed(self, by: str) -> Value:
        self.memory.read.add(by)
        return self

    def made(self, term: int) -> Value:
        """Another value, in memory of its own."""
        return replace(self, held=term, memory=Memory())

    def view(self, term: int, last: bool = False) -> Value:
        """Another look at the same memory: neither may be overwritten."""
        return replace(self.needed("a view of it"), held=term, last=last)

    def overwrite(self, term: int, by: str) -> Value:
        if self.memory.read:
            who = ", ".join(sorted(self.memory.read))
            raise TraceError(f"{by} overwrites a value that is needed by {who}")
        self.memory.gone = True
        self.held, self.memory = term, Memory()
        return self

    def apply(self, op: Op, weights: str = "", in_place: bool = False) -> Value:
        term = self.graph.apply(op, self.term, weights)
        if op.passes:  # in evaluation it is the same tensor
            return replace(self, held=term)
        made = self.overwrite(term, op.word) if in_place else self.needed(op.word).made(term)
        return made.needed("its own gradient") if isinstance(op, KEPT) else made

    def shares(self, count: int) -> list[Value]:
        """Equal parts of the channels."""
        return [self.view(term) for term in self.graph.shares(self.term, count)]

    def __add__(self, other: Value) -> Value:
        return joined(JoinKind.ADD, [self, other])

    def __iadd__(self, other: Value) -> Value:
        return self.overwrite(joined(JoinKind.ADD, [self, other]).term, "a sum")

    def __mul__(self, other: Value) -> Value:
        return joined(JoinKind.MULTIPLY, [self, other])


def joined(kind: JoinKind, values: Sequence[Value]) -> Value:
    """A new value; a product needs its factors for the gradient, a sum nothing."""
    for value in values:
        if not isinstance(value, Value) or value.last:
            raise TraceError(f"{kind.value} of what is no tensor with its channels first")
        if kind is JoinKind.MULTIPLY:
            value.needed("a product")
    return values[0].made(values[0].graph.combine(kind, [value.term for value in values]))


@dataclass(eq=False)
class Parameter:
    """A tensor of a module: its shape, and what it starts as."""

    shape: Shape
    draw: Draw


class Factor(Parameter):
    """One that stands alone: what the spec calls an operation is one tensor here.

    A number, or a single element of a vector, is what all channels share.
    """

    path = ""

    def __init__(self, given: Filled) -> None:
        shape = given.shape if isinstance(given.shape, tuple) else (given.shape,)
        super().__init__(shape, Draw(CONSTANT, given.value))

    def spread(self, axes: int) -> Factor:
        """A vector with so many axes of one pixel behind its channels."""
        if len(self.shape) != 1:
            raise TraceError(f"a factor of shape {self.shape} is no vector")
        found = copy(self)
        found.shape = (*self.shape, *(1,) * axes)
        return found

    def __mul__(self, value: Value) -> Value:
        shared = self.shape in ((), (1,))
        if value.last or not (shared or len(self.shape) == len(value.inner)):
            raise TraceError(f"a factor of shape {self.shape} meets other axes than its own")
        return value.apply(ops.LayerScale(self.draw.value, shared), self.path)


@record
class Filled:
    """A tensor of one value, of which a parameter can be made."""

    shape: Any
    value: float


def concatenation(channels: int) -> Callable[[list[Value], int], Value]:
    """The function that concatenates along an axis, where the channels are on that one."""

    def concatenate(values: list[Value], axis: int) -> Value:
        if axis != channels:
            raise TraceError("a concatenation that is not of channels")
        return joined(JoinKind.CONCAT, values)

    return concatenate


class Module:
    """Children and parameters by name, in the order in which they came.

    Its own attributes are the frameworks', or have an underscore, which no name of a spec begins
    with.
    """

    _children: dict[str, Any]
    _tensors: dict[str, Parameter]
    _path: str  # what owns its tensors
    forward: Callable[..., Any]

    def __init__(self) -> None:
        self.__dict__.update(_children={}, _tensors={}, _path="")

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Module):
            self._children[name] = value
        elif isinstance(value, Parameter):
            self._tensors[name] = value
        self.__dict__[name] = value

    def __call__(self, *given: Any) -> Any:
        return self.forward(*given)

    def add_module(self, name: str, module: Any) -> None:
        if name in self._children:
            raise TraceError(f"two children are called '{name}'")
        self._children[name] = module

    def _named(self, path: Path = ()) -> Iterator[tuple[Path, Module]]:
        """All modules with their paths; one that stands in two places has its weights twice."""
        yield path, self
        for name, child in self._children.items():
            if isinstance(child, Module):  # a sequence may have functions as well
                yield from child._named((*path, name))

    def modules(self) -> list[Module]:
        """All modules, each once."""
        return list({id(module): module for _, module in self._named()}.values())


class List(Module):
    """Members in an order, of the kind that the framework takes, which are called one by one."""

    takes: Any = Module

    def __init__(self, members: Iterable[Any] = ()) -> None:
        super().__init__()
        self.extend(members)

    def append(self, member: Any) -> None:
        if not isinstance(member, self.takes):
            raise TraceError(f"a {type(member).__name__} as a member of a list")
        self.add_module(str(len(self._children)), member)

    def extend(self, members: Iterable[Any]) -> None:
        for member in members:
            self.append(member)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._children.values())

    def __getitem__(self, index: Any) -> Any:
        """A member, or several in a list, each of which is the child that it was."""
        return list(self)[index]


class Sequential(List):
    def __init__(self, *modules: Module) -> None:
        super().__init__(modules)

    def forward(self, *given: Any) -> Any:
        *before, x = given
        for module in self:
            x = module(*before, x)
        return x


class Identity(Module):
    def forward(self, *given: Any) -> Any:
        return given[-1]


class Leaf(Module):
    """One operation: what a call of a module means by one of its rows in the table."""

    rows: tuple[Entry, ...]
    bias: Parameter | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__()
        self.in_place = options.pop(self.rows[0].inplace, False)
        first, *self.others = meanings(self.rows, args, options)
        self.entry, self.op, self.entering = first
        for parameter in self.op.parameters((self.entering or 1,)):
            setattr(self, parameter.leaf, Parameter(parameter.shape, self.start(parameter)))

    @classmethod
    def of(cls, *rows: Entry) -> type[Leaf]:
        """The class of a module of the table; all rows have its name."""
        return type(rows[0].name, (cls,), {"rows": rows})

    def start(self, parameter: ops.Parameter) -> Draw:
        """What a module starts with by itself, that of a file as the operation does.

        What is drawn is for who knows the framework.
        """
        if isinstance(parameter.start, ops.Role):
            raise NotImplementedError
        if self.entry.own:
            return Draw(CONSTANT, parameter.start)
        return Draw(CONSTANT, 1.0 if parameter.leaf in ("weight", "running_var") else 0.0)

    def forward(self, x: Value) -> Value:
        if self.entering not in (None, x.inner[0]):
            raise TraceError(f"{self._path} wants {self.entering} channels and gets {x.inner[0]}")
        entry, op, rank = self.entry, self.op, len(x.inner)
        if entry.ranks and rank not in entry.ranks:  # a call may mean one at each rank
            of_rank = (other for other in self.others if rank in other[0].ranks)
            entry, op, _ = next(of_rank, (entry, op, None))
        return applied(entry, op, x, self._path, self.in_place)


def applied(entry: Entry, op: Op, x: Value, path: str = "", in_place: bool = False) -> Value:
    """An operation, by its entry in the table, applied to a value that it is for."""
    if entry.ranks and len(x.inner) not in entry.ranks:
        raise TraceError(f"{path}: {entry.name} is not for {x.inner}")
    anywhere = (op.positional and op.orderless) or (entry.last and len(x.inner) == 1)
    if x.last != entry.last and not anywhere:
        raise TraceError(f"{path}: {op.word} finds the channels elsewhere")
    return x.apply(op, path, in_place)


def called(rows: Sequence[Entry], x: Value, *given: Any, **options: Any) -> Value:
    """What a function of the table makes of a value, by the first row that the call fits."""
    if not isinstance(x, Value):
        raise TraceError(f"{rows[0].name} of what is no tensor")
    there = (row for row in rows if not row.ranks or len(x.inner) in row.ranks)
    row, op, _ = meanings(there, given, options)[0]
    return applied(row, op, x)


def _nothing(scope: Mapping[str, Any], elaborated: Elaborated, varied: bool) -> None:
    """What is asked of a file beside its classes, where nothing is."""


@dataclass
class StandIn:
    """What stands for a framework in a proof.

    That is what files import, by the names of modules, what becomes of the helpers that they
    define, what their inputs are, what every constructor is `passed`, and every forward pass is
    `given` before its inputs. A helper that means nothing here, None, must be there as it is.
    `ready` is told what a file defines before its network is made, and whether that will have
    other arguments than its defaults; it may raise `TraceError`.
    """

    imports: Mapping[str, Any]
    helpers: Mapping[str, Any]
    tensor: type[Value] = Value
    passed: Mapping[str, Any] = field(default_factory=dict)
    given: tuple[Any, ...] = ()
    ready: Callable[[Mapping[str, Any], Elaborated, bool], None] = _nothing


def trace(
    model: Module, inputs: Iterable[Value], name: Callable[[Path], str], given: Iterable[Any] = ()
) -> Traced:
    """What a model does with its inputs; `name` is how the target calls what owns weights.

    Raises `TraceError`, and whatever broken code raises.
    """
    found = list(model._named())
    for path, module in found:
        module._path = name(path)
        for leaf, tensor in module._tensors.items():
            if isinstance(tensor, Factor):
                tensor.path = name((*path, leaf))
    made = model(*given, *(x.needed("its owner") for x in inputs))
    outputs = made if isinstance(made, tuple) else (made,)
    if any(value.last for value in outputs):
        raise TraceError("an output has its channels last")
    tensors = {
        (tensor.path, "") if isinstance(tensor, Factor) else (module._path, leaf): Tensor(
            tensor.shape, tensor.draw
        )
        for _, module in found
        for leaf, tensor in module._tensors.items()
    }
    return Traced(tuple(value.term for value in outputs), tensors)
