"""What a model keeps, layer by layer: whose tensors, under which names, and how they lie.

Files of weights and the models themselves are read by the vocabulary; nothing here needs Keras.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rescompile.emit.channels_last import Layout, Proofs, layout_of
from rescompile.emit.weights import Slot
from rescompile.ir.structure import Path
from rescompile.ir.trace import Elaborated
from rescompile.record import record

from .vocabulary import LAYERS, ROWS, snake_case

# What a layer's variables are called, in the order in which Keras numbers them in a file.
VARIABLES = {snake_case(row.name): tuple(row.variables.values()) for row in ROWS if row.variables}


@record
class Tensor:
    """A weight: the variable of a layer of class `kind` that holds it, and its layout there."""

    path: Path
    layer: str
    kind: str
    variable: str
    layout: Layout

    @property
    def slot(self) -> Slot:
        """Where a file keeps it."""
        name, kind = f"{self.layer}/{self.variable}", f"{snake_case(self.kind)}/{self.variable}"
        return Slot(self.path, name, kind, self.layout.shape, self.layout.back)


def tensors(elaborated: Elaborated, layers: Iterable[tuple[str, str]]) -> Iterator[Tensor]:
    """What each of some layers owns, which are given by name and class."""
    kernels = Proofs(elaborated).kernels
    owners = {"_".join(path): (path, trace) for path, trace in elaborated.flat()}
    for layer, kind in layers:
        if layer not in owners:
            continue
        path, trace = owners[layer]
        for parameter in trace.op.parameters(trace.x):
            row = LAYERS[kind][0]
            place = (*path, parameter.leaf) if parameter.leaf else path
            layout = layout_of(trace.op, trace.x, parameter, row.depthwise, kernels.get(path))
            yield Tensor(place, layer, kind, row.variables[parameter.leaf], layout)
