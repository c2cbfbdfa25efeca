"""Files of Keras' weights without Keras: what it numbers and names there is found in the source.

A .weights.h5 keeps the variables of each layer under the class of the layer, numbered in the order
of the model's layers; Keras loads it by these numbers alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path as FilePath
from typing import Any

import h5py

from rescompile.emit.contract import Weights
from rescompile.emit.naming import snake_case
from rescompile.emit.placed import laid_out
from rescompile.emit.validation.graph import Graph
from rescompile.emit.validation.values import Built, Calls, Node, Tracer
from rescompile.emit.weights import Slot
from rescompile.ir.analysis import Analysis

from . import files
from .files import tensors
from .standin import model_of


class KerasFiles:
    """Reads and writes .weights.h5; `helpers` are what an emitted file may define itself."""

    def __init__(self, helpers: Mapping[str, str]) -> None:
        self.helpers = helpers

    def slots(self, analysis: Analysis, source: str) -> list[Slot]:
        layers = _told(self.layers(analysis, source))
        return [tensor.slot for tensor in tensors(analysis.elaborated, layers)]

    read = staticmethod(files.read)

    def write(
        self, analysis: Analysis, source: str, weights: Weights, dtype: str, file: FilePath
    ) -> None:
        """What `Model.save_weights` writes."""
        groups: dict[str, Any] = {}
        layers = self.layers(analysis, source)
        with h5py.File(file, "w") as opened:
            _variables(opened, analysis.network.name)
            for place, layer in layers:
                group = _variables(opened.create_group(place), layer.name)
                groups |= {} if layer.inside else {layer.name: group}
            for tensor, array in laid_out(tensors(analysis.elaborated, _told(layers)), weights):
                group = groups[tensor.place[0]]
                group[str(len(group))] = array.astype(dtype)

    def layers(self, analysis: Analysis, source: str) -> list[tuple[str, Built]]:
        """Each layer with its place in a file, in the order of files."""
        graph = Graph()
        graph.input(analysis.elaborated.root.x)
        tracer = Tracer(graph)
        model = model_of(tracer, source, analysis.network.name, self.helpers)
        return list(_placed([value.node for value in model.outputs]))


def _told(layers: Iterable[tuple[str, Built]]) -> Iterator[tuple[str, str]]:
    """The name and the class of layers, without models, which have the names of steps as well."""
    return ((layer.name, layer.kind) for _, layer in layers if not layer.inside)


def _variables(owner: Any, name: str) -> Any:
    group = owner.create_group("vars")
    group.attrs["name"] = name
    return group


def _placed(ends: list[Node], within: str = "") -> Iterator[tuple[str, Built]]:
    """The layers of a model that gives these values; those of models in it come last."""
    numbers: Counter[str] = Counter()
    models: list[tuple[str, Calls]] = []
    for layer in layers_in_order(ends):
        kind = snake_case(layer.kind)
        place = f"{within}layers/{kind}" + (f"_{numbers[kind]}" if numbers[kind] else "")
        numbers[kind] += 1
        yield place, layer
        models += [(place, layer.inside)] if layer.inside else []
    for place, inside in models:
        yield from _placed(inside.ends, f"{place}/")


def layers_in_order(ends: list[Node]) -> Iterator[Built]:
    """The layers of a model that gives these values, but for its input.

    Keras sorts a model's operations by how many others follow on the longest way to an output,
    most first; among equals the one comes first that is met first on the way back from the outputs.
    One that is called several times counts where most follow, and so does what comes before it.
    """
    met: dict[Node | Built, int] = {}
    depths: dict[Node | Built, int] = {}
    following: dict[Node, int] = {}
    for node in reversed(_finished(ends, met)):
        operation = node.layer or node
        depth = max(following.get(node, 0), depths.get(operation, 0))
        depths[operation] = following[node] = depth
        for before in node.inputs:
            following[before] = max(following.get(before, 0), depth + 1)
    for operation in sorted(met, key=lambda one: (-depths[one], met[one])):
        if isinstance(operation, Built):
            yield operation


def _finished(ends: list[Node], met: dict[Node | Built, int]) -> list[Node]:
    """All calls that lead to some, each after those that it needs; notes when each one is `met`."""
    found: dict[Node, None] = {}
    seen: set[Node] = set()
    for end in ends:
        ahead = [(end, False)]
        while ahead:
            node, left = ahead.pop()
            if left:
                found[node] = None
            elif node not in seen:
                seen.add(node)
                met.setdefault(node.layer or node, len(met))
                ahead.append((node, True))
                ahead.extend((before, False) for before in reversed(node.inputs))
    return list(found)
