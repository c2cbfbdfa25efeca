"""One framework in a process of its own, which answers jobs line by line.

PyTorch and TensorFlow crash in one process, so each backend is run by `python -m
rescompile.parity.worker NAME`. A job is a line of JSON on standard input, its answer a line on
standard output; arrays travel in .npz files. `Worker` in `process.py` is the other end.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

from ..compiler import Architecture, open_spec
from ..ir.structure import Path
from ..live import import_source
from ..registry import get_backend
from .weights import random_weights, seeded_weights


class Session:
    """Answers jobs; keeps the last model, since jobs about one spec come together."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.runtime = get_backend(backend).runtime()
        self.key: tuple[str, str] | None = None
        self.model: Any = None
        self.net: Architecture | None = None

    def open(self, spec: str, dtype: str) -> Architecture:
        """The architecture of a spec, with a model built from its emitted source."""
        if self.key != (spec, dtype) or self.net is None:
            self.net = open_spec(spec)
            module = import_source(self.net.source(self.backend), self.backend, self.net.name)
            self.model = self.runtime.build(module, self.net.name, dtype)
            self.key = (spec, dtype)
        return self.net

    def answer(self, job: dict[str, Any]) -> dict[str, Any]:
        """Do one job. The `action` is a method's name; arrays are written to `job["out"]`."""
        if job["action"] == "versions":
            return self.runtime.versions()
        net = self.open(job["spec"], job["dtype"])
        self.runtime.set_weights(self.model, net.facts, weights_of(net, job["weights"]))
        made: dict[str, Any] = getattr(self, job["action"])(net, job)
        np.savez(job["out"], **made)
        return {}

    def run(self, net: Architecture, job: dict[str, Any]) -> dict[str, Any]:
        """Outputs for images, in evaluation or training mode."""
        images = np.load(job["images"])["images"]
        outputs = self.runtime.run(self.model, images, job["training"])
        return {f"output{i}": output for i, output in enumerate(outputs)}

    def weights(self, net: Architecture, job: dict[str, Any]) -> dict[str, Any]:
        """The model's weights in PyTorch's layout."""
        found = self.runtime.get_weights(self.model, net.facts)
        return {".".join(path): array for path, array in found.items()}


def weights_of(net: Architecture, how: Any) -> dict[Path, Any]:
    """Weights by recipe, so that they need not travel: a seed, "seeded", or a file."""
    elaborated = net.facts.elaborated
    if how == "seeded":
        return seeded_weights(elaborated)
    if isinstance(how, int):
        return random_weights(elaborated, how)
    with np.load(how) as stored:
        return {tuple(name.split(".")): stored[name] for name in stored.files}


def serve(make: Callable[[], Session]) -> None:
    """Answer jobs until standard input ends. What the frameworks print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    session: Session | None = None
    for line in sys.stdin:
        try:
            session = session or make()
            answer = {"ok": True, **session.answer(json.loads(line))}
        except Exception:
            answer = {"ok": False, "error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve(lambda: Session(sys.argv[1]))
