"""What the spec says, as terms: the network as it was lowered, before anything was folded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import isclose

from ...ir.initial import Draw, drawn
from ...ir.interpreter import Interpreter
from ...ir.structure import JoinKind, Path
from ...ir.trace import Elaborated, OpTrace
from ...ops import BatchNorm, LayerScale, Op, Shape
from ...record import record
from ..contract import Backend
from .graph import Graph


@record
class Tensor:
    """A weight: its shape in PyTorch's layout, and what it starts as."""

    shape: Shape
    draw: Draw

    def agrees(self, other: Tensor) -> bool:
        """Whether another one is the same, up to rounding."""
        same = (self.shape, self.draw.kind) == (other.shape, other.draw.kind)
        return same and isclose(self.draw.value, other.draw.value, rel_tol=1e-9)

    def __str__(self) -> str:
        return f"{list(self.shape)}, {self.draw}"


Tensors = Mapping[tuple[str, str], Tensor]  # by the name of what owns it, and its leaf


class Expected(Interpreter[int]):
    """A walk that makes terms. `steps` are the values of the spec's steps, in order."""

    def __init__(self, elaborated: Elaborated, graph: Graph, backend: Backend) -> None:
        super().__init__(elaborated)
        self.graph = graph
        self.backend = backend
        self.name = backend.weight_name
        self.steps: list[tuple[Path, int]] = []
        inputs = elaborated.network.inputs.items()
        self.outputs = self.network(*(graph.input(shape, given) for given, shape in inputs))
        self.updates = graph.taken_updates()

    def operation(self, item: OpTrace, x: int, path: Path) -> int:
        return self.graph.apply(meant(item.op, self.backend), x, self.name(self.owner(path)))

    def shares(self, x: int, count: int) -> list[int]:
        return self.graph.shares(x, count)

    def combine(self, kind: JoinKind, values: list[int]) -> int:
        return self.graph.combine(kind, values)

    def shape(self, value: int) -> Shape:
        return self.graph[value].shape

    def record(self, path: Path, value: int) -> None:
        self.steps.append((path, value))

    def tensors(self) -> Tensors:
        """Every weight of the network."""
        return dict(self._tensors())

    def _tensors(self) -> Iterator[tuple[tuple[str, str], Tensor]]:
        network = self.elaborated.network
        for path, item in self.elaborated.owning():
            for parameter in meant(item.op, self.backend).parameters(item.x):
                draw = drawn(network, parameter)
                yield (self.name(path), parameter.leaf), Tensor(parameter.shape, draw)


def meant(op: Op, backend: Backend) -> Op:
    """`op` as a target means it, which cannot tell some attributes.

    `unbiased` says nothing where a running variance always is, `vector` where factors always are.
    """
    if isinstance(op, BatchNorm) and not backend.biased_variance:
        return BatchNorm(op.epsilon, op.momentum)
    if isinstance(op, LayerScale) and backend.channels_last:
        return replace(op, vector=False)
    return op
