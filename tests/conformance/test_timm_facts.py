"""The specs that have names of timm's are timm's networks, as tests/facts/timm.json records them.

scripts/timm_facts.py wrote it, by timm 1.0.31: state dicts, parameters, multiply-adds at the
input's size, and the logits of images of 96 x 96 pixels under the weights that `seeded_weights`
draws. All state dicts and costs are compared; logits by default of what is light.
tests/backends/torch asks timm itself.
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
    (Path(__file__).parents[1] / "facts/timm.json").read_text("utf-8")
)
SMALL = 96  # pixels
LIGHT = 0.3e9  # multiply-adds of a network whose logits are compared by default
FLOAT32 = 1e-4


@pytest.mark.parametrize("spec", FACTS)
def test_weights_and_costs_are_timms(spec: str) -> None:
    fact, elaborated = FACTS[spec], open_spec(spec).analysis.elaborated
    found = {".".join(path): [*p.shape] for path, p, _ in parameters(elaborated)}
    assert found == fact["state_dict"]
    assert [*elaborated.network.input] == fact["input"]
    cost = network_cost(elaborated)
    assert (cost.parameters, cost.macs) == (fact["parameters"], fact["macs"])


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(spec, marks=() if fact["macs"] < LIGHT else pytest.mark.slow)
        for spec, fact in FACTS.items()
        if "logits_norm" in fact  # of a few float32 tells nothing under these weights
    ],
)
def test_a_backend_gives_timms_logits(worker: Worker, spec: str) -> None:
    fact, subject = FACTS[spec], Subject(spec, SMALL, "seeded")
    x = np.random.default_rng(0).standard_normal((2, 3, SMALL, SMALL)).astype(np.float32)
    (got,) = listed("output", worker.about(subject, "run", {"images": x}, training=False))
    norms = np.array(fact["logits_norm"])
    deviation = np.abs(got[:, :8] - np.array(fact["logits_first8"])).max(axis=1)
    assert (deviation < FLOAT32 * norms).all()
    assert np.allclose(np.linalg.norm(got, axis=1), norms, rtol=FLOAT32)
