"""Whether every backend computes what a spec says: the checks of `checks`, made and judged.

Each framework is compared with the NumPy reference and with every other framework, so that one
framework alone can be verified, and of two that disagree it is known which is wrong.
"""

from __future__ import annotations

import hashlib
import math
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from .. import __version__
from . import descent, trial
from .certificate import REFERENCE, Certificate, Finding, Row
from .checks import INITIAL, NOISE, SURPRISE, Check, Level, checks
from .compare import Arrays, Deviation, deviations, worst
from .initial import surprises
from .locate import Place, in_order, locate_tensor, locate_value
from .process import Worker, WorkerError
from .trial import Trial, full_size, reduced
from .voices import Framework, Reference, Voice, is_biased

SLOWEST = 1e-12  # learning rate
FEW = 16  # values of a channel in a batch, below which a batch norm amplifies rounding
Tell = Callable[[str], None]
Answers = Mapping[str, Arrays | Deviation]


@dataclass(frozen=True)
class Options:
    """How to verify. `sources` replaces what backends emit, by name: to prove that it is seen."""

    level: Level = Level.TRAIN
    size: int | None = None
    tolerance: float | None = None
    sources: Mapping[str, str] = field(default_factory=dict)


def verify(
    spec: str, workers: Sequence[Worker], options: Options, tell: Tell = lambda what: None
) -> Certificate:
    """Verify one spec on some frameworks; `tell` hears what is being done.

    Raises `SpecError` for a wrong spec and `UnsupportedError` where a backend cannot express it.
    """
    return _Verification(spec, workers, options, tell).run()


