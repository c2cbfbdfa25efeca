"""The models of one framework, in a process of its own: `python -m rescompile.worker.models NAME`.

PyTorch and TensorFlow crash in one process, so each backend has one; `Worker` in `client.py` is the
other end.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from ..api import Architecture, open_spec
from ..ir.inputs import as_given, each_input
from ..ir.structure import Path
from ..live import import_source
from ..reference.drops import KNOWN, NOTHING, RANDOM, TRAINING_BATCH, drops, factors, figures
from ..reference.sgd import descend
from ..reference.weights import random_weights, seeded_weights
from ..registry import get_runtime
from . import server
from .job import Answer, Job, Subject, listed, named, numbered, packed, unnamed, unpacked

STEADIER = (RANDOM, NOTHING, KNOWN)  # a model can be turned from each of these into a later one
Made = dict[str, Any]


class Session(server.Session):
    """Answers jobs; keeps the last model, since jobs about one spec come together."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self.runtime = get_runtime(backend)
        gc.freeze()  # the framework's own objects stay: to look through them takes long
        self.key: tuple[Any, ...] = ()
        self.model: Any = None
        self.net: Architecture | None = None
        self.drops = RANDOM

    def open(
        self,
        spec: str,
        dtype: str,
        size: int | None = None,
        source: str | None = None,
        changes: Sequence[str] = (),
    ) -> Architecture:
        """The architecture of a spec, with a model built from its source."""
        key = (spec, dtype, size, source, *changes)
        if self.key != key or self.net is None:
            self.key, self.model = (), None
            gc.collect()  # models are cycles, and two at once may be too large
            self.net = open_spec(spec, size, set=changes)
            code = source or self.net.source(self.backend)
            module = import_source(code, self.backend, self.net.name)
            self.runtime.seed(0)
            self.model = self.runtime.build(module, self.net.name, dtype)
            self.key, self.drops = key, RANDOM
        return self.net

    def answer(self, job: Job) -> Answer:
        """Do one job: the action is a method's name, its arrays are the answer's."""
        if job.action == "versions":
            return Answer(self.runtime.versions())
        subject, drops = Subject(**job.options["subject"]), job.options.get("drops", self.drops)
        if job.action == "initial" or STEADIER.index(drops) < STEADIER.index(self.drops):
            self.key = ()  # a model as it was built
        net = self.open(subject.spec, subject.dtype, subject.size, subject.source, subject.changes)
        if drops != self.drops:
            self.steady(net, drops)
        if job.action != "initial":
            self.runtime.set_weights(self.model, net.analysis, weights_of(net, subject.weights))
        return Answer(arrays=getattr(self, job.action)(net, job))

    def steady(self, net: Architecture, drops: str) -> None:
        """From now on the model drops nothing in training, or multiplies by known factors."""
        if drops == NOTHING:
            self.runtime.quiet(self.model)
        else:
            known = factors(net.analysis.elaborated, TRAINING_BATCH)
            self.runtime.multiply(self.model, net.analysis, known)
        self.drops = drops

    def run(self, net: Architecture, job: Job) -> Made:
        """Outputs for images, in evaluation or training mode."""
        training = job.options["training"]
        images = unpacked("images", job.arrays)
        return numbered("output", self.runtime.run(self.model, images, training))

    def weights(self, net: Architecture, job: Job) -> Made:
        """The model's weights in PyTorch's layout."""
        return named(self.runtime.get_weights(self.model, net.analysis))

    initial = weights

    def values(self, net: Architecture, job: Job) -> Made:
        """What leaves the operations and blocks at `paths`."""
        paths = [tuple(path) for path in job.options["paths"]]
        given = (paths, unpacked("images", job.arrays), job.options["training"])
        return named(self.runtime.values(self.model, net.analysis, *given))

    def step(self, net: Architecture, job: Job) -> Made:
        """A training step without its update: outputs, gradients, and the running statistics."""
        images, targets = unpacked("images", job.arrays), listed("target", job.arrays)
        made = self.runtime.step(self.model, net.analysis, images, targets)
        found = self.runtime.get_weights(self.model, net.analysis)
        running = {path: array for path, array in found.items() if path not in made.gradients}
        return {
            **numbered("output", made.outputs),
            **named(made.gradients, "gradient:"),
            **named(running, "running:"),
            **packed("input_gradient", made.input_gradient),
        }

    def drawn(self, net: Architecture, job: Job) -> Made:
        """The figures of what each layer drops."""
        found = dict(drops(net.analysis.elaborated))
        self.runtime.seed(0)
        made = {}
        for path, rate in self.runtime.rates(self.model, net.analysis, list(found)).items():
            draw = partial(self.runtime.draw, self.model, net.analysis, path)
            try:
                made[path] = figures(found[path], rate, draw)
            except Exception as error:
                raise ValueError(f"{'.'.join(path)}: {error}") from error
        return named(made)

    def descend(self, net: Architecture, job: Job) -> Made:
        """The trainable weights after a step of SGD on each of the batches that `images` stacks."""
        targets = listed("target", job.arrays)

        def differentiate(weights: Any, batch: Any) -> dict[Path, Any]:
            self.runtime.set_weights(self.model, net.analysis, weights)
            return self.runtime.step(self.model, net.analysis, batch, targets).gradients

        weights = weights_of(net, job.options["subject"]["weights"])
        stacks = unpacked("images", job.arrays)
        batches = [as_given(batch, stacks) for batch in zip(*each_input(stacks), strict=True)]
        return named(descend(weights, batches, differentiate, job.options["rate"]))


def weights_of(net: Architecture, how: Any) -> dict[Path, Any]:
    """Weights by recipe, so that they need not travel: a seed, "seeded", or a file."""
    elaborated = net.analysis.elaborated
    if how == "seeded":
        return seeded_weights(elaborated)
    if isinstance(how, int):
        return random_weights(elaborated, how)
    with np.load(how) as stored:
        return unnamed({name: stored[name] for name in stored.files})


if __name__ == "__main__":
    server.serve(lambda: Session(sys.argv[1]))
