"""Files of weights that Keras owns: .weights.h5, and the one inside of a .keras archive.

They are read by h5py, never by loading a model: a .keras file can bring code along.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import h5py

from rescompile.emit import hdf5
from rescompile.emit.guard import Bound, open_archive, parsing
from rescompile.emit.weights import Stored, widened

from .storage import VARIABLES

STATE = ("optimizer", "seed_generator", "metrics")  # of training, not of the network
INSIDE = "model.weights.h5"
WEIGHTS = "a file of Keras weights"


@contextmanager
def read(file: Path, bound: Bound) -> Iterator[list[Stored]]:
    """The variables of all layers, in the order of Keras' numbers. Raises `BrokenFile`."""
    with ExitStack() as stack:
        with parsing(WEIGHTS):
            source: Any = file
            if file.suffix == ".keras":
                source = stack.enter_context(_unpacked(file, bound))
            opened = stack.enter_context(h5py.File(source, "r"))
            found = [_variable(*one) for one in hdf5.Reader(bound, STATE).arrays(opened)]
        yield found


@contextmanager
def _unpacked(file: Path, bound: Bound) -> Iterator[IO[bytes]]:
    """The weights in an archive, as a file on the disk: in memory they would be there twice."""
    with tempfile.TemporaryFile() as target:
        with open_archive(file, bound) as archive, archive.open(INSIDE) as source:
            shutil.copyfileobj(source, target)
        yield target


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
