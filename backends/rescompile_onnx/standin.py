"""What emitted code finds where it imports ONNX, while it is proved to say what the spec says.

Values compute nothing: operators, and the functions of a file, which are known by their text, make
terms of them. What draws weights is executed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

from rescompile.emit.table import Constructor
from rescompile.emit.validation.execute import execute
from rescompile.emit.validation.expected import Tensor
from rescompile.emit.validation.graph import Graph as Terms
from rescompile.emit.validation.traced import Traced, TraceError
from rescompile.ir.initial import CONSTANT, NORMAL, UNIFORM, Draw
from rescompile.ir.structure import INPUT, JoinKind
from rescompile.ops import GlobalResponseNorm, LayerNorm, Linear, Op, Role

from .vocabulary import FUNCTIONS, JOINS, OPERATORS, to_first, to_last

ONLY = "images"  # what an only input is called that has no name
INITIAL = {Role.CONV: "conv_init", Role.LINEAR: "linear_init"}
RNG = SimpleNamespace(
    normal=lambda mean, std, shape: Draw(NORMAL if mean == 0 else "shifted normal", std),
    uniform=lambda low, high, shape: Draw(UNIFORM if low == -high else "?", high / math.sqrt(3)),
)


@dataclass(eq=False)
class Graph:
    """The network's graph: its terms, its tensors, the names of its nodes, and what draws."""

    terms: Terms
    scope: Mapping[str, Any]
    tensors: dict[tuple[str, str], Tensor] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    shared: dict[str, str] = field(default_factory=dict)  # steps, and the first of their kind

    def owner(self, name: str) -> str:
        """The step that has the weights of the step of that name."""
        for step, first in self.shared.items():
            if f"{name}.".startswith(f"{step}."):
                return self.owner(first + name.removeprefix(step))
        return name

    def value(self, name: str, shape: Any) -> Value:
        term = self.terms.inputs.get(INPUT if name == ONLY else name)
        if term is None or tuple(shape) != ("N", *self.terms[term].shape):
            raise TraceError(f"the input '{name}' is {shape}")
        return Value(self, term)


@dataclass(frozen=True, eq=False)
class Value:
    """A term; `last` where its channels are."""

    graph: Graph
    term: int
    last: bool = False

    @property
    def inner(self) -> tuple[int, ...]:
        return self.graph.terms[self.term].shape

    @property
    def shape(self) -> tuple[Any, ...]:
        channels, *extents = self.inner
        return ("N", *extents, channels) if self.last else ("N", channels, *extents)

    def named(self, name: str) -> Value:
        """The value, as a node of that name takes it, which no other has."""
        if name in self.graph.names:
            raise TraceError(f"two nodes are called '{name}'")
        self.graph.names.add(name)
        return self

    def apply(self, op: Op, name: str, last: bool) -> Value:
        """An operation, which finds the channels there, and its weights under its name."""
        elementwise = op.positional and op.orderless
        if self.last != last and not elementwise and len(self.inner) > 1:
            raise TraceError(f"{name}: {op.word} finds the channels elsewhere")
        owner = self.graph.owner(name)
        for parameter in op.parameters(self.inner):
            start = parameter.start
            if isinstance(start, Role):
                draw = self.graph.scope[INITIAL[start]](RNG, parameter.shape)
            else:
                draw = Draw(CONSTANT, start)
            tensor, key = Tensor(parameter.shape, draw), (owner, parameter.leaf)
            if owner == name:
                self.graph.tensors[key] = tensor
            elif self.graph.tensors.get(key) != tensor:
                raise TraceError(f"{name}: the weights of {owner} do not fit")
        return replace(self, term=self.graph.terms.apply(op, self.term, owner))


def _applied(rows: Iterable[Constructor]) -> Callable[..., Value]:
    """What a call of the operator or function means that one of some rows tells."""
    found = list(rows)

    def call(x: Value, *given: Any, name: str, **options: Any) -> Value:
        placed = found[0].kind in (LayerNorm, GlobalResponseNorm)
        axis = options.pop("axis", -1) if placed else None
        last = axis == -1 or found[0].kind is Linear
        for row in found:
            try:
                op = row.reader()(*given, **options)[0]
            except (TypeError, ValueError):
                continue
            return x.named(name).apply(op, name, last)
        raise TraceError(f"{name}: {given}, {options} have no meaning")

    return call


