"""What is checked, at which precision, and how much it may be off.

Float64 judges. Float32 is judged in evaluation mode and reported elsewhere: gradients through a
batch normalisation in training are ill-conditioned there, in each framework by itself.

Very deep networks under random weights are ill-conditioned even in float64. So where a bound is
missed, the reference is asked again with every weight and pixel moved by one rounding: what that
does to the answer is its noise, which no program can be expected to be better than. A framework is
right within `NOISE` times that. A descent, which amplifies noise without end, is repeated at lower
rates until the reference follows itself to a tenth of the bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from .compare import Arrays
from .descent import STEPS
from .drops import KNOWN, NOTHING
from .voices import Voice

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
    """A question to every voice. Without a `bound` the answer is reported and not judged."""

    name: str
    dtype: str
    bound: float | None
    ask: Callable[[Voice], Arrays]
    training: bool = True
    tensors: bool = False  # whether answers are named by weights, and not outputs
    backward: bool = False  # gradients: what is wrong shows first at the network's end
    descends: bool = False  # whether there is a learning rate to be lowered
    drops: str = NOTHING  # what is dropped in training


def _evaluation(voice: Voice) -> Arrays:
    return voice.evaluation()


def _training(voice: Voice) -> Arrays:
    return voice.training()


def _dropping(voice: Voice) -> Arrays:
    return voice.dropping()


def _running(voice: Voice) -> Arrays:
    return voice.running()


def _kept_variance(voice: Voice) -> Arrays:
    return voice.kept_variance()


def _gradients(voice: Voice) -> Arrays:
    return voice.gradients()


def _input_gradient(voice: Voice) -> Arrays:
    return voice.input_gradient()


def _descended(voice: Voice) -> Arrays:
    return voice.descended()


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
