"""What a backend emits builds, runs, agrees with the reference, and keeps its weights."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ...api import open_spec
from ...language.load import zoo
from ...reference import run
from ...reference.deviation import relative_error
from ...reference.weights import random_weights
from ...starters import FOLDER, kinds
from ...verify.case import full_size, reduced
from ...worker.client import Worker
from ...worker.job import Subject, listed

FORWARD_FLOAT32 = 1e-5


def images(spec: str, seed: int, size: int | None = None) -> Any:
    shape = open_spec(spec, size).analysis.network.input
    return np.random.default_rng(seed).standard_normal((2, *shape)).astype(np.float32)


@cache
def reference(spec: str, size: int | None = None) -> Any:
    elaborated = open_spec(spec, size).analysis.elaborated
    x = images(spec, 7, size).astype(np.float64)
    return run(elaborated, random_weights(elaborated, 3), x).outputs


@cache
def smallest(spec: str) -> int | None:
    """The smallest size of images that a network is verified on, if that is not its own."""
    return reduced(full_size(spec)).size


def compare(worker: Worker, spec: str, size: int | None) -> None:
    subject = Subject(spec, size, weights=3)
    given = {"images": images(spec, 7, size)}
    made = listed("output", worker.about(subject, "run", given, training=False))
    for got, wanted in zip(made, reference(spec, size), strict=True):
        assert relative_error(got, wanted) < FORWARD_FLOAT32


def test_a_backend_computes_what_the_reference_does(worker: Worker, to_run: str) -> None:
    compare(worker, to_run, smallest(to_run))


@pytest.mark.slow
def test_a_backend_does_so_for_images_of_the_specs_size(worker: Worker, to_run: str) -> None:
    compare(worker, to_run, None)


@pytest.mark.parametrize("kind", kinds())
def test_a_starter_is_the_same_everywhere(worker: Worker, kind: str) -> None:
    spec = str(FOLDER / f"{kind}.yaml")
    (got,) = worker.run(Path(spec), images(spec, 7), weights=3)
    assert relative_error(got, reference(spec)[0]) < FORWARD_FLOAT32


@pytest.mark.parametrize("spec", ["mobilenet_v2", "squeezenet1_1"])
def test_a_backbone_gives_the_references_maps(worker: Worker, spec: str) -> None:
    """From inside of one sequence, where activations work in place."""
    changes = ("features=true", "size=64")
    elaborated = open_spec(spec, set=changes).analysis.elaborated
    x = np.random.default_rng(7).standard_normal((2, 3, 64, 64)).astype(np.float32)
    wanted = run(elaborated, random_weights(elaborated, 3), x.astype(np.float64)).outputs
    subject = Subject(spec, weights=3, changes=changes)
    made = listed("output", worker.about(subject, "run", {"images": x}, training=False))
    assert len(made) == len(wanted) >= 4
    for got, value in zip(made, wanted, strict=True):
        assert relative_error(got, value) < FORWARD_FLOAT32


@pytest.mark.parametrize("spec", ["resnet20_cifar", "mobilenet_v3_small", "googlenet", "unet"])
def test_weights_come_back_as_they_went_in(worker: Worker, spec: str) -> None:
    found = worker.weights(zoo()[spec], weights=3)
    given = random_weights(open_spec(spec).analysis.elaborated, 3)
    assert found.keys() == {".".join(path) for path in given}
    for path, wanted in given.items():
        assert np.array_equal(found[".".join(path)], wanted.astype(np.float32)), path


@pytest.mark.slow
def test_weights_of_every_network_come_back(worker: Worker, to_run: str) -> None:
    test_weights_come_back_as_they_went_in(worker, to_run)
