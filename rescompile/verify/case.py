"""What every executor is given: a network at a size, weights, images and targets, all seeded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..api import Architecture, open_spec
from ..errors import SpecError
from ..ir.inputs import as_given, each_input
from ..ir.structure import Path
from ..ir.trace import Elaborated
from ..language.stdin import portable
from ..ops import BatchNorm, show_shape
from ..reference.drops import TRAINING_BATCH, drops, factors
from ..reference.rounding import nudged
from ..reference.sgd import STEPS
from ..reference.weights import random_weights
from ..worker.job import Subject

Array = NDArray[Any]
Inputs = Array | tuple[Array, ...]
WEIGHTS_SEED = 0
IMAGES_SEED = 1
BATCH = 2  # images in evaluation
SMALLEST = 64  # pixels: what an image is reduced to for the checks in float64, where that goes


@dataclass(frozen=True, eq=False)
class Case:
    """A network under test. `source` replaces what a backend emits, by the backend's name."""

    spec: str
    net: Architecture
    size: int | None
    sources: Mapping[str, str]
    changes: tuple[str, ...] = ()  # made to the spec
    perturbed: bool = False  # whether weights, images and what is computed are off by a rounding

    @property
    def elaborated(self) -> Elaborated:
        return self.net.analysis.elaborated

    @property
    def image(self) -> str:
        """Height x width of its images, say."""
        sizes = [show_shape(shape[1:]) for shape in self.elaborated.network.inputs.values()]
        return " and ".join(dict.fromkeys(sizes))

    def subject(self, backend: str, dtype: str) -> Subject:
        """What a worker is told."""
        source = self.sources.get(backend)
        return Subject(portable(self.spec), self.size, WEIGHTS_SEED, dtype, source, self.changes)

    def weights(self) -> dict[Path, Array]:
        """Drawn anew: who asks keeps them, as long as they are needed."""
        drawn = random_weights(self.elaborated, WEIGHTS_SEED)
        return {path: self._nudge(array) for path, array in drawn.items()}

    def rounding(self) -> np.random.Generator | None:
        """What the reference is to nudge what it computes by."""
        return np.random.default_rng(0) if self.perturbed else None

    @cached_property
    def images(self) -> Inputs:
        """For evaluation: exact in float32, so that both dtypes see the same ones."""
        return self._images(IMAGES_SEED, BATCH)

    @cached_property
    def batches(self) -> list[Inputs]:
        """For training: a batch for each step."""
        return [self._images(IMAGES_SEED + 1 + i, TRAINING_BATCH) for i in range(STEPS)]

    @property
    def stacks(self) -> Inputs:
        """The batches in one: steps x batch x C x H x W, or a tuple of such."""
        made = zip(*map(each_input, self.batches), strict=True)
        stacks: Inputs = as_given(map(np.stack, made), self.batches[0])
        return stacks

    def _images(self, seed: int, count: int) -> Inputs:
        """An array of images, or a tuple with one for each of several inputs."""
        rng = np.random.default_rng(seed)
        shapes = self.elaborated.network.inputs.values()
        drawn = [rng.standard_normal((count, *shape)) for shape in shapes]
        made = tuple(self._nudge(one.astype(np.float32).astype(np.float64)) for one in drawn)
        return made if len(made) > 1 else made[0]

    def _nudge(self, array: Array) -> Array:
        rng = self.rounding()
        return array if rng is None else nudged(array, rng)

    def targets(self, outputs: tuple[Array, ...]) -> list[Array]:
        """A random class for each position of each output, so weighted that the loss is a mean."""
        rng = np.random.default_rng(IMAGES_SEED)
        made = []
        for output in outputs:
            classes = rng.integers(output.shape[1], size=(output.shape[0], 1, *output.shape[2:]))
            hot = np.arange(output.shape[1]).reshape(-1, *(1 for _ in output.shape[2:])) == classes
            made.append(hot / classes.size)
        return made

    def counts(self) -> dict[str, tuple[BatchNorm, int]]:
        """Each batch norm by its running variance, and the fewest values of a channel it sees."""
        found: dict[str, tuple[BatchNorm, int]] = {}
        for path, trace in self.elaborated.flat():
            if isinstance(trace.op, BatchNorm):
                name = ".".join((*self.elaborated.owners.get(path, path), "running_var"))
                count = TRAINING_BATCH * prod(trace.x[1:])
                found[name] = trace.op, min(count, found.get(name, (trace.op, count))[1])
        return found

    def variance_counts(self) -> dict[str, tuple[float, int]]:
        """For each norm that leaves its running variance to the framework: momentum and count."""
        return {
            name: (op.momentum, count)
            for name, (op, count) in self.counts().items()
            if not op.unbiased
        }

    def factors(self) -> dict[Path, Array]:
        """What a batch of training is multiplied by where something is dropped at random."""
        return factors(self.elaborated, TRAINING_BATCH)

    def drops(self) -> bool:
        """Whether there is a layer that can drop something."""
        return any(drops(self.elaborated))


def full_size(
    spec: str,
    size: int | None = None,
    sources: Mapping[str, str] = {},
    changes: tuple[str, ...] = (),
) -> Case:
    """The network at the image size of its spec, or at `size`. Raises `SpecError`."""
    net = open_spec(spec, size, set=changes)
    net.analysis  # noqa: B018 - a wrong spec is refused here
    return Case(spec, net, size, sources, changes)


def reduced(full: Case) -> Case:
    """The same network at the smallest image that it takes: a multiple of 32 from 64 on.

    Checks in float64 would take minutes at 224 x 224. A network of smaller images is itself.
    """
    shapes = full.elaborated.network.inputs.values()
    for size in range(SMALLEST, min(min(shape[1:][-2:]) for shape in shapes), 32):
        try:
            return full_size(full.spec, size, full.sources, full.changes)
        except SpecError:
            continue
    return full
