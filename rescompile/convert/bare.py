"""Weight files of a framework that need none, read and written in a process of their own.

`python -m rescompile.convert.bare NAME` is the far end of a `Worker`, as `session` is where a
framework is needed: a broken file can take down no more than the process that reads it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from ..api import open_spec
from ..emit.guard import bound_of
from ..errors import InternalError
from ..registry import get_backend
from ..worker.server import serve
from .session import load_weights, read_back, read_match


class Session:
    """Answers the jobs `read` and `write`, as those of `worker.Session` are answered."""

    def __init__(self, backend: str) -> None:
        files = get_backend(backend).files()
        if files is None:
            raise InternalError(f"the {backend} backend reads no file without its framework")
        self.backend, self.files = backend, files

    def answer(self, job: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = getattr(self, job["action"])(job)
        return answer

    def read(self, job: dict[str, Any]) -> dict[str, Any]:
        net = open_spec(job["spec"])
        slots = self.files.slots(net.analysis, net.source(self.backend))
        return read_match(self.files, slots, job)

    def write(self, job: dict[str, Any]) -> dict[str, Any]:
        net, file = open_spec(job["spec"]), Path(job["file"])
        source, weights = net.source(self.backend), load_weights(job)
        self.files.write(net.analysis, source, weights, job["dtype"], file)
        slots = self.files.slots(net.analysis, source)
        with self.files.read(file, bound_of(slots)) as stored:
            return read_back(stored, slots, weights)


if __name__ == "__main__":
    serve(lambda: Session(sys.argv[1]))
