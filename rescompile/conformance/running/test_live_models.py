"""Live models are copied and pickled whole, and live again where only the file is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..plugin import ready

SPEC = """\
rescompile: 1
name: mine
input: {channels: 3, height: 16, width: 16}
classes: 5
blocks:
  scaled:
    parameters: {channels: {type: int}, stride: {type: int, default: 1, once: true}}
    body:
      - conv: {channels: $channels, kernel: 3, stride: $stride}
      - norm: {}
      - layer_scale: {init: 0.5}
      - activation: {kind: relu6}
stages:
  - {name: layer1, block: scaled, repeat: 2, channels: 8, stride: 2}
head:
  - global_avg_pool: {}
  - linear: {features: $classes}
"""
HEAD = """
import copy, pickle, sys
import numpy as np
from rescompile.registry import get_backend

backend, folder = sys.argv[1:]
images = np.random.default_rng(0).standard_normal((2, 3, 16, 16)).astype("float32")

def answer(model):
    return get_backend(backend).runtime().run(model, images)[0]

"""
SENDS = """
import rescompile

spec = open(f"{folder}/mine.yaml").read()
model = rescompile.load(spec).module(backend)
other = rescompile.load(spec, classes=7).module(backend)  # of the same name
wanted = answer(model)
for made in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
    assert type(made) is type(model)
    assert np.array_equal(answer(made), wanted)
open(f"{folder}/mine.pkl", "wb").write(pickle.dumps([model, other, model]))
np.savez(f"{folder}/wanted.npz", one=wanted, other=answer(other))
"""
RECEIVES = """
first, other, again = pickle.load(open(f"{folder}/mine.pkl", "rb"))
wanted = np.load(f"{folder}/wanted.npz")
assert first is again
assert np.array_equal(answer(first), wanted["one"])
assert np.array_equal(answer(other), wanted["other"])
assert np.array_equal(answer(copy.deepcopy(first)), wanted["one"])
"""


@pytest.mark.needs("runtime")
def test_they_travel_between_processes(backend: str, tmp_path: Path) -> None:
    ready(backend)
    (tmp_path / "mine.yaml").write_bytes(SPEC.encode())
    for script in (SENDS, RECEIVES):
        words = [sys.executable, "-c", HEAD + script, backend, str(tmp_path)]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
