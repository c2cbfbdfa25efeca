"""What emitted code finds where it imports ONNX, while it is proved to say what the spec says.

Values compute nothing: an operator makes a term of them. The functions of a file that give one its
weights are executed as they stand; what builds nodes, and `FIXED`, is known by its text.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from types import SimpleNamespace
from typing import Any

from rescompile.emit.template import helper
from rescompile.emit.validation.execute import execute
from rescompile.emit.validation.expected import Tensor
from rescompile.emit.validation.graph import Graph as Terms
from rescompile.emit.validation.traced import Traced, TraceError
from rescompile.ir.initial import CONSTANT, NORMAL, UNIFORM, Draw
from rescompile.ir.structure import JoinKind
from rescompile.ops import LayerNorm, Linear, Op

from .vocabulary import FIXED, JOINS, OPERATORS, TO_FIRST, TO_LAST, WEIGHTED

RNG = SimpleNamespace(
    normal=lambda mean, std, shape: Draw(NORMAL if mean == 0 else "shifted normal", std),
    uniform=lambda low, high, shape: Draw(UNIFORM if low == -high else "?", high / math.sqrt(3)),
)


@dataclass(eq=False)
class Graph:
    """The network's graph: its terms, and the tensors that it has."""

    terms: Terms
    weights: dict[str, Weight] = field(default_factory=dict)
    tensors: dict[tuple[str, str], Tensor] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def value(self, name: str, shape: Any) -> Value:
        if tuple(shape) != ("N", *self.terms[0].shape):
            raise TraceError(f"the input is {shape}")
        return Value(self, 0)

    def weight(self, name: str, shape: Any, start: Any) -> Weight:
        if name in self.weights:
            raise TraceError(f"two weights are called '{name}'")
        draw = start(RNG, shape) if callable(start) else Draw(CONSTANT, start)
        self.weights[name] = Weight(name, Tensor(tuple(shape), draw))
        return self.weights[name]


@dataclass(eq=False)
class Weight:
    name: str
    tensor: Tensor
    owner: str = ""
    turned: bool = False


@dataclass(frozen=True, eq=False)
class Value:
    """A term; `last` where its channels are."""

    graph: Graph
    term: int
    last: bool = False
    name: str = ""

    type = None

    @property
    def shape(self) -> tuple[int | str, ...]:
        channels, *extents = self.graph.terms[self.term].shape
        return ("N", *extents, channels) if self.last else ("N", channels, *extents)

    def apply(self, op: Op, weights: str = "", last: bool = False) -> Value:
        """An operation; `last` where it works on the last axis."""
        if self.last != last and not (op.positional and op.orderless) and len(self.shape) == 4:
            raise TraceError(f"{weights or op.word} finds the channels elsewhere")
        return replace(self, term=self.graph.terms.apply(op, self.term, weights))


def _operator(kind: str) -> Callable[..., Any]:
    """An operator by its name: what a call of it means."""

    def add(x: Any, *more: Any, name: str, **attributes: Any) -> Any:
        made = MEANINGS.get(kind, functools.partial(_plain, kind))(name, x, *more, **attributes)
        if isinstance(x, Value):
            if name in x.graph.names:
                raise TraceError(f"two nodes are called '{name}'")
            x.graph.names.add(name)
        return made

    return add


def _plain(kind: str, name: str, x: Value, *more: Any, **attributes: Any) -> Value:
    """An operation without weights, or one to which the last inputs are given as weights."""
    weights = [w for w in more if isinstance(w, Weight)]
    if not weights:
        return x.apply(_read(OPERATORS, kind, more, attributes))
    tensors = [w.tensor.shape for w in weights]
    how: dict[str, Any] = dict(attributes)
    given: tuple[Any, ...] = more[: -len(weights)]
    if kind in ("Conv", "ConvTranspose"):
        made, _, *kernel = tensors[0]
        if kind == "ConvTranspose":
            made = tensors[0][1] * how.get("group", 1)
        given, how["bias"] = (made, kernel), len(weights) == 2
    elif kind == "Gemm":
        if how.pop("transB", 0) != 1 or len(x.shape) != 2:
            raise TraceError(f"{name}: a kernel that is not out x in, or of no vector")
        given, how["bias"] = (tensors[0][0],), len(weights) == 2
    elif kind == "Mul":
        given = (weights[0].tensor.draw.value,)
    row = replace(WEIGHTED[kind][0], name=kind)
    rows = [replace(row, name=kind) for row in WEIGHTED[kind]]
    return _owned(x, _read(rows, kind, given, how), name, weights)


def _read(rows: Any, kind: str, given: tuple[Any, ...], attributes: dict[str, Any]) -> Op:
    """The operation that a row of that name tells."""
    for row in rows:
        if row.name == kind:
            try:
                return row.reader()(*given, **attributes)[0]
            except (TypeError, ValueError):
                continue
    raise TraceError(f"{kind} of {given}, {attributes}")


