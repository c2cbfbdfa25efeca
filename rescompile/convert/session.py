"""Weight files of one framework, read and written in a process of its own.

`python -m rescompile.convert.session NAME` is the far end of a `Worker`: PyTorch and TensorFlow
crash in one process, and a broken file can take down no more than the process that reads it.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from ..emit.contract import Files, Runtime, Weights
from ..emit.guard import BrokenFile, bound_of
from ..emit.weights import Slot, Stored
from ..errors import InternalError
from ..ir.structure import Path
from ..worker import models
from ..worker.server import serve
from .limit import limited
from .match import Match, match


class Session(models.Session):
    """Answers the jobs `read` and `write`; arrays travel in .npz files, by state-dict key."""

    def answer(self, job: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self, job["action"])(job)
        return answer

    def read(self, job: dict[str, Any]) -> dict[str, Any]:
        """Match the tensors of a file with those of a spec's model, into `job["out"]`."""
        net = self.open(job["spec"], "float32")
        return read_match(self.runtime, self.runtime.slots(self.model, net.analysis), job)

    def write(self, job: dict[str, Any]) -> dict[str, Any]:
        """Write the weights in `job["weights"]` as a file of the framework."""
        net, weights = self.open(job["spec"], job["dtype"]), load_weights(job)
        self.runtime.save(self.model, net.analysis, weights, FilePath(job["file"]))
        slots = self.runtime.slots(self.model, net.analysis)
        with self.runtime.read(FilePath(job["file"]), bound_of(slots)) as stored:
            return read_back(stored, slots, weights)


def load_weights(job: dict[str, Any]) -> dict[Path, Any]:
    """The weights that a job comes with, by path."""
    with np.load(job["weights"], allow_pickle=False) as stored:
        return {tuple(name.split(".")): stored[name] for name in stored.files}


def read_match(reader: Runtime | Files, slots: list[Slot], job: dict[str, Any]) -> dict[str, Any]:
    """Match the tensors of the file in a job with `slots`, into `job["out"]`."""
    file = FilePath(job["file"])
    with ExitStack() as stack:
        try:
            with limited(file):
                stored = stack.enter_context(reader.read(file, bound_of(slots)))
            made = match(slots, stored, job["renames"], ordered=True)
        except BrokenFile as error:
            return {"broken": str(error)}
    return save_match(made, job["out"])


def save_match(made: Match, out: str) -> dict[str, Any]:
    """A match as plain data; its weights go into a file."""
    arrays: dict[str, Any] = {".".join(path): array for path, array in made.weights.items()}
    np.savez(out, **arrays)
    return {
        "by_order": made.by_order,
        "problems": [asdict(problem) for problem in made.problems],
        "converted": [[*types, count] for types, count in made.converted.items()],
    }


def read_back(stored: list[Stored], slots: list[Slot], given: Weights) -> dict[str, Any]:
    """What a file that was just written holds of the weights that were given.

    `lost` has no place there, `widened` is of a wider type. Raises `InternalError` if a value
    changed.
    """
    made = match(slots, stored, (), ordered=True)
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
    serve(lambda: Session(sys.argv[1]))
