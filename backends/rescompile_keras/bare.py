"""Files of Keras' weights without Keras: what it numbers and names there is found in the source.

A .weights.h5 keeps the variables of each layer under the class of the layer, numbered in the order
of the model's layers; Keras loads it by these numbers alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

import h5py

from rescompile.emit.contract import Weights
from rescompile.emit.validation.graph import Graph
from rescompile.emit.validation.values import Built, Node, Tracer
from rescompile.emit.weights import Slot
from rescompile.ir.analysis import Analysis
from rescompile.ir.trace import Elaborated

from . import files
from .files import tensors
from .standin import model_of
from .vocabulary import snake_case


class KerasFiles:
    """Reads and writes .weights.h5; `helpers` are what an emitted file may define itself."""

    def __init__(self, helpers: Mapping[str, str]) -> None:
        self.helpers = helpers

    def slots(self, analysis: Analysis, source: str) -> list[Slot]:
        layers = self.layers(analysis, source)
        return [tensor.slot for tensor in tensors(analysis.elaborated, layers)]

    read = staticmethod(files.read)

    def write(
        self, analysis: Analysis, source: str, weights: Weights, dtype: str, file: FilePath
    ) -> None:
        """What `Model.save_weights` writes."""
        numbers: Counter[str] = Counter()
        groups: dict[str, Any] = {}
        layers = self.layers(analysis, source)
        with h5py.File(file, "w") as opened:
            _variables(opened, analysis.network.name)
            for name, layer in layers:
                kind = snake_case(layer)
                place = f"layers/{kind}_{numbers[kind]}" if numbers[kind] else f"layers/{kind}"
                numbers[kind] += 1
                groups[name] = _variables(opened.create_group(place), name)
            for tensor in tensors(analysis.elaborated, layers):
                group = groups[tensor.layer]
                group[str(len(group))] = tensor.layout.to(weights[tensor.path].astype(dtype))

    def layers(self, analysis: Analysis, source: str) -> list[tuple[str, str]]:
        """The name and class of each, in Keras' order."""
        found = layers_in_order(source, analysis.elaborated, self.helpers)
        return [(layer.name, layer.kind) for layer in found]


def _variables(owner: Any, name: str) -> Any:
    group = owner.create_group("vars")
    group.attrs["name"] = name
    return group


def layers_in_order(
    source: str, elaborated: Elaborated, helpers: Mapping[str, str]
) -> Iterator[Built]:
    """The layers of the model that an emitted file of this network makes, but for its input.

    Keras sorts a model's operations by how many others follow on the longest way to an output,
    most first; among equals the one comes first that is met first on the way back from the outputs.
    """
    graph = Graph()
    for given, shape in elaborated.network.inputs.items():
        graph.input(shape, given)
    tracer = Tracer(graph)
    model = model_of(tracer, source, elaborated.network.name, helpers)
    met: dict[Node, int] = {}
    ahead = [value.node for value in reversed(model.outputs)]
    while ahead:
        node = ahead.pop()
        if node not in met:
            met[node] = len(met)
            ahead.extend(reversed(node.inputs))
    following = dict.fromkeys(met, 0)
    for node in reversed(tracer.calls):
        for before in node.inputs if node in met else ():
            following[before] = max(following[before], following[node] + 1)
    for node in sorted(met, key=lambda node: (-following[node], met[node])):
        if node.layer is not None:
            yield node.layer