def _owned(x: Value, op: Op, name: str, weights: list[Weight]) -> Value:
    """An operation with weights, which must be its own, in its order."""
    owner = name.removesuffix(".normal") if isinstance(op, LayerNorm) else name
    wanted = op.parameters(x.graph.terms[x.term].shape)
    for parameter, weight in zip(wanted, weights, strict=True):
        full = f"{owner}.{parameter.leaf}" if parameter.leaf else owner
        if weight.name != full or weight.owner or weight.tensor.shape != parameter.shape:
            raise TraceError(f"{name} takes {weight.name} of {weight.tensor} for {full}")
        weight.owner = owner
        x.graph.tensors[owner, parameter.leaf] = weight.tensor
    return x.apply(op, owner, last=isinstance(op, (LayerNorm, Linear)))


def _transpose(name: str, x: Any, *, perm: list[int]) -> Any:
    if isinstance(x, Weight):
        if perm != [1, 0]:
            raise TraceError(f"{name}: a kernel in the order {perm}")
        return replace(x, turned=True)
    if perm != (TO_FIRST if x.last else TO_LAST):
        raise TraceError(f"{name}: axes in the order {perm}")
    return replace(x, last=not x.last)


def _product(name: str, x: Value, kernel: Weight) -> Value:
    """A linear layer at each position; what has a bias is told by the sum that follows."""
    weight = x.graph.weights[kernel.name]
    if not (kernel.turned and x.last):
        raise TraceError(f"{name}: a kernel that is not in x out, or no map with channels last")
    owner, features = name.removesuffix(".product"), kernel.tensor.shape[0]
    return _owned(x, Linear(features, False), owner, [weight])


def _join(kind: JoinKind, name: str, *values: Any, axis: int = 1, **more: Any) -> Value:
    x, other = values[0], values[-1]
    if isinstance(other, Weight) and kind is JoinKind.ADD:
        term = x.graph.terms[x.term]
        if term.key[0] is not Linear or other.name != f"{name}.bias" or term.weights != name:
            raise TraceError(f"{name}: {other.name} is added to {term}")
        op = Linear(other.tensor.shape[0])
        other.owner = name
        x.graph.tensors[name, "bias"] = other.tensor
        return replace(x, term=x.graph.terms.apply(op, term.inputs[0], name))
    if not all(isinstance(value, Value) for value in values):
        return _plain(JOINS[kind], name, *values, **more)
    if axis != 1 or any(value.last for value in values):
        raise TraceError(f"{name}: channels are last, or axis {axis} is joined")
    return replace(x, term=x.graph.terms.combine(kind, [value.term for value in values]))


MEANINGS: dict[str, Callable[..., Any]] = {
    "Transpose": _transpose,
    "MatMul": _product,
    **{name: functools.partial(_join, kind) for kind, name in JOINS.items()},
}


class Operators:
    def __getattr__(self, kind: str) -> Callable[..., Any]:
        return _operator(kind)


def _split(x: Value, count: int) -> list[Value]:
    if x.last:
        raise TraceError("channels that are last are split")
    return [replace(x, term=term) for term in x.graph.terms.shares(x.term, count)]


def _fixed(row: Any) -> Callable[..., Value]:
    def call(x: Value, *given: Any, name: str, **options: Any) -> Value:
        return x.apply(row.reader()(*given, **options)[0])

    return call


def trace(source: str, name: str, terms: Terms, folder: FilePath, given: tuple[Any, ...]) -> Traced:
    """Execute a file and call its network with what is given."""
    graphs: list[Graph] = []

    def graph(dtype: str, rng: Any) -> Graph:
        graphs.append(Graph(terms))
        return graphs[-1]

    def model(called: str, images: Value, outputs: list[Value]) -> tuple[Value, ...]:
        if called != name or any(value.last for value in outputs):
            raise TraceError(f"'{called}' has an output with its channels last, or another's name")
        return tuple(outputs)

    meanings: dict[str, Any] = {
        "Value": Value,
        "Graph": graph,
        "op": Operators(),
        "block": lambda build: build,
        "functions": None,
        "model": model,
        "split": _split,
        **{row.name: _fixed(row) for row in FIXED},
    }
    fixed = {key: (helper(folder, key), meaning) for key, meaning in meanings.items()}
    outputs = execute(source, IMPORTS, fixed)[name](*given)
    (made,) = graphs
    unused = [weight.name for weight in made.weights.values() if not weight.owner]
    if unused:
        raise TraceError(f"nothing takes {', '.join(unused)}")
    return Traced(tuple(value.term for value in outputs), made.tensors)


HELPER = SimpleNamespace(make_opsetid=lambda domain, version: (domain, version))
ANY = SimpleNamespace(Generator=object, default_rng=lambda seed: None)
IMPORTS = {
    "functools": functools,
    "dataclasses": SimpleNamespace(dataclass=dataclass, replace=lambda y, type: y),
    "collections": SimpleNamespace(abc=SimpleNamespace(Callable=Callable, Sequence=list)),
    "collections.abc": SimpleNamespace(Callable=Callable, Sequence=list),
    "typing": SimpleNamespace(Any=Any),
    "numpy": SimpleNamespace(random=ANY, ndarray=object),
    "onnx": SimpleNamespace(ModelProto=object, helper=HELPER, numpy_helper=None),
    "onnx.shape_inference": SimpleNamespace(infer_node_outputs=None),
}
