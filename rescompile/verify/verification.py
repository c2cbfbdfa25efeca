"""Whether every backend computes what a spec says: the checks of `checks`, made and judged.

Each framework is compared with the NumPy reference and with every other framework, so that one
framework alone can be verified, and of two that disagree it is known which is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from ..errors import UnsupportedError
from ..ir.structure import Path, path_of
from ..ir.trace import Elaborated
from ..reference import drops
from ..reference.deviation import Arrays, Deviation, deviations, worst
from ..registry import get_backend
from ..worker.client import Worker, WorkerError
from . import account, initial
from .case import Case, full_size, reduced
from .certificate import REFERENCE, Certificate, Finding, Row, compared
from .checks import DRAWN, INITIAL, NOISE, SURPRISE, Check, Level, checks
from .executors import Executor, Framework, Reference, untrained
from .locate import Place, in_order, locate_tensor, locate_value

SLOWEST = 1e-12  # learning rate
Tell = Callable[[str], None]
Answers = Mapping[str, Arrays | Deviation]
Judge = Callable[[Elaborated, Arrays], dict[str, Deviation]]


@dataclass(frozen=True)
class Options:
    """How to verify. `sources` replaces what backends emit, by name: to prove that it is seen.

    `changes` are made to the spec first, as `open_spec` makes them.
    """

    level: Level = Level.TRAIN
    size: int | None = None
    tolerance: float | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    changes: tuple[str, ...] = ()


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
        self.full = full_size(spec, options.size, options.sources, options.changes)
        for worker in workers:
            self.full.net.source(worker.backend)  # what cannot be expressed is refused here
        self.trained = [worker for worker in workers if not untrained(worker)]
        if self.trains and not self.trained:
            raise _cannot_train(self.full.net.name, workers[0])
        self.versions = {worker.label: worker.versions() for worker in workers}
        self.reference = Reference(self.full)
        self.executors: dict[str, Framework] = {}
        self.dtype = ""
        self.failed: dict[str, Finding] = {}

    @cached_property
    def small(self) -> Case:
        return self.full if self.options.size is not None else reduced(self.full)

    @property
    def trains(self) -> bool:
        return self.options.level is Level.TRAIN

    def run(self) -> Certificate:
        trains = self.trains
        rows = [row for check in checks(self.options.level) if (row := self.row(check))]
        if trains:
            rows.extend(self.samples())
        return Certificate(
            network=self.full.net.name,
            spec=self.full.net.document.cited,
            hashes=account.hashes(self.full, self.small, self.workers),
            versions={**self.versions, REFERENCE: account.reference_versions()},
            settings=account.settings(
                self.options.level, self.options.tolerance, self.reference.rate if trains else None
            ),
            platform=account.platform_data(),
            rows=tuple(rows),
            findings=tuple(self.failed.values()),
            notes=tuple(self.notes()),
        )

    def notes(self) -> Iterator[str]:
        yield from account.size_notes(self.full, self.small, self.options.size is not None)
        if self.trains:
            yield from account.training_notes(self.small, self.trained)
            yield from account.evaluation_notes(self.workers)

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
        excusable = self.options.tolerance is None and not row.worst[1].problem
        if not row.good and check.dtype == "float64" and excusable:
            self.say(f"{check.name}: the noise of the {REFERENCE}")
            row = replace(row, noise=reference.noise(check.ask))
            if check.descends and self.calmed(check, reference, row):
                answers = self.answers(check)
                row = self.compare(check, subject, bound, answers)
        if not row.good:
            self.explain(check, row, answers)
        return row

    def asked(self, check: Check) -> Sequence[Worker]:
        """Who has an answer to a check."""
        return self.trained if check.training else self.workers

    def turn_to(self, subject: Case, dtype: str) -> None:
        """Ask about this from now on. What was kept of another, several networks large, is gone."""
        if self.reference.case is not subject:
            self.reference, self.dtype = Reference(subject), ""
        if self.dtype != dtype:
            self.dtype = dtype
            self.executors = {w.label: Framework(w, self.reference, dtype) for w in self.workers}

    def calmed(self, check: Check, reference: Reference, row: Row) -> bool:
        """Lower the rate of a descent until its noise is out of the way; tells whether it was."""
        noise, lowered = row.noise or 0.0, False
        while 2 * NOISE * noise > (row.bound or 0.0) and reference.rate > SLOWEST:
            reference.slow_down()
            noise, lowered = reference.noise(check.ask), True
        return lowered

    def answers(self, check: Check) -> dict[str, Arrays | Deviation]:
        executors: list[Executor] = [self.reference, *self.executors.values()]
        for executor in executors if check.descends else ():  # which needs room for its own
            executor.forget()
        self.say(f"{check.name}, {check.dtype}: {REFERENCE}")
        found: dict[str, Arrays | Deviation] = {REFERENCE: check.ask(self.reference)}
        for worker in self.asked(check) if found[REFERENCE] else ():
            self.say(f"{check.name}, {check.dtype}: {worker.label}")
            found[worker.label] = self.answer(check, worker)
        return found

    def answer(self, check: Check, worker: Worker) -> Arrays | Deviation:
        """What a framework says, or why it says nothing."""
        try:
            return check.ask(self.executors[worker.label])
        except WorkerError as error:
            return _failure(worker, error)

    def compare(
        self,
        check: Check,
        subject: Case,
        bound: float | None,
        answers: Answers,
    ) -> Row:
        pairs = {
            (a, b): worst(_apart(answers[a], answers[b]))
            for a, b in compared([worker.label for worker in self.asked(check)])
        }
        return Row(check.name, check.dtype, subject.image, bound, pairs)

    # -- what is random --------------------------------------------------------------------------

    def samples(self) -> Iterator[Row]:
        """Whether what is drawn at random is distributed as the spec says."""
        self.turn_to(self.small, "float32")
        yield self.sample(INITIAL, self.workers, Framework.initial, initial.surprises)
        if self.small.drops():
            yield self.sample(DRAWN, self.trained, Framework.drawn, drops.surprises)

    def sample(
        self,
        name: str,
        workers: Sequence[Worker],
        ask: Callable[[Framework], Arrays],
        judge: Judge,
    ) -> Row:
        """One such check: `judge` tells the deviations of what a framework answers."""
        found: dict[str, dict[str, Deviation]] = {}
        for worker in workers:
            self.say(f"{name}: {worker.label}")
            try:
                answer = ask(self.executors[worker.label])
                found[worker.label] = judge(self.small.elaborated, answer)
            except WorkerError as error:
                found[worker.label] = {"": _failure(worker, error)}
        pairs = {(label, REFERENCE): worst(deviations) for label, deviations in found.items()}
        row = Row(name, "float32", self.small.image, SURPRISE, pairs)
        for label in row.wrong:
            place = locate_tensor(self.small, found[label], SURPRISE)
            self.failed.setdefault(label, Finding(label, name, "float32", row.verdict, place))
        return row

    # -- where it is -----------------------------------------------------------------------------

    def explain(self, check: Check, row: Row, answers: Answers) -> None:
        """Locate the first failure of each framework that is wrong."""
        for worker in self.workers:
            if worker.label in row.wrong and worker.label not in self.failed:
                self.say(f"{check.name}, {check.dtype}: locating what is wrong in {worker.label}")
                executor = self.executors[worker.label]
                place, others = self.place(check, executor, row.limit, answers)
                self.failed[worker.label] = Finding(
                    worker.label, check.name, check.dtype, row.verdict, place, others
                )
        if not row.wrong:
            (label, _), _ = row.worst
            self.failed.setdefault(
                label, Finding(label, check.name, check.dtype, row.verdict, None)
            )

    def place(
        self, check: Check, executor: Framework, bound: float, answers: Answers
    ) -> tuple[Place, dict[str, float]]:
        """Where a framework parts from the reference, and what others have there."""
        got, wanted = answers[executor.worker.label], answers[REFERENCE]
        if isinstance(got, Deviation) or isinstance(wanted, Deviation):
            return Place("", "", "", worst(_apart(got, wanted))), {}
        others = {
            label: answer
            for label, answer in answers.items()
            if label not in (executor.worker.label, REFERENCE) and not isinstance(answer, Deviation)
        }
        found = in_order(executor.case, deviations(got, wanted), check.backward)
        place = None
        if check.tensors:
            place = locate_tensor(executor.case, found, bound)
        else:
            values = executor.reference.values(check.training, check.drops)
            place = locate_value(executor.case, values, self.seen(check, executor, values), bound)
            if place is not None:
                path = path_of(place.layer)
                others = {
                    label: self.seen(check, self.executors[label], [path]) for label in others
                }
        if place is None:  # nothing that can be observed
            place = Place("", "", "", worst(found))
        return place, _elsewhere(place, others)

    def seen(self, check: Check, executor: Framework, paths: Iterable[Path]) -> Arrays:
        """What can be observed in a framework, which is nothing where it fails."""
        try:
            return executor.values(paths, check.training, check.drops)
        except WorkerError:
            return {}


def _cannot_train(network: str, worker: Worker) -> UnsupportedError:
    """Of all that were asked for, none trains."""
    reason = f"training: {untrained(worker)} `--level forward` verifies that."
    return UnsupportedError(get_backend(worker.backend).title, network, [reason])


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
    index = place.deviation.index
    found = {}
    for label, arrays in others.items():
        value = arrays.get(place.layer or place.deviation.where)
        if value is not None and _reaches(value.shape, index):
            found[label] = float(value[index])
    return found


def _reaches(shape: tuple[int, ...], index: tuple[int, ...]) -> bool:
    """Whether an array of a shape, which may be a wrong one, has a number at an index."""
    return len(shape) == len(index) and all(i < n for i, n in zip(index, shape, strict=True))
