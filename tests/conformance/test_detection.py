"""The specs that have names of torchvision's detectors compute what those do up to their raw maps.

scripts/detection_facts.py wrote tests/facts/detection.json, by torchvision 0.29.1: state dicts,
parameters and multiply-adds of what the specs have, at the sizes that these say, and under the
weights that `seeded_weights` draws all maps that the heads make of images, before boxes are told
apart; in float64, as torchvision's own SSDLite in float32 is off by some percent under these. What
a detector has beside is `left`: the heads of Faster R-CNN that look at single regions.
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
    (Path(__file__).parents[1] / "facts/detection.json").read_text("utf-8")
)
LEFT = {"fasterrcnn_resnet50_fpn": "roi_heads."}
SMALL = {"ssd300_vgg16": 300}  # which takes no smaller ones; the script has the same
USUAL, SHOWN = 128, 8
UNSTEADY = {"ssdlite320_mobilenet_v3_large": "float64"}  # what the others are in float32
BOUND = 1e-4


@pytest.mark.parametrize("spec", FACTS)
def test_weights_and_costs_are_torchvisions(spec: str) -> None:
    fact, elaborated = FACTS[spec], open_spec(spec).analysis.elaborated
    found = {".".join(path): [*p.shape] for path, p, _ in parameters(elaborated)}
    assert found == fact["state_dict"]
    left = LEFT.get(spec, "")
    assert bool(fact["left"]) == bool(left)
    assert all(key.startswith(left) for key in fact["left"])
    cost = network_cost(elaborated)
    assert (cost.parameters, cost.macs) == (fact["parameters"], fact["macs"])


@pytest.mark.slow
@pytest.mark.parametrize("spec", FACTS)
def test_a_backend_gives_torchvisions_maps(worker: Worker, spec: str) -> None:
    size, wanted = SMALL.get(spec, USUAL), [*FACTS[spec]["outputs"].values()]
    x = np.random.default_rng(0).standard_normal((2, 3, size, size)).astype(np.float32)
    subject = Subject(spec, size, "seeded", UNSTEADY.get(spec, "float32"))
    images = {"images": x.astype(subject.dtype)}
    answer = worker.about(subject, "run", images, training=False)
    for got, fact in zip(listed("output", answer), wanted, strict=True):
        assert [*got.shape[1:]] == fact["shape"]
        norms = np.array(fact["norm"])
        middle = got[:, :SHOWN, got.shape[2] // 2, got.shape[3] // 2]
        assert (np.abs(middle - np.array(fact["pixel"])).max(axis=1) < BOUND * norms).all()
        assert np.allclose(np.linalg.norm(got.reshape(2, -1), axis=1), norms, rtol=BOUND)
