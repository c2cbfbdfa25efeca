"""What the spec says, as terms: the network as it was lowered, before anything was folded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from math import isclose

from ...ir.initial import Draw, drawn
from ...ir.interpreter import Interpreter
from ...ir.nodes import JoinKind
from ...ir.structure import Path
from ...ir.trace import Elaborated, OpTrace
from ...ops import BatchNorm, LayerScale, Op, Shape
from ...record import record
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

    def __init__(
        self,
        elaborated: Elaborated,
        graph: Graph,
        name: Callable[[Path], str],
        biased: bool,
        last: bool,
    ) -> None:
        super().__init__(elaborated)
        self.graph = graph
        self.name = name
        self.biased = biased
        self.last = last
        self.steps: list[tuple[Path, int]] = []
        inputs = elaborated.network.inputs.items()
        self.outputs = self.network(*(graph.input(shape, given) for given, shape in inputs))
        self.updates = graph.taken_updates()

    def operation(self, item: OpTrace, x: int, path: Path) -> int:
        return self.graph.apply(self.meant(item.op), x, self.name(self.owner(path)))

    def meant(self, op: Op) -> Op:
        """An operation as the target means it, which cannot tell some attributes.

        `unbiased` says nothing where a running variance always is, `vector` where factors of
        channels, which stand `last`, always are.
        """
        if isinstance(op, BatchNorm) and not self.biased:
            return BatchNorm(op.epsilon, op.momentum)
        if isinstance(op, LayerScale) and self.last:
            return replace(op, vector=False)
        return op

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
            for parameter in self.meant(item.op).parameters(item.x):
                draw = drawn(network, parameter)
                yield (self.name(path), parameter.leaf), Tensor(parameter.shape, draw)
