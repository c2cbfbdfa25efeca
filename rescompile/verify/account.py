"""What a certificate says about how it was made: hashes, versions, settings, and remarks."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import __version__
from ..reference import sgd
from ..reference.drops import TRAINING_BATCH
from ..worker.client import Worker
from . import case
from .case import Case
from .checks import Level
from .executors import is_biased, untrained

FEW = 16  # values of a channel in a batch, below which a batch norm amplifies rounding


def hashes(full: Case, small: Case, workers: Sequence[Worker]) -> dict[str, str]:
    """Of the spec, of the network that it means, and of all source that was run."""
    document = full.net.document
    made = {
        "spec": _sha256(document.data),
        "network": _sha256(full.net.text()),
    }
    for subject in dict.fromkeys((full, small)):
        for worker in workers:
            source = subject.sources.get(worker.backend) or subject.net.source(worker.backend)
            made[f"{worker.backend} source, {subject.image}"] = _sha256(source)
    return made


def settings(level: Level, tolerance: float | None, rate: float | None) -> dict[str, Any]:
    """Seeds, sizes, and the descent at a learning rate, if there was one."""
    made: dict[str, Any] = {
        "level": level.value,
        "tolerance": tolerance,
        "weights_seed": case.WEIGHTS_SEED,
        "images_seed": case.IMAGES_SEED,
        "batch": {"evaluation": case.BATCH, "training": TRAINING_BATCH},
    }
    if rate is not None:
        made["sgd"] = {
            "steps": sgd.STEPS,
            "rate": rate,
            "momentum": sgd.MOMENTUM,
            "decay": sgd.DECAY,
        }
    return made


def size_notes(full: Case, small: Case, asked: bool) -> Iterator[str]:
    """At which image sizes was checked; `asked` tells whether the user chose one."""
    if asked:
        yield f"compiled for images of {full.image}, as --size asks"
    elif small is not full:
        yield f"float64 and training on images of {small.image} instead of {full.image}"


def training_notes(small: Case, workers: Sequence[Worker]) -> Iterator[str]:
    """What is to be known of the checks in training."""
    if small.drops():
        yield (
            "dropout and stochastic depth have rate zero in training checks, but for the two "
            "that are about them"
        )
    biased = [worker.label for worker in workers if is_biased(worker)]
    if biased and small.variance_counts():
        keep = "keeps" if len(biased) == 1 else "keep"
        yield (
            f"{', '.join(biased)} {keep} the biased variance of n values, judged here "
            "times n/(n-1); `unbiased: true` on a norm makes it exact"
        )
    few = min((count for _, count in small.counts().values()), default=FEW)
    if few < FEW:
        yield (
            f"a batch norm sees {few} values a channel, so training is ill-conditioned here; "
            "a larger --size would not"
        )


def evaluation_notes(workers: Sequence[Worker]) -> Iterator[str]:
    """Who is judged in evaluation alone, and why."""
    for worker in workers:
        if reason := untrained(worker):
            yield f"{worker.label} is judged in evaluation, and by its initial weights. {reason}"


def reference_versions() -> dict[str, str]:
    return {"rescompile": __version__, "numpy": np.__version__}


def platform_data() -> dict[str, str]:
    """The kind of machine, and not which."""
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }


def _sha256(data: bytes | str) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()
