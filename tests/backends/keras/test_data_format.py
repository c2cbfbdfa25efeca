"""An emitted file has its channels last, and says so where Keras is set to another order."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rescompile.api import open_spec

PROGRAM = """
import keras
import numpy as np
from {0} import {0} as build

keras.config.set_image_data_format("channels_first")
try:
    print("built with", build().count_params(), "weights")
except ValueError as error:
    print("refused:", error)
keras.config.set_image_data_format("channels_last")
model = build()
images = np.random.default_rng(0).standard_normal((1, *model.input_shape[1:])).astype("float32")
wanted = keras.ops.convert_to_numpy(model(images))
model.save("model.keras")
keras.config.set_image_data_format("channels_first")
for made in (model, keras.saving.load_model("model.keras")):
    print(np.array_equal(keras.ops.convert_to_numpy(made(images)), wanted))
"""


@pytest.mark.parametrize(
    "spec", ["resnet20_cifar", pytest.param("googlenet", marks=pytest.mark.slow)]
)
def test_another_data_format_is_refused_and_a_built_model_keeps_its_own(
    spec: str, tmp_path: Path
) -> None:
    missing = [m for m in ("keras", "torch") if importlib.util.find_spec(m) is None]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    (tmp_path / f"{spec}.py").write_text(open_spec(spec).source("keras"), "utf-8")
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    command = [sys.executable, "-c", PROGRAM.format(spec)]
    made = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    refused, *alike = made.stdout.splitlines()
    assert refused == "refused: call keras.config.set_image_data_format('channels_last') first"
    assert alike == ["True", "True"]
