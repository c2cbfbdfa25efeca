"""Who says what a network computes: the reference, and each framework. All answer alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from ..ir.inputs import each_input
from ..ir.structure import Path
from ..reference import Result, run, step
from ..reference.deviation import Arrays, deviations, worst
from ..reference.drops import KNOWN, NOTHING, RANDOM
from ..reference.sgd import descend, learning_rate
from ..registry import get_backend
from ..worker.client import Worker
from ..worker.job import Array, listed, named, numbered, of_kind, packed, unpacked
from .case import Case, Inputs


class Executor(Protocol):
    """One execution of a case; every answer has arrays by name, state-dict keys for weights."""

    def evaluation(self) -> Arrays:
        """The outputs in evaluation mode."""

    def training(self) -> Arrays:
        """The outputs in training mode."""

    def dropping(self) -> Arrays:
        """The same with known factors where something is dropped, or nothing if nothing is."""

    def running(self) -> Arrays:
        """The running statistics after a training step, as if variances were unbiased."""

    def kept_variance(self) -> Arrays:
        """The running variances after a training step, as they are."""

    def gradients(self) -> Arrays:
        """Of a cross-entropy, for every parameter."""

    def input_gradient(self) -> Arrays:
        """Of the same, for the images."""

    def descended(self) -> Arrays:
        """The trainable weights after some steps of SGD."""

    def forget(self) -> None:
        """Drop the first step: its gradients are as large as the network."""


class Reference:
    """The NumPy semantics: float64, whatever the others compute in."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.chosen: float | None = None
        self.end: Arrays | None = None

    @cached_property
    def weights(self) -> dict[Path, Array]:
        return self.case.weights()

    @cached_property
    def result(self) -> Result:
        return run(
            self.case.elaborated, self.weights, self.case.images, rounding=self.case.rounding()
        )

    @cached_property
    def targets(self) -> list[Array]:
        """For the loss: one for each output, of its shape."""
        return self.case.targets(self.trained().outputs)

    def step(self, weights: Any, images: Inputs) -> Any:
        return step(
            self.case.elaborated, weights, images, self.targets, rounding=self.case.rounding()
        )

    @cached_property
    def first(self) -> Any:
        """The first training step."""
        return self.step(self.weights, self.case.batches[0])

    def evaluation(self) -> Arrays:
        return outputs(self.result.outputs)

    def training(self) -> Arrays:
        return outputs(self.first.outputs)

    def dropping(self) -> Arrays:
        factors = self.case.factors()
        return outputs(self.trained(factors).outputs) if factors else {}

    def trained(self, factors: Mapping[Path, Array] = {}, keep: bool = False) -> Result:
        """A pass in training: nothing is dropped, but multiplied by factors where there are any."""
        return run(
            self.case.elaborated, self.weights, self.case.batches[0], training=True, keep=keep,
            noise=False, factors=factors, rounding=self.case.rounding(),
        )  # fmt: skip

    def running(self) -> Arrays:
        return named(self.first.running)

    def kept_variance(self) -> Arrays:
        counted = self.case.variance_counts()
        return {name: array for name, array in self.running().items() if name in counted}

    def gradients(self) -> Arrays:
        return named(self.first.gradients)

    def input_gradient(self) -> Arrays:
        return by_input(self.case, self.first.input_gradient)

    @property
    def rate(self) -> float:
        """The learning rate of the steps of SGD."""
        if self.chosen is None:
            self.chosen = learning_rate(self.weights, self.first.gradients)
        return self.chosen

    def forget(self) -> None:
        self.chosen = self.rate  # it is found from the gradients
        for kept in ("first", "perturbed"):
            vars(self).pop(kept, None)

    def slow_down(self) -> None:
        """Lower the rate to a tenth."""
        self.chosen, self.end = self.rate / 10, None

    def descended(self) -> Arrays:
        if self.end is None:
            made = descend(
                self.weights,
                self.case.batches,
                lambda w, x: self.step(w, x).gradients,
                self.rate,
            )
            self.end = named(made)
        return self.end

    @cached_property
    def perturbed(self) -> Reference:
        """The same with every weight and pixel, and all computed of them, off by a rounding."""
        return Reference(replace(self.case, perturbed=True))

    def noise(self, ask: Callable[[Executor], Arrays]) -> float:
        """By how much that moves an answer."""
        self.perturbed.chosen, self.perturbed.end = self.chosen, None
        return worst(deviations(ask(self.perturbed), ask(self))).error

    def values(self, training: bool, drops: str = NOTHING) -> dict[Path, Array]:
        """Every intermediate value in the order of execution."""
        if not training:
            made = run(self.case.elaborated, self.weights, self.case.images, keep=True)
            return dict(made.values)
        factors = self.case.factors() if drops == KNOWN else {}
        return dict(self.trained(factors, keep=True).values)