def _transpose(x: Value, *, perm: list[int], name: str) -> Value:
    axes = len(x.inner) - 1
    if not axes or perm != (to_first(axes) if x.last else to_last(axes)):
        raise TraceError(f"{name}: axes in the order {perm}")
    return replace(x.named(name), last=not x.last)


def _join(kind: JoinKind, *values: Any, name: str, axis: int = 1) -> Value:
    x = values[0]
    if not all(isinstance(value, Value) for value in values):
        made: Value = OPERATION[JOINS[kind]](*values, name=name)
        return made
    if axis != 1 or any(value.last for value in values):
        raise TraceError(f"{name}: channels are last, or axis {axis} is joined")
    term = x.graph.terms.combine(kind, [value.term for value in values])
    joined: Value = replace(x.named(name), term=term)
    return joined


def _split(x: Value, count: int) -> list[Value]:
    if x.last:
        raise TraceError("channels that are last are split")
    return [replace(x, term=term) for term in x.graph.terms.shares(x.term, count)]


@contextmanager
def _again(x: Value, first: str, name: str) -> Iterator[None]:
    """Inside, steps of that name have the weights of others."""
    x.graph.shared[name] = first
    yield


def _by_name(rows: Iterable[Constructor]) -> dict[str, Callable[..., Value]]:
    found: dict[str, list[Constructor]] = {}
    for row in rows:
        found.setdefault(row.name, []).append(row)
    return {name: _applied(same) for name, same in found.items()}


OPERATION = _by_name(OPERATORS)
JOINED = {name: functools.partial(_join, kind) for kind, name in JOINS.items()}
OP = SimpleNamespace(**{**OPERATION, "Transpose": _transpose, **JOINED})


def trace(
    source: str, name: str, terms: Terms, texts: Mapping[str, str], given: tuple[Any, ...]
) -> Traced:
    """Execute a file, whose helpers are known by their `texts`, and call its network."""
    scope: dict[str, Any] = {}
    made = Graph(terms, scope)

    def model(called: str, inputs: list[Value], outputs: list[Value]) -> list[Value]:
        if [value.term for value in inputs] != [*terms.inputs.values()]:
            raise TraceError("the inputs are others, or in another order")
        if called != name or any(value.last for value in outputs):
            raise TraceError(f"'{called}' has an output with its channels last, or another's name")
        return outputs

    meanings = {
        **dict.fromkeys(("Value", "functions", "function", "weights", "cells")),
        "Graph": lambda dtype, rng: made,
        "Operators": lambda: OP,
        "model": model,
        "block": lambda build: build,
        "split": _split,
        "Again": _again,
        **_by_name(FUNCTIONS),
    }
    fixed = {key: (texts[key], meaning) for key, meaning in meanings.items()}
    scope.update(execute(source, IMPORTS, fixed))
    for key, (_, meaning) in fixed.items():
        if scope.get(key, meaning) is not meaning:
            raise TraceError(f"'{key}' has another text than that helper")
    outputs = scope[name](*given)
    return Traced(tuple(value.term for value in outputs), made.tensors)


RANDOM = SimpleNamespace(Generator=object, default_rng=lambda seed: None)
HELPER = SimpleNamespace(make_opsetid=lambda domain, version: (domain, version))
ABSTRACT = SimpleNamespace(Callable=Callable, Sequence=list)
IMPORTS = {
    "functools": functools,
    "dataclasses": SimpleNamespace(dataclass=None, replace=None),
    "collections": SimpleNamespace(abc=ABSTRACT),
    "collections.abc": ABSTRACT,
    "typing": SimpleNamespace(Any=Any),
    "numpy": SimpleNamespace(random=RANDOM, ndarray=object),
    "onnx": SimpleNamespace(ModelProto=object, helper=HELPER, numpy_helper=None),
    "onnx.shape_inference": SimpleNamespace(infer_node_outputs=None),
}
