"""CIFAR-10 from what is there: as published, or as image files by class, in a folder or in tars."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import images, published
from .errors import StudyError
from .recipe import Scale

Array = Any  # numpy.ndarray
CLASSES, PIXELS = 10, 32
FETCH = f"""fetch {published.ADDRESS} (163 MiB) into it.
Other data can be named by --data: that archive, the folder {published.FOLDER} of it, or image files
as train/CLASS/NAME.jpg and test/CLASS/NAME.jpg, in a folder or in tar files."""


@dataclass(frozen=True)
class Split:
    """Images N x H x W x 3 of bytes and the numbers of their classes."""

    images: Array
    labels: Array


@dataclass(frozen=True)
class Data:
    """What is trained on and tested with, and what it was read from."""

    training: Split
    test: Split
    form: str

    @property
    def digest(self) -> str:
        """Of all bytes: the same for the same images."""
        parts = (self.training.images, self.training.labels, self.test.images, self.test.labels)
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()[:16]


def read(place: Path, scale: Scale) -> Data:
    """As much as `scale` asks for: the first images of each class. Raises `StudyError`."""
    if not place.exists():
        raise StudyError(f"there is no {place.as_posix()}, where CIFAR-10 is looked for: {FETCH}")
    source = published.find(place) or images.find(place)
    if source is None:
        raise StudyError(f"there is nothing of CIFAR-10 in {place.as_posix()}: {FETCH}")
    training = _split(source, "train", scale.training, scale.pixels)
    return Data(training, _split(source, "test", scale.test, scale.pixels), source.form)


def _split(
    source: published.Published | images.Images, split: str, count: int, pixels: int
) -> Split:
    labels = source.labels(split)
    each, chosen = count // CLASSES, []
    for label in range(CLASSES):
        found = np.flatnonzero(labels == label)[:each]
        if len(found) < each:
            what = f"{each:,} {split} images of each class are needed"
            raise StudyError(f"{what}, and of {source.classes[label]} there are {len(found):,}")
        chosen.append(found)
    order = np.stack(chosen, axis=1).ravel()  # the classes in turn, so that any part has them all
    return Split(shrunk(source.images(split, order), pixels), labels[order])


def shrunk(images: Array, pixels: int) -> Array:
    """Each pixel the mean of a square of them."""
    side = images.shape[1] // pixels
    parts = images.reshape(len(images), pixels, side, pixels, side, 3)
    return np.rint(parts.mean(axis=(2, 4))).astype(np.uint8)
