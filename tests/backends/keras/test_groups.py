"""Steps of models whose convolutions have groups, which Keras on TensorFlow takes by one trace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rescompile.reference.deviation import Arrays
from rescompile.reference.drops import KNOWN, NOTHING, RANDOM, TRAINING_BATCH
from rescompile.worker.client import Worker
from rescompile.worker.job import Subject, numbered, of_kind, packed

pytest.importorskip("keras")
pytest.importorskip("tensorflow")
SPEC = """\
rescompile: 1
name: grouped
input: {channels: 4, height: 5, width: 5}
classes: 3
stages:
  - conv: {channels: 8, kernel: 3, groups: 2}
    name: conv
head:
  - global_avg_pool: {}
  - dropout: {rate: 0.5}
  - linear: {features: $classes}
"""


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker("keras:tensorflow") as worker:
        yield worker


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    (tmp_path / "grouped.yaml").write_text(SPEC, "utf-8")
    return Subject(str(tmp_path / "grouped.yaml"))


def step(worker: Worker, subject: Subject, drops: str, seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    images, targets = (
        rng.standard_normal((TRAINING_BATCH, 4, 5, 5)),
        rng.random((TRAINING_BATCH, 3)),
    )
    given = {**packed("images", images), **numbered("target", [targets])}
    return of_kind(worker.about(subject, "step", given, drops=drops), "gradient:")


def test_a_trace_ends_where_the_model_changes(worker: Worker, subject: Subject) -> None:
    """A rate is a constant of it, and what multiplies instead is another function."""
    random = step(worker, subject, RANDOM)
    nothing = step(worker, subject, NOTHING)
    known = step(worker, subject, KNOWN)
    for drops, found in ((NOTHING, nothing), (KNOWN, known)):
        worker.about(subject, "initial")  # a model that was nothing else before
        anew = step(worker, subject, drops)
        assert all(np.array_equal(found[name], array) for name, array in anew.items())
    assert not np.allclose(random["conv.weight"], nothing["conv.weight"])
    assert not np.allclose(known["conv.weight"], nothing["conv.weight"])


def test_a_trace_takes_what_it_is_given(worker: Worker, subject: Subject) -> None:
    first, second = (step(worker, subject, NOTHING, seed) for seed in (0, 1))
    assert not np.allclose(first["conv.weight"], second["conv.weight"])
    again = step(worker, subject, NOTHING)
    assert all(np.array_equal(first[name], array) for name, array in again.items())
