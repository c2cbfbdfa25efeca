"""The weights that specs list are torchvision's, where it is installed: addresses, metrics, all.

What its transforms make of an image, its models may change once more (transform_input): both in one
is what the emitted preprocessing must give, to 1e-6.
"""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import rescompile

from .test_torchvision import AUXILIARY, NAMES, SPECS, pytestmark  # noqa: F401

FACTS = """
import json, sys
from torchvision import models
found = {}
for name in json.loads(sys.argv[1]):
    for one in models.get_model_weights(name):
        plan, meta = one.transforms(), one.meta
        (metrics,) = meta["_metrics"].values()
        found.setdefault(name, {})[one.name] = {
            "url": one.url, "mib": meta["_file_size"], "license": meta.get("license", ""),
            "metrics": {key: value for key, value in metrics.items() if value == value},
            "where": f"torchvision's {type(one).__name__}", "recipe": meta["recipe"],
            "parameters": meta["num_params"], "resize": plan.resize_size, "crop": plan.crop_size,
            "mean": plan.mean, "std": plan.std, "antialias": plan.antialias,
            "interpolation": plan.interpolation.value,
        }
print(json.dumps(found))
"""
IMAGES = """
import sys, torch
from importlib import import_module
from torchvision import models
torch.manual_seed(0)
for word in sys.argv[1:]:
    name, weights = word.split(":")
    one = models.get_model_weights(name)[weights]
    model = None
    if name in ("googlenet", "inception_v3"):
        model = getattr(models, name)(transform_input=True, aux_logits=True, init_weights=False)
    for size in ((375, 500), (701, 333), (256, 343), (64, 64)):
        images = torch.randint(256, (2, 3, *size), dtype=torch.uint8)
        wanted = one.transforms()(images)
        wanted = wanted if model is None else model._transform_input(wanted)
        got = import_module(f"{name}_{weights}").preprocess(images)
        assert got.shape == wanted.shape, word
        error = (got - wanted).abs().max() / wanted.abs().max()
        assert error < 1e-6, (word, size, error)
        print(word, size, error.item())
"""


def output(program: str, folder: Path, *words: str) -> str:
    command = [sys.executable, "-W", "ignore", "-c", program, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@cache
def theirs() -> dict[str, dict[str, Any]]:
    made: dict[str, dict[str, Any]] = json.loads(output(FACTS, Path(), json.dumps(NAMES)))
    return made


@pytest.mark.parametrize("name", NAMES)
def test_what_is_listed_is_what_torchvision_says(name: str) -> None:
    net = rescompile.load(SPECS[name])
    assert [one.name for one in net.weights] == [*theirs()[name]]
    for one in net.weights:
        facts = theirs()[name][one.name]
        assert (one.url, one.mib, one.license) == (facts["url"], facts["mib"], facts["license"])
        assert facts["url"].rpartition("-")[2] == f"{one.sha256}.pth"
        assert dict(one.metrics) == facts["metrics"]
        assert one.recipe == facts["recipe"]
        assert one.where == (facts["where"] if one.metrics else "")
        plan = one.preprocessing
        assert plan is not None
        assert ([plan.resize], [plan.crop]) == (facts["resize"], facts["crop"])
        assert (plan.interpolation, plan.antialias) == (facts["interpolation"], facts["antialias"])
        if name in AUXILIARY:  # whose models rescale what the transforms give
            assert set(plan.mean) == set(plan.std) == {0.5}
            assert one.skip
            continue
        for ours, given in ((plan.mean, facts["mean"]), (plan.std, facts["std"])):
            assert list(ours) == given or set(ours) == set(given)
        assert net.report("network").total.parameters == facts["parameters"]


@pytest.mark.parametrize("name", sorted(AUXILIARY))
def test_a_network_with_auxiliary_heads_has_the_same_file(name: str) -> None:
    (plain,), (whole,) = (rescompile.load(spec).weights for spec in (name, AUXILIARY[name]))
    assert plain.url == whole.url
    assert plain.preprocessing == whole.preprocessing
    assert not whole.skip


def test_the_emitted_code_gives_what_torchvision_gives(tmp_path: Path) -> None:
    words = {}
    for name in NAMES:
        net = rescompile.load(SPECS[name])
        for one in net.weights:
            source = net.preprocessing("torch", one.name)
            (tmp_path / f"{name}_{one.name}.py").write_text(source, "utf-8")
            changes = name if name in AUXILIARY else ""
            words.setdefault((one.preprocessing, changes), f"{name}:{one.name}")
    assert len(words) > 15
    lines = output(IMAGES, tmp_path, *words.values()).splitlines()
    assert len(lines) == 4 * len(words)
