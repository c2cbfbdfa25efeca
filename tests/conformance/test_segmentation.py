"""The specs that have names of torchvision's networks for segmentation compute what those compute.

scripts/segmentation_facts.py wrote tests/facts/segmentation.json, by torchvision 0.29.1: state
dicts with the auxiliary heads, parameters, multiply-adds at 520 x 520 pixels, and scores of images
of 96 x 96 under the weights that `seeded_weights` draws.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.cost.cost import network_cost
from rescompile.reference.weights import parameters
from rescompile.worker.client import Worker
from rescompile.worker.job import Subject, listed

FACTS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "facts/segmentation.json").read_text("utf-8")
)
SMALL, AT, SHOWN = 96, 37, 8  # as the script has them
LIGHT = 5e9  # multiply-adds of a network that runs by default
FLOAT32 = 1e-4


@pytest.mark.parametrize("spec", FACTS)
def test_weights_and_costs_are_torchvisions(spec: str) -> None:
    fact, elaborated = FACTS[spec], open_spec(spec).analysis.elaborated
    found = {".".join(path): [*p.shape] for path, p, _ in parameters(elaborated)}
    assert found == fact["state_dict"]
    assert elaborated.network.outputs == tuple(fact["outputs"])
    cost = network_cost(elaborated)
    assert (cost.parameters, cost.macs) == (fact["parameters"], fact["macs"])


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(spec, marks=() if fact["macs"] < LIGHT else pytest.mark.slow)
        for spec, fact in FACTS.items()
    ],
)
def test_a_backend_gives_torchvisions_scores(worker: Worker, spec: str) -> None:
    subject = Subject(spec, SMALL, "seeded")
    x = np.random.default_rng(0).standard_normal((2, 3, SMALL, SMALL)).astype(np.float32)
    found = listed("output", worker.about(subject, "run", {"images": x}, training=False))
    for got, fact in zip(found, FACTS[spec]["outputs"].values(), strict=True):
        norms = np.array(fact["norm"])
        pixel = np.abs(got[:, :SHOWN, AT, AT] - np.array(fact["pixel"])).max(axis=1)
        assert (pixel < FLOAT32 * norms).all()
        assert np.allclose(np.linalg.norm(got.reshape(2, -1), axis=1), norms, rtol=FLOAT32)
