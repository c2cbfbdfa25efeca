"""Weight files of one backend, read and written in a process of its own.

`python -m rescompile.convert.session NAME` is the far end of a `Worker`: PyTorch and TensorFlow
crash in one process, and a broken file can take down no more than the process that reads it. A
framework is imported when there is a file that needs it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from ..api import open_spec
from ..emit.contract import Weights
from ..emit.guard import Bound, BrokenFile, bound_of
from ..emit.weights import Slot, Stored
from ..errors import InternalError
from ..registry import get_backend
from ..worker import server
from ..worker.job import Answer, Job, named, unnamed
from ..worker.models import Session as Models
from .fitting import Fitting
from .limit import limited
from .match import match
from .owner import bare_needs

Reading = AbstractContextManager[list[Stored]]


@dataclass
class Files:
    """How a file of a network's weights is read and written, and what it holds."""

    slots: list[Slot]
    read: Callable[[FilePath, Bound], Reading]
    write: Callable[[Weights, FilePath, Mapping[str, str]], None]

    def reading(self, file: FilePath) -> Reading:
        return self.read(file, bound_of(self.slots))


class Session(server.Session):
    """Answers the jobs `read` and `write`; arrays travel by state-dict key."""

    def __init__(self, backend: str) -> None:
        self.backend = backend

    @cached_property
    def models(self) -> Models:
        return Models(self.backend)

    def files(self, job: Job, dtype: str) -> Files:
        bare = bare_needs(self.backend, FilePath(job.options["file"]))
        make = self.bare if bare else self.full
        return make(job.options["spec"], job.options["changes"], dtype)

    def full(self, spec: str, changes: Sequence[str], dtype: str) -> Files:
        """By the framework."""
        net = self.models.open(spec, dtype, changes=changes)
        runtime, model = self.models.runtime, self.models.model

        def write(weights: Weights, file: FilePath, about: Mapping[str, str]) -> None:
            runtime.save(model, net.analysis, weights, file, about)

        return Files(runtime.slots(model, net.analysis), runtime.read, write)

    def bare(self, spec: str, changes: Sequence[str], dtype: str) -> Files:
        """Without it."""
        net, files = open_spec(spec, set=changes), get_backend(self.backend).files()
        if files is None:
            raise InternalError(f"the {self.backend} backend reads no file without its framework")
        source = net.source(self.backend)

        def write(weights: Weights, file: FilePath, about: Mapping[str, str]) -> None:
            files.write(net.analysis, source, weights, dtype, file)

        return Files(files.slots(net.analysis, source), files.read, write)

    def read(self, job: Job) -> Answer:
        """Match the tensors of a file with those of a spec's model."""
        files, file = self.files(job, "float32"), FilePath(job.options["file"])
        how = Fitting(**job.options["how"])
        return matched(_within_limits(files.reading(file), file), files.slots, how)

    def write(self, job: Job) -> Answer:
        """Write weights as a file of the framework."""
        files, file = self.files(job, job.options["dtype"]), FilePath(job.options["file"])
        weights = unnamed(job.arrays)
        files.write(weights, file, job.options["about"])
        with files.reading(file) as stored:
            return Answer(read_back(stored, files.slots, weights))


@contextmanager
def _within_limits(reading: Reading, file: FilePath) -> Iterator[list[Stored]]:
    with ExitStack() as stack:
        with limited(file):
            stored = stack.enter_context(reading)
        yield stored


def matched(reading: Reading, slots: list[Slot], how: Fitting, ordered: bool = True) -> Answer:
    """The weights in a file, and what is to be said about them; or why it is broken."""
    try:
        with reading as stored:
            made = match(slots, stored, how, ordered)
    except BrokenFile as error:
        return Answer({"broken": str(error)})
    said = {
        "by_order": made.by_order,
        "problems": [asdict(problem) for problem in made.problems],
        "converted": [[*types, count] for types, count in made.converted.items()],
        "fresh": made.fresh,
        "adapted": made.adapted,
        "left_out": made.left_out,
    }
    return Answer(said, named(made.weights))


def read_back(stored: list[Stored], slots: list[Slot], given: Weights) -> dict[str, Any]:
    """What a file that was just written holds of the weights that were given.

    `lost` has no place there, `widened` is of a wider type. Raises `InternalError` if a value
    changed.
    """
    made = match(slots, stored)
    if made.problems:
        raise InternalError(f"what was written does not fit: {made.problems[0].message}")
    found = made.weights
    answer: dict[str, Any] = {"tensors": len(stored), "lost": [], "widened": {}}
    for path, array in given.items():
        name = ".".join(path)
        if path not in found:
            answer["lost"].append(name)
            continue
        back = found[path]
        if back.dtype != array.dtype:
            answer["widened"][name] = str(back.dtype)
        kept = back.shape == array.shape and np.can_cast(array.dtype, back.dtype, "safe")
        if not kept or back.tobytes() != array.astype(back.dtype).tobytes():
            raise InternalError(f"'{name}' was not written as it was read")
    return answer


if __name__ == "__main__":
    server.serve(lambda: Session(sys.argv[1]))
