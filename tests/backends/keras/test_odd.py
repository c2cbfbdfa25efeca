"""Odd specs in Keras: each computes what the reference does, in a process with Keras.

Operations with unusual attributes, numbered and clashing names, structures in structures.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.reference import run as reference
from rescompile.reference.deviation import relative_error
from rescompile.reference.weights import random_weights
from rescompile.worker.client import Worker

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("keras") is None or importlib.util.find_spec("tensorflow") is None,
    reason="Keras on TensorFlow is not installed",
)
ODD = Path(__file__).parent / "odd"
HEAD = "head: [{global_avg_pool: {}}, {linear: {features: $classes}, name: fc}]\n"


def _specs() -> Iterator[tuple[str, str]]:
    """Each spec of the files in odd/ follows a line `# --- name height width`."""
    text = "".join(path.read_text("utf-8") for path in sorted(ODD.glob("*.txt")))
    for part in text.split("# --- ")[1:]:
        title, body = part.split("\n", 1)
        name, height, width = title.split()
        size = f"input: {{channels: 3, height: {height}, width: {width}}}\n"
        body = body.replace("HEAD\n", HEAD)
        yield name, f"rescompile: 1\nname: {name}\n{size}classes: 5\n{body}"


SPECS = dict(_specs())


@pytest.fixture(scope="module")
def keras() -> Iterator[Worker]:
    with Worker("keras") as worker:
        yield worker


@pytest.mark.parametrize("name", SPECS)
def test_odd_specs_agree_with_the_reference(
    keras: Worker, write: Callable[..., Path], name: str
) -> None:
    path = write(SPECS[name], name, head="")
    elaborated = open_spec(path).analysis.elaborated
    x = np.random.default_rng(7).standard_normal((2, *elaborated.network.input))
    wanted = reference(elaborated, random_weights(elaborated, 3), x).outputs
    made = keras.run(path, x.astype(np.float32), weights=3)
    for got, expected in zip(made, wanted, strict=True):
        assert relative_error(got, expected) < 1e-5
