"""The models of one framework, in a process of its own: `python -m rescompile.worker.models NAME`.

PyTorch and TensorFlow crash in one process, so each backend has one. Arrays travel in .npz files;
`Worker` in `client.py` is the other end.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from ..api import Architecture, open_spec
from ..ir.structure import Path
from ..live import import_source
from ..reference.drops import KNOWN, NOTHING, RANDOM, TRAINING_BATCH, drops, factors, figures
from ..reference.sgd import descend
from ..reference.weights import random_weights, seeded_weights
from ..registry import get_backend
from .server import Job, serve

STEADIER = (RANDOM, NOTHING, KNOWN)  # a model can be turned from each of these into a later one
Made = dict[str, Any]


class Session:
    """Answers jobs; keeps the last model, since jobs about one spec come together."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.runtime = get_backend(backend).runtime()
        gc.freeze()  # the framework's own objects stay: to look through them takes long
        self.key: tuple[Any, ...] = ()
        self.model: Any = None
        self.net: Architecture | None = None
        self.drops = RANDOM

    def open(
        self, spec: str, dtype: str, size: int | None = None, source: str | None = None
    ) -> Architecture:
        """The architecture of a spec, with a model built from its source."""
        key = (spec, dtype, size, source)
        if self.key != key or self.net is None:
            self.key, self.model = (), None
            gc.collect()  # models are cycles, and two at once may be too large
            self.net = open_spec(spec, size)
            code = source or self.net.source(self.backend)
            module = import_source(code, self.backend, self.net.name)
            self.runtime.seed(0)
            self.model = self.runtime.build(module, self.net.name, dtype)
            self.key, self.drops = key, RANDOM
        return self.net

    def answer(self, job: Job) -> dict[str, Any]:
        """Do one job. The `action` is a method's name; arrays are written to `job["out"]`."""
        if job["action"] == "versions":
            return self.runtime.versions()
        drops = job.get("drops", self.drops)
        if job["action"] == "initial" or STEADIER.index(drops) < STEADIER.index(self.drops):
            self.key = ()  # a model as it was built
        net = self.open(job["spec"], job["dtype"], job.get("size"), job.get("source"))
        if drops != self.drops:
            self.steady(net, drops)
        if job["action"] != "initial":
            self.runtime.set_weights(self.model, net.analysis, weights_of(net, job["weights"]))
        made: Made = getattr(self, job["action"])(net, job)
        np.savez(job["out"], **made)
        return {}

    def steady(self, net: Architecture, drops: str) -> None:
        """From now on the model drops nothing in training, or multiplies by known factors."""
        if drops == NOTHING:
            self.runtime.quiet(self.model)
        else:
            self.runtime.multiply(self.model, factors(net.analysis.elaborated, TRAINING_BATCH))
        self.drops = drops

    def run(self, net: Architecture, job: Job) -> Made:
        """Outputs for images, in evaluation or training mode."""
        images = np.load(job["images"])["images"]
        outputs = self.runtime.run(self.model, images, job["training"])
        return {f"output{i}": output for i, output in enumerate(outputs)}

    def weights(self, net: Architecture, job: Job) -> Made:
        """The model's weights in PyTorch's layout."""
        return _named(self.runtime.get_weights(self.model, net.analysis))

    initial = weights

    def values(self, net: Architecture, job: Job) -> Made:
        """What leaves the operations and blocks at `paths`."""
        images = np.load(job["images"])["images"]
        paths = [tuple(path) for path in job["paths"]]
        return _named(
            self.runtime.values(self.model, net.analysis, paths, images, job["training"]), "value:"
        )

    def step(self, net: Architecture, job: Job) -> Made:
        """A training step without its update: outputs, gradients, and the running statistics."""
        images = np.load(job["images"])["images"]
        made = self.runtime.step(self.model, net.analysis, images, _targets(job))
        return {
            **{f"output{i}": output for i, output in enumerate(made.outputs)},
            **_named(made.gradients, "gradient:"),
            **_named(self.running(net, made.gradients), "running:"),
            "input_gradient": made.input_gradient,
        }

    def drawn(self, net: Architecture, job: Job) -> Made:
        """The figures of what each layer drops."""
        found = dict(drops(net.analysis.elaborated))
        self.runtime.seed(0)
        made = {}
        for path, rate in self.runtime.rates(self.model, list(found)).items():
            draw = partial(self.runtime.draw, self.model, path)
            try:
                made[path] = figures(found[path], rate, draw)
            except Exception as error:
                raise ValueError(f"{'.'.join(path)}: {error}") from error
        return _named(made)

    def running(self, net: Architecture, trained: Mapping[Path, Any]) -> dict[Path, Any]:
        """The weights that are not trained."""
        found = self.runtime.get_weights(self.model, net.analysis)
        return {path: array for path, array in found.items() if path not in trained}

    def descend(self, net: Architecture, job: Job) -> Made:
        """The trainable weights after a step of SGD on each of the batches that `images` stacks."""
        targets = _targets(job)

        def differentiate(weights: Any, batch: Any) -> dict[Path, Any]:
            self.runtime.set_weights(self.model, net.analysis, weights)
            return self.runtime.step(self.model, net.analysis, batch, targets).gradients

        batches, rate = np.load(job["images"])["images"], job["rate"]
        made = descend(weights_of(net, job["weights"]), batches, differentiate, rate)
        return _named(made, "weight:")


def _named(arrays: dict[Path, Any], kind: str = "") -> Made:
    return {kind + ".".join(path): array for path, array in arrays.items()}


def _targets(job: Job) -> list[Any]:
    with np.load(job["targets"]) as stored:
        return [stored[f"target{i}"] for i in range(len(stored.files))]


def weights_of(net: Architecture, how: Any) -> dict[Path, Any]:
    """Weights by recipe, so that they need not travel: a seed, "seeded", or a file."""
    elaborated = net.analysis.elaborated
    if how == "seeded":
        return seeded_weights(elaborated)
    if isinstance(how, int):
        return random_weights(elaborated, how)
    with np.load(how) as stored:
        return {tuple(name.split(".")): stored[name] for name in stored.files}


if __name__ == "__main__":
    serve(lambda: Session(sys.argv[1]))
