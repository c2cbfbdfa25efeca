"""Precision, layout and devices: what is refused, what results say, and that half precision learns.

No test has a GPU, so the trainings in half precision are those of their steps alone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from experiments.degradation import data
from experiments.degradation.__main__ import main
from experiments.degradation.errors import StudyError
from experiments.degradation.execution import Execution, numerics
from experiments.degradation.recipe import PAPER, SCALES
from experiments.degradation.run import Run

ROOT = Path(__file__).parents[2]
TRIAL = SCALES["trial"]


@pytest.mark.parametrize(
    ("framework", "execution", "said"),
    [
        ("torch", Execution(devices=2), "PyTorch has a process for each device"),
        ("keras", Execution(devices=3), "a batch of 32 has no 3 equal parts"),
        ("keras", Execution(devices=2, norms="device"), "--norms device is PyTorch's alone"),
        ("keras", Execution(layout="channels_first"), "engines choose the layout"),
    ],
)
def test_what_a_framework_cannot_do(framework: str, execution: Execution, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        execution.check(framework, TRIAL.batch)


def test_what_torchrun_cannot_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    Execution(devices=2).check("torch", TRIAL.batch)
    with pytest.raises(StudyError, match="torchrun is for PyTorch"):
        Execution(devices=2).check("keras", TRIAL.batch)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")
    with pytest.raises(StudyError, match="on several machines"):
        Execution(devices=2).check("torch", TRIAL.batch)


@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_half_precision_is_for_gpus(framework: str, folder: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    words = ["run", "--scale", "trial", "--data", str(folder), "--out", str(tmp_path)]
    words += ["--networks", "plain20", "--frameworks", framework, "--precision", "bfloat16"]
    environment = {"KERAS_BACKEND": "torch"}
    done = CliRunner(env=environment).invoke(main, words)
    assert "bfloat16 is for GPUs, and there is none: leave --precision out" in done.output
    assert done.exit_code == 1
    assert not list(tmp_path.rglob("*.jsonl"))


def test_what_results_depend_on_is_in_them(folder: Path, tmp_path: Path) -> None:
    """And lines that do not say it are of one device in float32."""
    found = data.read(folder, TRIAL)

    def run(**how: Any) -> Run:
        return Run("torch", "plain20", 0, TRIAL, found, tmp_path, execution=Execution(**how))

    usual = run().identity
    assert usual["precision"] == "float32"
    assert usual["norm_images"] == TRIAL.batch
    old = {key: value for key, value in usual.items() if key not in numerics(usual)}
    for same in (run(), run(devices=2), run(layout="channels_first")):
        for identity in (usual, old):
            same.records = [{"iteration": 2}]
            same.resume(2, identity)
    for key, other in (
        ("norm_images", run(devices=2, norms="device")),
        ("precision", run(precision="bfloat16")),
    ):
        for identity in (usual, old):
            other.records = [{"iteration": 2}]
            with pytest.raises(StudyError, match=f"another {key}"):
                other.resume(2, identity)


HALF = """
import numpy as np
import keras
from experiments.degradation import train_keras as trainer
from experiments.degradation.recipe import PAPER

rng = np.random.default_rng(0)
images, labels = rng.standard_normal((16, 8, 8, 3)).astype("float32"), rng.integers(10, size=16)
losses = {}
for precision in ("float32", "bfloat16", "float16"):
    keras.utils.set_random_seed(1)
    model = trainer.prepare("plain20", PAPER, 8, precision)
    losses[precision] = []
    for rate in (0.05, 0.05, 0.005):
        trainer.set_rate(model.optimizer, rate)
        losses[precision].append(float(model.train_on_batch(images, labels)))
        model.reset_metrics()
    halves = [layer.compute_dtype for layer in model.layers if "conv" in layer.name]
    assert {*halves} == {precision}, halves
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    assert trainer.predict(model, images).dtype == "float32"
for found in losses.values():
    assert np.allclose(found, losses["float32"], rtol=0.03), losses
assert losses["bfloat16"] != losses["float32"]
assert type(model.optimizer).__name__ == "LossScaleOptimizer"
"""


@pytest.mark.slow
def test_half_precision_in_keras() -> None:
    """Weights stay in float32, and the losses are about those of float32."""
    pytest.importorskip("keras")
    path = os.pathsep.join([str(ROOT), str(ROOT / "backends")])
    done = subprocess.run(
        [sys.executable, "-c", HALF],
        env={
            **os.environ,
            "PYTHONPATH": path,
            "KERAS_BACKEND": "torch",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_half_precision_in_pytorch() -> None:
    torch = pytest.importorskip("torch")
    from experiments.degradation import train_torch as trainer

    rng, cpu = np.random.default_rng(0), torch.device("cpu")
    images = rng.standard_normal((16, 8, 8, 3)).astype("float32")
    labels = torch.from_numpy(rng.integers(10, size=16))
    losses: dict[str, list[float]] = {}
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(1)
        model, optimizer = trainer.prepare("plain20", PAPER)
        half = trainer.Half(precision, cpu)
        x = trainer.to_torch(images, cpu, "channels_first")
        losses[precision] = [
            float(trainer.step(model, optimizer, x, labels, half)) for _ in range(3)
        ]
        assert {p.dtype for p in model.parameters()} == {torch.float32}
        assert trainer.predict(model, images, half=half).dtype == "float32"
        assert not half.scaler.is_enabled()
    assert losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"][0] == pytest.approx(losses["float32"][0], rel=0.01)
    assert losses["bfloat16"][2] < losses["bfloat16"][0]
    assert trainer.Half("float16", cpu).scaler.is_enabled()
