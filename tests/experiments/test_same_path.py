"""PyTorch and Keras follow one path: the same weights and batches, float64, step by step.

The recipe's numbers are such as float32 holds exactly, for Keras passes its floats through it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
pytest.importorskip("torch")
pytest.importorskip("keras")
PATH = """
import sys
import numpy as np
from experiments.degradation import recipe
from experiments.degradation.data import Data, Split
from experiments.degradation.loader import Batches
from rescompile.api import open_spec
from rescompile.reference.weights import random_weights
from rescompile.registry import get_backend

framework, network, steps, out = sys.argv[1:]
rng = np.random.default_rng(7)
images = rng.integers(256, size=(100, 8, 8, 3)).astype(np.uint8)
split = Split(images, rng.integers(10, size=100))
batches = Batches(Data(split, split, "noise"), seed=3, size=20, dtype="float64")
exact = recipe.Recipe(rate=0.125, momentum=0.875, weight_decay=2.0**-10)
analysis = open_spec(network + "_cifar").analysis
weights = random_weights(analysis.elaborated)
runtime = get_backend(framework).runtime()
losses = []
if framework == "torch":
    import torch
    from experiments.degradation import train_torch as trainer
    model, optimizer = trainer.prepare(network, exact)
    model = model.double()
    runtime.set_weights(model, analysis, weights)
else:
    import keras
    keras.config.set_floatx("float64")
    from experiments.degradation import train_keras as trainer
    model = trainer.prepare(network, exact, 8)
    optimizer = model.optimizer
    runtime.set_weights(model, analysis, weights)
for i in range(int(steps)):
    if i == 3:
        trainer.set_rate(optimizer, 0.015625)
    x, y = batches.training(i)
    if framework == "torch":
        penalty = sum(float((p.detach() ** 2).sum()) for p in model.parameters()) * 2.0**-11
        x = trainer.to_torch(x, torch.device("cpu"))
        losses.append(float(trainer.step(model, optimizer, x, torch.from_numpy(y))) + penalty)
    else:
        losses.append(float(model.train_on_batch(x, y)))
        model.reset_metrics()
found = runtime.get_weights(model, analysis)
np.savez(out, losses=losses, **{".".join(path): value for path, value in found.items()})
"""


def path(framework: str, network: str, steps: int, folder: Path) -> dict[str, Any]:
    out = folder / f"{framework}.npz"
    done = subprocess.run(
        [sys.executable, "-c", PATH, framework, network, str(steps), str(out)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "backends")])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with np.load(out) as stored:
        return dict(stored)


def apart(network: str, steps: int, folder: Path) -> dict[str, float]:
    """How far each kind of value is apart, relative to the largest of its tensor."""
    torch, keras = (path(framework, network, steps, folder) for framework in ("torch", "keras"))
    assert torch.keys() == keras.keys()
    found = {"losses": 0.0, "weights": 0.0, "means": 0.0}
    for name, wanted in torch.items():
        if name.endswith("running_var"):  # by definition: Keras' is the biased variance
            continue
        error = float(np.abs(keras[name] - wanted).max() / np.abs(wanted).max())
        kind = "losses" if name == "losses" else "weights"
        kind = "means" if name.endswith("running_mean") else kind
        found[kind] = max(found[kind], error)
    print(network, steps, found)
    return found


def test_five_steps(tmp_path: Path) -> None:
    assert max(apart("resnet20", 5, tmp_path).values()) < 1e-8


@pytest.mark.slow
@pytest.mark.parametrize("network", ["plain20", "resnet20", "resnet56"])
def test_fifty_steps(network: str, tmp_path: Path) -> None:
    assert max(apart(network, 50, tmp_path).values()) < 1e-8
