"""Files of Keras' weights without Keras: what it numbers and names there is found in the source.

A .weights.h5 keeps the variables of each layer under the class of the layer, numbered in the order
of the model's layers; Keras loads it by these numbers alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path as FilePath
from typing import Any

import h5py

from rescompile.emit.channels_last import Layout, Proofs, layout_of
from rescompile.emit.contract import Weights
from rescompile.emit.guard import Bound
from rescompile.emit.weights import Slot, Stored
from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import Path

from . import files
from .order import KerasLayer, layers_in_order
from .storage import DEPTHWISE, STORAGE

Kept = tuple[Path, str, Layout]  # a tensor, its variable, and its layout there


class KerasFiles:
    """Reads and writes .weights.h5; `helpers` are what an emitted file may define itself."""

    def __init__(self, helpers: Mapping[str, str]) -> None:
        self.helpers = helpers

    def slots(self, analysis: Analysis, source: str) -> list[Slot]:
        return [
            Slot(
                path,
                f"{layer.name}/{variable}",
                f"{files.snake_case(layer.kind)}/{variable}",
                layout.shape,
                layout.back,
            )
            for layer, kept in self.layers(analysis, source)
            for path, variable, layout in kept
        ]

    def read(self, file: FilePath, bound: Bound) -> AbstractContextManager[list[Stored]]:
        return files.read(file, bound)

    def write(
        self, analysis: Analysis, source: str, weights: Weights, dtype: str, file: FilePath
    ) -> None:
        """What `Model.save_weights` writes."""
        numbers: Counter[str] = Counter()
        with h5py.File(file, "w") as opened:
            _variables(opened, analysis.network.name)
            for layer, kept in self.layers(analysis, source):
                kind = files.snake_case(layer.kind)
                place = f"layers/{kind}_{numbers[kind]}" if numbers[kind] else f"layers/{kind}"
                numbers[kind] += 1
                group = _variables(opened.create_group(place), layer.name)
                for i, (path, _, layout) in enumerate(kept):
                    group[str(i)] = layout.to(weights[path].astype(dtype))

    def layers(self, analysis: Analysis, source: str) -> Iterator[tuple[KerasLayer, list[Kept]]]:
        """Every layer with its tensors, both in Keras' order."""
        elaborated = analysis.elaborated
        order = Proofs(elaborated).kernels
        owners = {"_".join(path): (path, trace) for path, trace in elaborated.flat()}
        for layer in layers_in_order(source, elaborated, self.helpers):
            kept: list[Kept] = []
            path, trace = owners.get(layer.name, ((), None))
            if trace is not None and type(trace.op) in STORAGE:
                variables = STORAGE[type(trace.op)].variables
                for parameter in trace.op.parameters(trace.x):
                    leaf = parameter.leaf
                    layout = layout_of(
                        trace.op, trace.x, parameter, layer.kind == DEPTHWISE, order.get(path)
                    )
                    place = (*path, leaf) if leaf else path
                    kept.append((place, variables[leaf], layout))
            yield layer, kept


def _variables(owner: Any, name: str) -> Any:
    group = owner.create_group("vars")
    group.attrs["name"] = name
    return group
