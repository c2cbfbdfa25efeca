"""On two devices a training ends at the weights of one, where norms see the whole batch.

Two processes of torchrun on the CPU, and two virtual devices of JAX, train a ResNet of 6 layers for
ten iterations in float32, by the trainings that the command runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
TRAINING = """
import importlib, sys
from pathlib import Path

framework, norms, data_folder, out, *counts = sys.argv[1:]
import rescompile
from experiments.degradation import data
from experiments.degradation.execution import Execution
from experiments.degradation.recipe import Scale
from experiments.degradation.run import Run
from rescompile.live import import_source

net = rescompile.load("resnet20_cifar", set={"n": 1, "stages.layer3": None}, name="resnet6")
trainer = importlib.import_module(f"experiments.degradation.train_{framework}")
trainer.emitted = lambda *_: import_source(net.source(framework), framework, net.name).resnet6
ten = Scale("ten", 8, 200, 100, 10, every=10, measured=100, batch=32)
found = data.read(Path(data_folder), ten)
for count in counts:
    execution = Execution(devices=int(count), norms=norms)
    execution.check(framework, ten.batch)
    folder = Path(out, count)
    folder.mkdir(exist_ok=True)
    trainer.train(Run(framework, "resnet6", 3, ten, found, folder, execution=execution))
"""
Values = dict[str, Any]


def train(words: list[str], *given: object) -> None:
    """In a child, by Python with `words` before the script."""
    env = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "backends")])}
    env |= {"KERAS_BACKEND": "jax"}
    # Optimised less, the same is computed, and compiled in half the time.
    flags = "--xla_force_host_platform_device_count=2 --xla_backend_optimization_level=0"
    done = subprocess.run(
        [sys.executable, *words, *map(str, given)],
        env={**os.environ, **env, "XLA_FLAGS": flags},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def by_torch(count: int, norms: str, folder: Path, out: Path) -> Values:
    """Weights, running statistics and velocities after ten iterations."""
    import torch

    script = out / "training.py"
    script.write_text(TRAINING, "utf-8")
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    words = [*(launcher if count > 1 else []), str(script)]
    train(words, "torch", norms, folder, out, count)
    (checkpoint,) = out.glob("*/*.checkpoint")
    found = torch.load(checkpoint, weights_only=True)
    velocities = found["optimizer"]["state"].items()
    return {name: value.numpy() for name, value in found["model"].items()} | {
        f"velocity {i}": state["momentum_buffer"].numpy() for i, state in velocities
    }


def apart(got: Values, wanted: Values) -> float:
    """The largest difference; the weights are of about one."""
    assert got.keys() == wanted.keys()
    assert len(wanted) > 40
    found = max(float(np.abs(got[name] - value).max()) for name, value in wanted.items())
    print(f"{found:.1e} apart")
    return found


@pytest.fixture(scope="module")
def one(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Values:
    """What PyTorch has in one process."""
    pytest.importorskip("torch")
    return by_torch(1, "synchronised", folder, tmp_path_factory.mktemp("one"))


def test_two_processes_of_torchrun(one: Values, folder: Path, tmp_path: Path) -> None:
    assert 0 < apart(by_torch(2, "synchronised", folder, tmp_path), one) < 1e-6


@pytest.mark.slow
def test_statistics_by_device_are_others(one: Values, folder: Path, tmp_path: Path) -> None:
    assert apart(by_torch(2, "device", folder, tmp_path), one) > 1e-3
    (path,) = tmp_path.glob("*/*.jsonl")
    (record,) = map(json.loads, path.read_text("utf-8").splitlines())
    assert record["norm_images"] == 16
    assert record["machine"]["devices"] == 2


@pytest.mark.slow
def test_two_devices_of_jax(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("jax")
    pytest.importorskip("keras")
    train(["-c", TRAINING], "keras", "synchronised", folder, tmp_path, 1, 2)
    found = []
    for count in "12":
        (checkpoint,) = tmp_path.glob(f"{count}/*.checkpoint")
        with np.load(checkpoint) as stored:
            found.append({name: stored[name] for name in stored.files if name != "about"})
    assert 0 < apart(*found) < 1e-6
