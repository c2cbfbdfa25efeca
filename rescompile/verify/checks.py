"""What is checked, at which precision, and how much it may be off.

Float64 judges. Float32 is judged in evaluation mode and reported elsewhere: gradients through a
batch normalisation in training are ill-conditioned there, in each framework by itself.

Very deep networks under random weights are ill-conditioned even in float64. So where a bound is
missed, the reference is asked again with every weight and pixel, and what every layer makes of
them, off by one rounding: what that does to the answer is its noise, which no program can be
expected to be better than. A framework is right within `NOISE` times that. A descent, which
amplifies noise without end, is repeated at lower rates until the reference follows itself so well
that two frameworks, each right, are within the bound of each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from ..reference.deviation import Arrays
from ..reference.drops import KNOWN, NOTHING
from ..reference.sgd import STEPS
from .executors import Executor

EVALUATION = {"float32": 1e-5, "float64": 1e-12}
TRAINING = 1e-12
GRADIENTS = 1e-11
DESCENT = 1e-10
NOISE = 10.0  # how many times the reference's own noise a framework may be off
SURPRISE = 6.0  # standard errors: by chance once in 10^9 samples


class Level(Enum):
    FORWARD = "forward"
    TRAIN = "train"


@dataclass(frozen=True)
class Check:
    """A question to every executor. Without a `bound` the answer is reported and not judged."""

    name: str
    dtype: str
    bound: float | None
    ask: Callable[[Executor], Arrays]
    training: bool = True
    tensors: bool = False  # whether answers are named by weights, and not outputs
    backward: bool = False  # gradients: what is wrong shows first at the network's end
    descends: bool = False  # whether there is a learning rate to be lowered
    drops: str = NOTHING  # what is dropped in training


def _evaluation(executor: Executor) -> Arrays:
    return executor.evaluation()


def _training(executor: Executor) -> Arrays:
    return executor.training()


def _dropping(executor: Executor) -> Arrays:
    return executor.dropping()


def _running(executor: Executor) -> Arrays:
    return executor.running()


def _kept_variance(executor: Executor) -> Arrays:
    return executor.kept_variance()


def _gradients(executor: Executor) -> Arrays:
    return executor.gradients()


def _input_gradient(executor: Executor) -> Arrays:
    return executor.input_gradient()


def _descended(executor: Executor) -> Arrays:
    return executor.descended()


FORWARD = (
    Check("outputs, evaluation", "float32", EVALUATION["float32"], _evaluation, training=False),
    Check("outputs, evaluation", "float64", EVALUATION["float64"], _evaluation, training=False),
)
TRAIN = (
    Check("outputs, training", "float64", TRAINING, _training),
    Check("running statistics, n/(n-1)", "float64", TRAINING, _running, tensors=True),
    Check("running variance as kept", "float64", None, _kept_variance, tensors=True),
    Check("gradients, parameters", "float64", GRADIENTS, _gradients, tensors=True, backward=True),
    Check("gradients, input", "float64", GRADIENTS, _input_gradient, tensors=True),
    Check(
        f"weights, {STEPS} SGD steps", "float64", DESCENT, _descended, tensors=True, descends=True
    ),
    Check("outputs, factors for drops", "float64", TRAINING, _dropping, drops=KNOWN),
    Check("outputs, training", "float32", None, _training),
    Check("running statistics, n/(n-1)", "float32", None, _running, tensors=True),
    Check("gradients, parameters", "float32", None, _gradients, tensors=True, backward=True),
    Check("gradients, input", "float32", None, _input_gradient, tensors=True),
)
INITIAL = "initial weights (standard errors)"
DRAWN = "what is dropped (standard errors)"


def checks(level: Level) -> tuple[Check, ...]:
    """All checks of a level, in the order in which they are made."""
    return FORWARD if level is Level.FORWARD else FORWARD + TRAIN
