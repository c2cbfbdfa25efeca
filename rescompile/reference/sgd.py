"""Stochastic gradient descent by one rule, for the reference and every framework alike.

The frameworks' own optimizers differ by definition (Keras folds the rate into the velocity, and
decouples the weight decay), so what is compared is the models: each gives gradients, and this rule
in NumPy float64 applies them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ir.structure import Path

Array = NDArray[Any]
FIRST = 0.005  # how far the first step moves a tensor, as a part of its norm
MOMENTUM = 0.9
DECAY = 5e-4
STEPS = 10
Differentiate = Callable[[Mapping[Path, Array], Any], Mapping[Path, Array]]


def descend(
    weights: Mapping[Path, Array],
    batches: Sequence[Any],
    differentiate: Differentiate,
    rate: float,
) -> dict[Path, Array]:
    """The trainable weights after a step on each batch.

    velocity = MOMENTUM velocity + (gradient + DECAY weight); weight = weight - rate velocity: decay
    is coupled, as in PyTorch's SGD. `differentiate` gives the gradients of all trainable weights,
    given all weights and a batch.
    """
    now = {path: np.asarray(weight, np.float64) for path, weight in weights.items()}
    del weights  # a network's weights, gradients and velocities are large: none is kept twice
    velocity: dict[Path, Array] = {}
    for batch in batches:
        gradients = differentiate(now, batch)
        for path, gradient in gradients.items():
            push = np.asarray(gradient, np.float64) + DECAY * now[path]
            velocity[path] = MOMENTUM * velocity[path] + push if path in velocity else push
        del gradients
        for path, speed in velocity.items():
            now[path] = now[path] - rate * speed
    return {path: now[path] for path in velocity}


def learning_rate(weights: Mapping[Path, Array], gradients: Mapping[Path, Array]) -> float:
    """The largest rate under which the first step moves no tensor by more than `FIRST` of its norm.

    Random weights are not trained ones: a fixed rate does nothing to one network, and makes another
    without normalisation overflow. Two significant digits, so that it can be read and written.
    """
    pairs = ((np.linalg.norm(weights[path]), np.linalg.norm(g)) for path, g in gradients.items())
    rates = [float(FIRST * norm / slope) for norm, slope in pairs if norm and slope]
    return float(f"{min(rates):.1e}") if rates else FIRST
