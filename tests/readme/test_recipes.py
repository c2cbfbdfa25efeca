"""The training recipes of README.md: under them both frameworks' own optimizers agree.

Ten steps in float64 from the same weights, the rate dropped after the fifth. The recipes' numbers
are replaced by such as float32 holds exactly, for Keras passes its floats through float32.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
RECIPES = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), flags=re.S)
EXACT = {"0.1": "0.125", "0.9": "0.875", "1e-4": "2**-10"}
SPEC = """
rescompile: 1
name: small
input: {channels: 3, height: 16, width: 16}
classes: 5
defaults: {norm: {unbiased: true}}
use: [blocks/residual]
shortcut: projection
stem:
  - conv: {channels: 8, kernel: 3, bias: true}
    name: conv1
  - norm: {}
    name: bn1
  - activation: {}
stages:
  - {name: layer1, block: basic_block, repeat: 2, channels: 16, stride: 2}
head:
  - global_avg_pool: {}
  - linear: {features: $classes}
    name: fc
"""
AROUND = """
import sys
import numpy as np
from rescompile.api import open_spec
from rescompile.live import import_source
from rescompile.reference.weights import random_weights
from rescompile.registry import get_backend

backend, spec, out = sys.argv[1:]
net = open_spec(spec)
runtime = get_backend(backend).runtime()
module = import_source(net.source(backend), backend, net.name)
model = runtime.build(module, net.name, "float64")
runtime.set_weights(model, net.analysis, random_weights(net.analysis.elaborated))
rng = np.random.default_rng(0)
batches = [(rng.standard_normal((6, 3, 16, 16)), rng.integers(5, size=6)) for _ in range(10)]
{recipe}
for i, (images, labels) in enumerate(batches):
    if i == 5:
        set_rate(0.015625)
    {step}
np.savez(out, **{{".".join(k): v for k, v in runtime.get_weights(model, net.analysis).items()}})
"""
STEPS = {
    "torch": "train_step(torch.from_numpy(images), torch.from_numpy(labels))",
    "keras": "model.train_on_batch(images.transpose(0, 2, 3, 1), labels)",
}


def recipe(backend: str) -> str:
    (found,) = (block for block in RECIPES if f"import {backend}\n" in block and "SGD" in block)
    for shown, exact in EXACT.items():
        found = re.sub(rf"(?<![\w.]){re.escape(shown)}(?![\w.])", exact, found)
    return found


def trained(backend: str, code: str, folder: Path) -> dict[str, Any]:
    """All weights after the steps."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    (folder / "small.yaml").write_text(SPEC, "utf-8")
    program = AROUND.format(recipe=code, step=STEPS[backend])
    out = folder / f"{backend}.npz"
    done = subprocess.run(
        [sys.executable, "-c", program, backend, str(folder / "small.yaml"), str(out)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "backends")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with np.load(out) as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return trained("torch", recipe("torch"), tmp_path_factory.mktemp("torch"))


def apart(got: dict[str, Any], wanted: dict[str, Any]) -> float:
    assert got.keys() == wanted.keys()
    return max(
        float(np.abs(got[name] - wanted[name]).max() / np.abs(wanted[name]).max())
        for name in wanted
    )


def test_the_recipes_follow_the_same_path(wanted: dict[str, Any], tmp_path: Path) -> None:
    assert apart(trained("keras", recipe("keras"), tmp_path), wanted) < 1e-10


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            *("regularizers.L2(2**-10 / 2)", "regularizers.L2(2**-10)"),
            id="another decay",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            *("velocity.assign(velocity * (rate / optimizer.learning_rate))", "pass"),
            id="a rate in the velocity",
        ),
        pytest.param(
            *("momentum=0.875)", "momentum=0.875, weight_decay=2**-10)"),
            id="decoupled decay as well",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_without_the_recipe_they_part(
    old: str, new: str, wanted: dict[str, Any], tmp_path: Path
) -> None:
    code = recipe("keras")
    assert old in code
    error = apart(trained("keras", code.replace(old, new), tmp_path), wanted)
    print(f"{new}: {error:.1e}")
    assert error > 1e-4
