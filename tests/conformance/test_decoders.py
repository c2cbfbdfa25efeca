"""Networks that make images or maps of a class compute what their authors' code does.

scripts/decoder_facts.py wrote tests/facts/decoders.json: state dicts, costs, and outputs of models
that follow the code of the papers' authors, under the weights that `seeded_weights` draws.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.reference.weights import parameters
from rescompile.worker.client import Worker
from rescompile.worker.job import Subject, listed

FACTS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "facts/decoders.json").read_text("utf-8")
)
SLOW = {"edsr_baseline_x2", "edsr_baseline_x3", "edsr_x4"}  # others by default have what they have
FLOAT32 = 1e-4


def changes(fact: Any) -> tuple[str, ...]:
    """What makes the network one for images of the extents in a fact."""
    return tuple(
        f"input.{k}={n}" for k, n in zip(("height", "width"), fact["input"][2:], strict=True)
    )


@pytest.mark.parametrize("spec", FACTS)
def test_weights_and_costs_are_the_authors(spec: str) -> None:
    fact = FACTS[spec]
    net = open_spec(spec, set=changes(fact))
    found = {".".join(path): [*p.shape] for path, p, _ in parameters(net.analysis.elaborated)}
    assert found == fact["state_dict"]
    total = net.report("network").total
    assert total.parameters == fact["parameters"]
    assert total.macs == fact.get("macs", total.macs)


@pytest.mark.parametrize(
    "spec", [pytest.param(n, marks=[pytest.mark.slow] if n in SLOW else []) for n in FACTS]
)
def test_a_backend_gives_the_authors_outputs(worker: Worker, spec: str) -> None:
    fact = FACTS[spec]
    x = np.random.default_rng(0).standard_normal(fact["input"]).astype(np.float32)
    subject = Subject(spec, None, "seeded", changes=changes(fact))
    (got,) = listed("output", worker.about(subject, "run", {"images": x}, training=False))
    flat, wanted = got.reshape(len(got), -1), np.array(fact["outputs"])
    norms = np.array(fact["norms"])
    assert (np.abs(flat[:, -wanted.shape[1] :] - wanted).max(axis=1) < FLOAT32 * norms).all()
    assert np.allclose(np.linalg.norm(flat, axis=1), norms, rtol=FLOAT32)
