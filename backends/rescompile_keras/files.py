"""Files of weights that Keras owns: .weights.h5, and the one inside of a .keras archive.

They are read by h5py, never by loading a model: a .keras file can bring code along. What is in them
is what a model keeps, layer by layer; nothing here needs Keras.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

import h5py

from rescompile.emit import hdf5
from rescompile.emit.channels_last import Proofs, layout_of
from rescompile.emit.guard import Bound, open_archive, parsing
from rescompile.emit.naming import snake_case
from rescompile.emit.placed import Placed, owned
from rescompile.emit.weights import Stored, widened
from rescompile.ir.trace import Elaborated

from .vocabulary import LAYERS, PRELU, ROWS

STATE = ("optimizer", "seed_generator", "metrics")  # of training, not of the network
INSIDE = "model.weights.h5"
WEIGHTS = "a file of Keras weights"
# What a layer's variables are called, in the order in which Keras numbers them in a file.
VARIABLES = {snake_case(row.name): tuple(row.variables.values()) for row in ROWS if row.variables}


def tensors(elaborated: Elaborated, layers: Iterable[tuple[str, str]]) -> Iterator[Placed]:
    """What each of some layers owns, which are given by name and class."""
    kernels = Proofs(elaborated).kernels
    owners = {"_".join(path): (path, trace) for path, trace in elaborated.owning()}
    for layer, kind in layers:
        if layer not in owners:
            continue
        path, trace = owners[layer]
        for place, parameter in owned(path, trace):
            row = LAYERS[kind][0]
            layout = layout_of(trace.op, trace.x, parameter, row.depthwise, kernels.get(path))
            if kind == PRELU.name:
                axes = (*(1 for _ in trace.x[1:]), *layout.shape)
                layout = replace(layout, shape=axes)
            variable = row.variables[parameter.leaf]
            yield Placed(place, (layer, variable), f"{snake_case(kind)}/{variable}", layout)


@contextmanager
def read(file: FilePath, bound: Bound) -> Iterator[list[Stored]]:
    """The variables of all layers, in the order of Keras' numbers. Raises `BrokenFile`."""
    with ExitStack() as stack:
        with parsing(WEIGHTS):
            source: Any = file
            if file.suffix == ".keras":  # unpacked on the disk: in memory it would be there twice
                source = stack.enter_context(tempfile.TemporaryFile())
                with open_archive(file, bound) as archive, archive.open(INSIDE) as packed:
                    shutil.copyfileobj(packed, source)
            opened = stack.enter_context(h5py.File(source, "r"))
            found = [_variable(*one) for one in hdf5.Reader(bound, STATE).arrays(opened)]
        yield found


def _variable(place: hdf5.Place, data: Any, group: Any) -> Stored:
    """A variable by its number, in the group of a layer, which may tell the layer's name."""
    index, path = place[-1], [part for part in place[:-1] if part not in ("layers", "vars")]
    layer = re.sub(r"_\d+\Z", "", path[-1]) if path else ""
    known = VARIABLES.get(layer, ())
    variable = known[int(index)] if index.isdigit() and int(index) < len(known) else index
    name, kind = f"{hdf5.text(group, 'name') or '/'.join(path)}/{variable}", f"{layer}/{variable}"
    halves = hdf5.text(data, "dtype") == "bfloat16"

    def read() -> Any:
        with parsing(WEIGHTS):
            array = hdf5.values(data, place)
            return widened(array.view("<u2")) if halves else array

    dtype = ("float32", "bfloat16") if halves else (data.dtype.name, "")
    return Stored(name, kind, data.shape, dtype[0], read, dtype[1])
