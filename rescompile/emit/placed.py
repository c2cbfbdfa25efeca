"""The tensors of a network where a target keeps them that has its channels last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ..ir.structure import Path
from ..ir.trace import OpTrace
from ..ops import Parameter
from ..record import record
from .channels_last import Layout
from .contract import Weights
from .weights import COUNTER, Slot


@record
class Placed:
    """A tensor by its path: where it is, by names from the outside in, and how it lies there.

    `kind` tells tensors apart that may have one shape.
    """

    path: Path
    place: Path
    kind: str
    layout: Layout

    @property
    def slot(self) -> Slot:
        """Where a file keeps it."""
        layout = self.layout
        return Slot(self.path, "/".join(self.place), self.kind, layout.shape, layout.back)

    def portable(self, array: Any) -> Any:
        """An array that lies as it does there in PyTorch's layout, and in order."""
        return self.layout.back(array).copy("C")


def owned(path: Path, trace: OpTrace) -> Iterator[tuple[Path, Parameter]]:
    """The tensors of a layer, each by its own path."""
    for parameter in trace.op.parameters(trace.x):
        yield ((*path, parameter.leaf) if parameter.leaf else path), parameter


def laid_out(tensors: Iterable[Placed], weights: Weights) -> Iterator[tuple[Placed, Any]]:
    """Each tensor with its array, laid out as it lies there.

    Raises `ValueError` for an array of another shape, for one that is missing, and, at the end, for
    one too many, unless it counts steps.
    """
    given = dict(weights)
    for tensor in tensors:
        name, shape = ".".join(tensor.path), tensor.layout.portable
        if tensor.path not in given:
            raise ValueError(f"no weight for {name}")
        array = given.pop(tensor.path)
        if array.shape != shape:
            raise ValueError(f"{name} is {shape}, not {array.shape}")
        yield tensor, tensor.layout.to(array)
    if more := [".".join(path) for path in given if path[-1] != COUNTER]:
        raise ValueError(f"no layers for {', '.join(more)}")
