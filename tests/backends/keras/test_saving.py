"""The emitted Keras model is saved as .keras and loaded again with the same outputs, bit for bit.

It runs in a process of its own, because PyTorch and TensorFlow crash in one; the process stays for
all networks, because importing TensorFlow takes seconds.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("keras") is None, reason="needs Keras: pip install rescompile[keras]"
)

PROGRAM = """
import importlib, json, sys, traceback
import keras, numpy as np

def check(name, path):
    keras.backend.clear_session()
    model = getattr(importlib.import_module(f"generated.keras.{name}"), name)()
    draw = np.random.default_rng(0)
    for variable in model.weights:
        low = 0.5 if "variance" in variable.name or "gamma" in variable.name else -0.05
        variable.assign(draw.uniform(low, low + 0.1, variable.shape))
    x = draw.standard_normal((1, *model.input_shape[1:])).astype("float32")
    wanted = np.asarray(model(x))
    model.save(path)
    loaded = keras.saving.load_model(path)
    return {
        "equal": bool(np.array_equal(np.asarray(loaded(x)), wanted)),
        "names": [w.path for w in loaded.weights] == [w.path for w in model.weights],
        "finite": bool(np.isfinite(wanted).all()),
        "spread": float(np.ptp(wanted)),
    }

for line in sys.stdin:
    try:
        answer = check(*json.loads(line))
    except Exception:
        answer = {"error": traceback.format_exc()}
    print("answer", json.dumps(answer), flush=True)
"""


@pytest.fixture(scope="module")
def check() -> Iterator[Callable[[str, Path], dict[str, Any]]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def ask(name: str, path: Path) -> dict[str, Any]:
        stdin.write(json.dumps([name, str(path)]) + "\n")
        stdin.flush()
        line = next(line for line in stdout if line.startswith("answer "))
        answer: dict[str, Any] = json.loads(line.removeprefix("answer "))
        return answer

    yield ask
    stdin.close()
    process.wait()


def test_a_model_comes_back_as_it_was_saved(
    check: Callable[[str, Path], dict[str, Any]], to_keep: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.keras"
    answer = check(to_keep, path)
    assert "error" not in answer, answer["error"]
    assert answer["equal"]
    assert answer["names"]
    assert answer["finite"]
    assert answer["spread"] > 0
    path.unlink()
