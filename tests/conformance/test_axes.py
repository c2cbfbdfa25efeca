"""Networks for clips and sequences are those of torchvision, and of others who wrote them.

The facts are in tests/facts/axes.json, which scripts/axes_facts.py writes: state dicts, costs, and
outputs under the weights that `seeded_weights` draws. In the WaveNet there, two convolutions of
each layer are one here, and nothing is padded: its last outputs are compared, which see no padding.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.language.load import zoo
from rescompile.reference.weights import parameters
from rescompile.worker.client import Worker
from rescompile.worker.job import Subject, listed

FACTS = json.loads((Path(__file__).parents[1] / "facts/axes.json").read_text("utf-8"))
COUNTED = sorted(FACTS.keys() - {"wavenet"})
FLOAT32 = 1e-4


def changes(fact: Any) -> tuple[str, ...]:
    """What makes the network one for inputs of the extents in a fact."""
    extents = fact["input"][2:]
    sides = ("length",) if len(extents) == 1 else ("frames", "height", "width")
    return tuple(f"input.{side}={n}" for side, n in zip(sides, extents, strict=True))


@pytest.mark.parametrize("spec", COUNTED)
def test_weights_have_the_same_names_and_shapes(spec: str) -> None:
    elaborated = open_spec(spec).analysis.elaborated
    found = {".".join(path): [*p.shape] for path, p, _ in parameters(elaborated)}
    assert found == FACTS[spec]["state_dict"]


@pytest.mark.parametrize("spec", sorted(FACTS))
def test_costs_are_the_same(spec: str) -> None:
    fact = FACTS[spec]
    total = open_spec(spec, set=changes(fact)).report("network").total
    assert total.parameters == fact["parameters"]
    assert total.macs == fact.get("macs", total.macs)


@pytest.mark.parametrize("spec", sorted(FACTS))
def test_a_backend_gives_the_same_outputs(worker: Worker, spec: str) -> None:
    fact = FACTS[spec]
    rng = np.random.default_rng(0)  # drawn in the order of the script
    inputs = {
        tuple(shape): rng.standard_normal(shape).astype(np.float32)
        for shape in ((2, 3, 8, 48, 56), (2, 12, 4096), (1, 256, 4200))
    }
    subject = Subject(str(zoo()[spec]), None, "seeded", changes=changes(fact))
    given = {"images": inputs[tuple(fact["input"])]}
    (got,) = listed("output", worker.about(subject, "run", given, training=False))
    wanted = np.array(fact["outputs"])
    if spec == "wavenet":
        got = got[0, :, -2:].T
    norms = np.array(fact.get("norms", np.linalg.norm(got, axis=1)))
    tail = got.reshape(len(got), -1)[:, -wanted.shape[1] :]
    assert (np.abs(tail - wanted).max(axis=1) < FLOAT32 * norms).all()
    assert np.allclose(np.linalg.norm(got, axis=1), norms, rtol=FLOAT32)