@dataclass(frozen=True)
class Gradients:
    """A training step without its update; gradients, and running statistics, by state-dict key."""

    outputs: list[Array]
    gradients: Arrays
    input_gradient: Inputs
    running: Arrays


class Framework:
    """A backend's emitted model, run by a worker; it gets the reference's targets."""

    def __init__(self, worker: Worker, reference: Reference, dtype: str) -> None:
        self.worker, self.reference, self.case = worker, reference, reference.case
        self.subject = self.case.subject(worker.backend, dtype)
        self.biased = is_biased(worker)

    def ask(self, action: str, images: Inputs | None = None, **options: Any) -> Arrays:
        given = {} if images is None else packed("images", images)
        return self.worker.about(self.subject, action, given, **options)

    def train(self, action: str, images: Inputs, **options: Any) -> Arrays:
        """A job in training with the reference's targets, nothing being dropped."""
        given = {**packed("images", images), **numbered("target", self.reference.targets)}
        return self.worker.about(self.subject, action, given, drops=NOTHING, **options)

    def evaluation(self) -> Arrays:
        return outputs(listed("output", self.ask("run", self.case.images, training=False)))

    @cached_property
    def first(self) -> Gradients:
        """The first training step."""
        made = self.train("step", self.case.batches[0])
        gradients, running = of_kind(made, "gradient:"), of_kind(made, "running:")
        of_inputs = unpacked("input_gradient", made)
        return Gradients(listed("output", made), gradients, of_inputs, running)

    def training(self) -> Arrays:
        return outputs(self.first.outputs)

    def running(self) -> Arrays:
        """Biased ones are corrected by what the reference says that they lack.

        new = (1 - m) old + m v, with v n / (n - 1) for the biased variance v of n values.
        """
        found = dict(self.first.running)
        if self.biased:
            excess = named(self.reference.first.excess)
            for name in self.case.variance_counts():
                found[name] = found[name] + excess[name]
        return found

    def kept_variance(self) -> Arrays:
        counted = self.case.variance_counts()
        return {name: array for name, array in self.first.running.items() if name in counted}

    def gradients(self) -> Arrays:
        return self.first.gradients

    def input_gradient(self) -> Arrays:
        return by_input(self.case, self.first.input_gradient)

    def forget(self) -> None:
        vars(self).pop("first", None)

    def descended(self) -> Arrays:
        return self.train("descend", self.case.stacks, rate=self.reference.rate)

    def values(self, paths: Iterable[Path], training: bool, drops: str = NOTHING) -> Arrays:
        """What leaves the layers at `paths`, of those that can be observed."""
        listed_paths = [list(path) for path in paths]
        if not training:  # nothing is dropped, and any model serves
            return self.ask("values", self.case.images, paths=listed_paths, training=False)
        given = {"paths": listed_paths, "training": True, "drops": drops}
        return self.ask("values", self.case.batches[0], **given)

    def dropping(self) -> Arrays:
        made = self.ask("run", self.case.batches[0], training=True, drops=KNOWN)
        return outputs(listed("output", made))

    def drawn(self) -> Arrays:
        """The figures of what each layer drops, by path (see `drops.figures`)."""
        return self.ask("drawn", drops=RANDOM)

    def initial(self) -> Arrays:
        """The weights that the model is built with; they are drawn from seed 0."""
        return self.ask("initial")


def is_biased(worker: Worker) -> bool:
    """Whether the framework's own running variances are of biased ones."""
    return get_backend(worker.backend).biased_variance


def untrained(worker: Worker) -> str:
    """Why the framework has no answer to the checks in training, if it has none."""
    return get_backend(worker.backend).no_training


def by_input(case: Case, gradients: Any) -> Arrays:
    """What belongs to each input, by its name."""
    return dict(zip(case.elaborated.network.inputs, each_input(gradients), strict=True))


def outputs(arrays: Any) -> Arrays:
    """Outputs by number."""
    return {f"output {i}": array for i, array in enumerate(arrays)}
