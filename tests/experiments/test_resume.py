"""A training that is killed, wherever, and started again leaves the lines of one that was not.

Each attempt is a child process that kills itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KILLED = [("step", 1), ("checkpoint", 2), ("line", 4), ("step", 5), ("checkpoint", 6), ("line", 8)]
ATTEMPTS = """
import importlib, os, signal, sys
from pathlib import Path

framework, network, data_folder, out, *kills = sys.argv[1:]
from experiments.degradation import data
from experiments.degradation.recipe import SCALES
from experiments.degradation.run import Run

trainer = importlib.import_module(f"experiments.degradation.train_{framework}")
for name in ("torch._dynamo", *(["tensorflow"] if framework == "keras" else [])):
    importlib.import_module(name)  # which the children would import, each for itself
found = data.read(Path(data_folder), SCALES["trial"])


def train(folder, kill=""):
    where, _, when = kill.partition(":")
    run = Run(framework, network, 5, SCALES["trial"], found, Path(out, folder))

    def die(now, iteration):
        if kill and (now, iteration) == (where, int(when)):
            os.kill(os.getpid(), signal.SIGKILL)

    save = trainer.save

    def saved(run, iteration, *state):
        die("line", iteration)
        save(run, iteration, *state)
        die("checkpoint", iteration)

    trainer.save = saved
    run.progress = lambda iteration: die("step", iteration)
    trainer.train(run, 1)


for kill in kills:
    child = os.fork()
    if child == 0:
        train("killed", kill)
        os._exit(3)  # it was not killed
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, (kill, status)
child = os.fork()
if child == 0:
    train("killed")
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
train("whole")
"""


def attempts(framework: str, engine: str, folder: Path, out: Path) -> None:
    words = [f"{where}:{when}" for where, when in KILLED]
    done = subprocess.run(
        [sys.executable, "-c", ATTEMPTS, framework, "resnet20", str(folder), str(out), *words],
        env={
            **os.environ,
            "KERAS_BACKEND": engine,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "backends")]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def same_lines(framework: str, out: Path) -> None:
    name = f"{framework}-resnet20-5.jsonl"
    whole = (out / "whole" / name).read_text("utf-8")
    assert (out / "killed" / name).read_text("utf-8") == whole
    assert [json.loads(line)["iteration"] for line in whole.splitlines()] == [2, 4, 6, 8]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize(
    ("framework", "engine"),
    [
        ("torch", "torch"),
        pytest.param("keras", "torch", marks=pytest.mark.slow),
        pytest.param("keras", "tensorflow", marks=pytest.mark.slow),
    ],
)
def test_killed_and_started_again(
    framework: str, engine: str, folder: Path, tmp_path: Path
) -> None:
    pytest.importorskip(framework)
    attempts(framework, engine, folder, tmp_path)
    same_lines(framework, tmp_path)
    left = {path.suffix for path in (tmp_path / "killed").iterdir()}
    assert left == {".checkpoint", ".jsonl"}  # and nothing half written