class _Verification:
    def __init__(self, spec: str, workers: Sequence[Worker], options: Options, tell: Tell) -> None:
        self.spec, self.workers, self.options, self.tell = spec, workers, options, tell
        self.full = full_size(spec, options.size, options.sources)
        for worker in workers:
            self.full.net.source(worker.backend)  # what cannot be expressed is refused here
        self.reference = Reference(self.full)
        self.voices: dict[str, Framework] = {}
        self.dtype = ""
        self.failed: dict[str, Finding] = {}

    @cached_property
    def small(self) -> Trial:
        return self.full if self.options.size is not None else reduced(self.full)

    def run(self) -> Certificate:
        rows = []
        for check in checks(self.options.level):
            row = self.row(check)
            if row is not None:
                rows.append(row)
        if self.options.level is Level.TRAIN:
            rows.append(self.initial())
        return Certificate(
            network=self.full.net.name,
            spec=self.full.net.document.cited,
            hashes=self.hashes(),
            versions={**{w.label: w.versions() for w in self.workers}, REFERENCE: _numpy()},
            settings=self.settings(),
            platform=_platform(),
            rows=tuple(rows),
            findings=tuple(self.failed.values()),
            notes=tuple(self.notes()),
        )

    def say(self, what: str) -> None:
        self.tell(f"{self.full.net.name}: {what}")

    # -- one check -------------------------------------------------------------------------------

    def row(self, check: Check) -> Row | None:
        """One check, made again or excused where the network amplifies rounding too much."""
        subject = self.full if check.dtype == "float32" and not check.training else self.small
        self.turn_to(subject, check.dtype)
        reference = self.reference
        answers = self.answers(check)
        if not answers[REFERENCE]:
            return None  # there is nothing of the kind: no running statistics, say
        bound = check.bound and (self.options.tolerance or check.bound)
        row = self.compare(check, subject, bound, answers)
        if not row.good and check.dtype == "float64" and self.options.tolerance is None:
            self.say(f"{check.name}: the noise of the {REFERENCE}")
            row = replace(row, noise=reference.noise(check.ask))
            if check.descends and self.calmed(check, reference, row):
                answers = self.answers(check)
                row = self.compare(check, subject, bound, answers)
        if not row.good:
            self.explain(check, row, answers)
        return row

    def turn_to(self, subject: Trial, dtype: str) -> None:
        """Ask about this from now on. What was kept of another, several networks large, is gone."""
        if self.reference.trial is not subject:
            self.reference, self.dtype = Reference(subject), ""
        if self.dtype != dtype:
            self.dtype = dtype
            self.voices = {w.label: Framework(w, self.reference, dtype) for w in self.workers}

    def calmed(self, check: Check, reference: Reference, row: Row) -> bool:
        """Lower the rate of a descent until its noise is out of the way; tells whether it was."""
        noise, lowered = row.noise or 0.0, False
        while noise > (row.bound or 0.0) / NOISE and reference.rate > SLOWEST:
            reference.slow_down()
            noise, lowered = reference.noise(check.ask), True
        return lowered

    def answers(self, check: Check) -> dict[str, Arrays | Deviation]:
        voices: list[Voice] = [self.reference, *self.voices.values()]
        for voice in voices if check.descends else ():  # which needs room for its own
            voice.forget()
        self.say(f"{check.name}, {check.dtype}: {REFERENCE}")
        found: dict[str, Arrays | Deviation] = {REFERENCE: check.ask(self.reference)}
        for worker in self.workers if found[REFERENCE] else ():
            self.say(f"{check.name}, {check.dtype}: {worker.label}")
            found[worker.label] = self.answer(check, worker)
        return found

    def answer(self, check: Check, worker: Worker) -> Arrays | Deviation:
        """What a framework says, or why it says nothing."""
        try:
            return check.ask(self.voices[worker.label])
        except WorkerError as error:
            return _failure(worker, error)

    def compare(
        self,
        check: Check,
        subject: Trial,
        bound: float | None,
        answers: Answers,
    ) -> Row:
        labels = [worker.label for worker in self.workers]
        pairs = {}
        for a, b in [*((label, REFERENCE) for label in labels), *combinations(labels, 2)]:
            pairs[a, b] = worst(_apart(answers[a], answers[b]))
        return Row(check.name, check.dtype, subject.image, bound, pairs)

    def initial(self) -> Row:
        """Whether initial weights are distributed as the spec says."""
        self.turn_to(self.small, "float32")
        found: dict[str, dict[str, Deviation]] = {}
        for worker in self.workers:
            self.say(f"{INITIAL}: {worker.label}")
            voice = self.voices[worker.label]
            try:
                found[worker.label] = surprises(self.small.elaborated, voice.initial())
            except WorkerError as error:
                found[worker.label] = {"": _failure(worker, error)}
        pairs = {(label, REFERENCE): worst(deviations) for label, deviations in found.items()}
        row = Row(INITIAL, "float32", self.small.image, SURPRISE, pairs)
        for label in row.wrong:
            place = locate_tensor(self.small, found[label], SURPRISE)
            self.failed.setdefault(label, Finding(label, INITIAL, "float32", row.verdict, place))
        return row

    # -- where it is -----------------------------------------------------------------------------

    def explain(self, check: Check, row: Row, answers: Answers) -> None:
        """Locate the first failure of each framework that is wrong."""
        for worker in self.workers:
            if worker.label in row.wrong and worker.label not in self.failed:
                self.say(f"{check.name}, {check.dtype}: locating what is wrong in {worker.label}")
                voice = self.voices[worker.label]
                place, others = self.place(check, voice, row.limit, answers)
                self.failed[worker.label] = Finding(
                    worker.label, check.name, check.dtype, row.verdict, place, others
                )
        if not row.wrong:
            (label, _), _ = row.worst
            self.failed.setdefault(
                label, Finding(label, check.name, check.dtype, row.verdict, None)
            )

    def place(
        self, check: Check, voice: Framework, bound: float, answers: Answers
    ) -> tuple[Place | None, dict[str, float]]:
        """Where a framework parts from the reference, and what others have there."""
        got, wanted = answers[voice.worker.label], answers[REFERENCE]
        if isinstance(got, Deviation) or isinstance(wanted, Deviation):
            return None, {}
        others = {
            label: answer
            for label, answer in answers.items()
            if label not in (voice.worker.label, REFERENCE) and not isinstance(answer, Deviation)
        }
        if check.tensors:
            found = in_order(voice.trial, deviations(got, wanted), check.backward)
            place = locate_tensor(voice.trial, found, bound)
        else:
            values = voice.reference.values(check.training)
            place = locate_value(voice.trial, values, voice.values(values, check.training), bound)
            if place is not None:
                path = tuple(place.layer.split("."))
                others = {
                    label: self.voices[label].values([path], check.training) for label in others
                }
        return place, _elsewhere(place, others)

    # -- the record ------------------------------------------------------------------------------

    def hashes(self) -> dict[str, str]:
        document = self.full.net.document
        made = {
            "spec": _sha256(document.path.read_bytes()),
            "network": _sha256(self.full.net.text()),
        }
        for subject in dict.fromkeys((self.full, self.small)):
            for worker in self.workers:
                source = subject.sources.get(worker.backend) or subject.net.source(worker.backend)
                made[f"{worker.backend} source, {subject.image}"] = _sha256(source)
        return made

    def settings(self) -> dict[str, Any]:
        return {
            "level": self.options.level.value,
            "tolerance": self.options.tolerance,
            "weights_seed": trial.WEIGHTS_SEED,
            "images_seed": trial.IMAGES_SEED,
            "batch": {"evaluation": trial.BATCH, "training": trial.TRAINING_BATCH},
            **self.descent(),
        }

    def descent(self) -> dict[str, Any]:
        if self.options.level is not Level.TRAIN:
            return {}
        return {
            "sgd": {
                "steps": descent.STEPS,
                "rate": self.reference.rate,
                "momentum": descent.MOMENTUM,
                "decay": descent.DECAY,
            }
        }

    def notes(self) -> list[str]:
        found = []
        if self.options.size is not None:
            found.append(f"compiled for images of {self.full.image}, as --size asks")
        elif self.small is not self.full:
            small, full = self.small.image, self.full.image
            found.append(f"float64 and training on images of {small} instead of {full}")
        if self.options.level is Level.TRAIN:
            found.extend(self.training_notes())
        return found

    def training_notes(self) -> Iterator[str]:
        if self.small.is_noisy():
            yield "dropout and stochastic depth have rate zero in training checks"
        biased = [worker.label for worker in self.workers if is_biased(worker)]
        if biased and self.small.variance_counts():
            keep = "keeps" if len(biased) == 1 else "keep"
            yield (
                f"{', '.join(biased)} {keep} the biased variance of n values, judged here "
                "times n/(n-1); `unbiased: true` on a norm makes it exact"
            )
        few = min((count for _, count in self.small.counts().values()), default=FEW)
        if few < FEW:
            yield (
                f"a batch norm sees {few} values a channel, so training is ill-conditioned here; "
                "a larger --size would not"
            )


def _failure(worker: Worker, error: WorkerError) -> Deviation:
    return Deviation(math.inf, problem=f"{worker.label} failed: {error.what}")


def _apart(got: Arrays | Deviation, wanted: Arrays | Deviation) -> dict[str, Deviation]:
    if isinstance(got, Deviation):
        return {"": got}
    if isinstance(wanted, Deviation):
        return {"": wanted}
    return deviations(got, wanted)


def _elsewhere(place: Place | None, others: Mapping[str, Arrays]) -> dict[str, float]:
    """The number at a place in other answers, where they have it."""
    if place is None or not place.deviation.index:
        return {}
    found = {}
    for label, arrays in others.items():
        if place.layer in arrays and arrays[place.layer].ndim == len(place.deviation.index):
            found[label] = float(arrays[place.layer][place.deviation.index])
    return found


def _sha256(data: bytes | str) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


def _numpy() -> dict[str, str]:
    return {"rescompile": __version__, "numpy": np.__version__}


def _platform() -> dict[str, str]:
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }
