"""The batches of a training, in NumPy: each is a function of the seed and its iteration alone.

So both frameworks see the same, and a training that is taken up again needs no state of a random
generator.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .data import Array, Data, Split

ORDER, CROPS = 0, 1  # what is drawn, each from a stream of its own


class Batches:
    """Images N x H x W x C with the mean of each pixel subtracted, and their labels."""

    def __init__(self, data: Data, seed: int, size: int, dtype: str = "float32") -> None:
        self.data, self.seed, self.size, self.dtype = data, seed, size, np.dtype(dtype)
        self.per_epoch = len(data.training.labels) // size  # what is left of an epoch is dropped
        self.mean = (data.training.images.mean(axis=0, dtype=np.float64) / 255).astype(dtype)
        self.padding = data.training.images.shape[1] // 8  # the paper's 4 of 32

    def training(self, iteration: int) -> tuple[Array, Array]:
        """The batch of an iteration: a part of its epoch's permutation, cropped and flipped."""
        epoch, part = divmod(iteration, self.per_epoch)
        labels = self.data.training.labels
        order = np.random.default_rng([self.seed, ORDER, epoch]).permutation(len(labels))
        chosen = order[part * self.size : (part + 1) * self.size]
        images = self.normalised(self.data.training.images[chosen])
        rng = np.random.default_rng([self.seed, CROPS, iteration])
        return augmented(images, self.padding, rng), labels[chosen]

    def stream(self, start: int) -> Iterator[tuple[Array, Array]]:
        """The batches from an iteration on, without end."""
        while True:
            yield self.training(start)
            start += 1

    def evaluation(self, split: Split, most: int | None = None) -> tuple[Array, Array]:
        """The first images of a split, as they are."""
        return self.normalised(split.images[:most]), split.labels[:most]

    def normalised(self, images: Array) -> Array:
        """From bytes to floats, less the mean of the training images."""
        scaled: Array = images.astype(self.dtype) / self.dtype.type(255) - self.mean
        return scaled


def augmented(images: Array, padding: int, rng: np.random.Generator) -> Array:
    """A random crop of each image, padded with zeros (the mean), and every other one mirrored."""
    count, height, width, _ = images.shape
    sides: Any = ((0, 0), (padding, padding), (padding, padding), (0, 0))
    tops, lefts = rng.integers(2 * padding + 1, size=(2, count, 1))
    rows, columns = tops + np.arange(height), lefts + np.arange(width)
    mirrored = rng.random(count) < 0.5
    columns[mirrored] = columns[mirrored, ::-1]
    found: Array = np.pad(images, sides)[
        np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]
    ]
    return found
