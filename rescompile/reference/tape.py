"""Reverse-mode differentiation: a record of what was computed, to be walked back."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from .arrays import Array

# What a gradient with respect to a value gives to each of the values that it was made of.
Pull = Callable[[Array], Iterable[tuple[Array, Array]]]


@dataclass
class Tape:
    """Values are told apart by identity, and kept alive, so that none takes another's."""

    steps: list[tuple[Array, Pull]] = field(default_factory=list)

    def record(self, value: Array, pull: Pull) -> None:
        """Note how `value` was made."""
        self.steps.append((value, pull))

    def back(self, inputs: Iterable[Array], seeds: Iterable[tuple[Array, Array]]) -> list[Array]:
        """The gradient with respect to each input, from those with respect to some values.

        Each step is forgotten when it is taken: a network's values are too large to wait for the
        collector of cycles.
        """
        gradients: dict[int, Array] = {}

        def give(pairs: Iterable[tuple[Array, Array]]) -> None:
            for value, gradient in pairs:
                known = gradients.get(id(value))
                gradients[id(value)] = gradient if known is None else known + gradient

        give(seeds)
        while self.steps:
            value, pull = self.steps.pop()
            gradient = gradients.pop(id(value), None)
            if gradient is not None:
                give(pull(gradient))
        return [gradients.get(id(x), np.zeros_like(x)) for x in inputs]


def reduced_to(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Summed over the axes along which a value of `shape` was spread."""
    axes = tuple(i for i, (n, m) in enumerate(zip(shape, gradient.shape, strict=True)) if n != m)
    return gradient.sum(axes, keepdims=True) if axes else gradient


def cross_entropy(outputs: Iterable[Array], targets: Iterable[Array]) -> tuple[float, list[Array]]:
    """-sum(targets * log_softmax(output)) over all outputs, and its gradient for each output.

    Outputs are logits, N x C (x H x W), the softmax is over C; targets have the outputs' shapes.
    """
    loss, gradients = 0.0, []
    for output, target in zip(outputs, targets, strict=True):
        shifted = output - output.max(1, keepdims=True)
        logarithm = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
        loss -= float((target * logarithm).sum())
        gradients.append(np.exp(logarithm) * target.sum(1, keepdims=True) - target)
    return loss, gradients
