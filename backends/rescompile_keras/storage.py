"""What Keras keeps for each operation: under which names, in which order, and how it lies.

Files of weights and the models themselves are read by the table of layers; nothing here needs
Keras.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rescompile.emit.channels_last import Layout, Map, layout_of
from rescompile.emit.weights import Slot
from rescompile.ir.structure import Path
from rescompile.ir.trace import OpTrace

from .layers import TABLE
from .vocabulary import DEPTHWISE

Tensor = tuple[Path, str, Layout]  # a weight, its variable in a layer, and its layout there


def tensors(path: Path, trace: OpTrace, kind: str, flattened: Map | None) -> Iterator[Tensor]:
    """What the operation at `path` owns in a layer of class `kind`.

    `flattened` is what was flattened before a linear layer, where that kept Keras' order.
    """
    for parameter in trace.op.parameters(trace.x):
        place = (*path, parameter.leaf) if parameter.leaf else path
        layout = layout_of(trace.op, trace.x, parameter, kind == DEPTHWISE, flattened)
        yield place, TABLE[type(trace.op)].variables[parameter.leaf], layout


def slot(tensor: Tensor, layer: str, kind: str) -> Slot:
    """Where a file keeps a tensor of a layer of class `kind`."""
    path, variable, layout = tensor
    owner = snake_case(kind)
    return Slot(path, f"{layer}/{variable}", f"{owner}/{variable}", layout.shape, layout.back)


def snake_case(name: str) -> str:
    """What Keras calls a class of layers in a file: Conv2DTranspose is `conv2d_transpose`."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


# What a layer's variables are called, in the order in which Keras numbers them in a file.
VARIABLES = {
    snake_case(layer): tuple(entry.variables.values())
    for entry in TABLE.values()
    if entry.variables
    for layer in filter(None, (entry.layer, entry.other))
}
