"""The batches: against crops made by hand, and against what a permutation has to be."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from experiments.degradation.data import Data, Split
from experiments.degradation.loader import Batches, augmented


def noise(count: int, side: int, seed: int = 0) -> Split:
    rng = np.random.default_rng(seed)
    images = rng.integers(256, size=(count, side, side, 3)).astype(np.uint8)
    return Split(images, np.arange(count))  # labels tell which image it was


@pytest.fixture(scope="module")
def data() -> Data:
    return Data(noise(50, 8), noise(20, 8, 1), "noise")


def crop(image: Any, padding: int, top: int, left: int, mirror: bool) -> Any:
    """As torchvision's RandomCrop(size, padding) and RandomHorizontalFlip are defined, by loops."""
    side = image.shape[0]
    made = np.zeros_like(image)
    for row in range(side):
        for column in range(side):
            y, x = row + top - padding, column + left - padding
            if 0 <= y < side and 0 <= x < side:
                made[row, side - 1 - column if mirror else column] = image[y, x]
    return made


@pytest.mark.parametrize(("side", "padding"), [(8, 1), (16, 2)])
def test_each_crop_is_as_likely_as_another(side: int, padding: int) -> None:
    """Every image is one of all crops made by hand, and all of these come up as often."""
    image = np.random.default_rng(0).standard_normal((side, side, 3))
    places = range(2 * padding + 1)
    crops = {
        crop(image, padding, top, left, mirror).tobytes(): (top, left, mirror)
        for top in places
        for left in places
        for mirror in (False, True)
    }
    assert len(crops) == 2 * len(places) ** 2
    each = 200
    images = np.repeat(image[None], each * len(crops), axis=0)
    made = augmented(images, padding, np.random.default_rng(1))
    found = Counter(crops[one.tobytes()] for one in made)  # no other can come up
    assert len(found) == len(crops)
    assert max(abs(count - each) for count in found.values()) < 5 * each**0.5


def test_each_image_keeps_its_label(data: Data) -> None:
    batches = Batches(data, seed=0, size=10, dtype="float64")
    images, labels = batches.training(7)
    mean = data.training.images.mean(axis=0) / 255
    for image, label in zip(images, labels, strict=True):
        original = data.training.images[label] / 255 - mean
        crops = (
            crop(original, 1, top, left, mirror)
            for top in range(3)
            for left in range(3)
            for mirror in (False, True)
        )
        assert any(np.allclose(image, one, rtol=0, atol=1e-12) for one in crops)


def test_an_epoch_has_every_image_once(data: Data) -> None:
    batches = Batches(data, seed=0, size=10)
    epochs = [[batches.training(5 * epoch + i)[1] for i in range(5)] for epoch in range(2)]
    for epoch in epochs:
        assert sorted(np.concatenate(epoch)) == list(range(50))
    assert list(np.concatenate(epochs[0])) != list(np.concatenate(epochs[1]))
    assert Batches(data, seed=0, size=20).per_epoch == 2  # ten are left out


def test_a_batch_depends_on_seed_and_iteration_alone(data: Data) -> None:
    images, labels = Batches(data, seed=3, size=10).training(11)
    again = Batches(data, seed=3, size=10)
    stream = again.stream(10)
    next(stream)
    for found in (again.training(11), next(stream)):
        assert (found[0] == images).all()
        assert (found[1] == labels).all()
    other = Batches(data, seed=4, size=10).training(11)
    assert (other[1] != labels).any()
    assert (other[0] != images).any()


def test_the_mean_of_each_pixel_is_subtracted(data: Data) -> None:
    batches = Batches(data, seed=0, size=10)
    images, labels = batches.evaluation(data.training)
    assert images.dtype == np.float32
    assert np.abs(images.mean(axis=0)).max() < 1e-6
    assert (labels == data.training.labels).all()
    assert len(batches.evaluation(data.training, 7)[0]) == 7
    test = batches.evaluation(data.test)[0]  # the training images' mean, not their own
    wanted = (np.float64(data.test.images) - data.training.images.mean(axis=0)) / 255
    assert np.abs(test - wanted).max() < 1e-6
