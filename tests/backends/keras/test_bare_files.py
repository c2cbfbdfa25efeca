"""Files of Keras' weights are written without Keras as Keras writes them."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.convert import convert
from rescompile.reference.weights import random_weights
from rescompile_keras.backend import backend

h5py = pytest.importorskip("h5py", reason="the files are read and written by h5py")
ROOT = Path(__file__).parents[3]
SHARED = str(Path(__file__).parent / "shared.yaml")  # steps that are applied again
SUFFIXES = [".npz", ".safetensors", ".weights.h5"]

with_keras = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="needs Keras on TensorFlow"
)

CONVERT = """
import sys
from pathlib import Path
from rescompile.convert import convert

spec, *files = sys.argv[1:]
for source, output in zip(files, files[1:]):
    convert(Path(source), spec, Path(output))
"""


def given(spec: str, folder: Path) -> Path:
    drawn = random_weights(open_spec(spec).analysis.elaborated, 5)
    np.savez(folder / "given.npz", **{".".join(k): a.astype("f4") for k, a in drawn.items()})
    return folder / "given.npz"


# With a flatten, branches, depthwise convolutions, gates, shuffles, layer scales, dropout.
@pytest.mark.parametrize(
    "spec",
    [
        "resnet20_cifar",
        pytest.param("googlenet", marks=pytest.mark.slow),
        pytest.param("mobilenet_v3_small", marks=pytest.mark.slow),
        pytest.param("shufflenet_v2_x0_5", marks=pytest.mark.slow),
    ],
)
def test_no_framework_is_imported(spec: str, tmp_path: Path) -> None:
    """Not even in the process of a backend: importing one would end it."""
    forbidden = tmp_path / "forbidden"
    forbidden.mkdir()
    for name in ("torch", "tensorflow", "keras", "jax"):
        (forbidden / f"{name}.py").write_text("import os\nos._exit(3)\n")
    way = [a for pair in itertools.permutations(SUFFIXES, 2) for a in pair]
    files = [given(spec, tmp_path), *(tmp_path / f"{i}{suffix}" for i, suffix in enumerate(way))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(forbidden), *sys.path])}
    arguments = [spec, *map(str, files), str(tmp_path / "back.npz")]
    subprocess.run([sys.executable, "-c", CONVERT, *arguments], check=True, env=environment)
    with np.load(files[0]) as wanted, np.load(tmp_path / "back.npz") as got:
        for name in wanted.files:
            assert got[name].dtype == wanted[name].dtype
            assert got[name].tobytes() == wanted[name].tobytes(), name


KERAS = """
import json, sys, traceback
import keras, numpy as np
from rescompile.api import open_spec
from rescompile.live import import_source
from rescompile.registry import get_backend

runtime = get_backend("keras").runtime()

def build(spec):
    net = open_spec(spec)
    module = import_source(net.source("keras"), "keras", net.name)
    return net, runtime.build(module, net.name, "float32")

def layers(spec):
    return [[type(layer).__name__, layer.name] for layer in listed(build(spec)[1])]

def listed(model):
    inner = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return [*model.layers[1:], *(layer for one in inner for layer in listed(one))]

def load(spec, weights, ours, theirs):
    net, model = build(spec)
    given = np.load(weights)
    runtime.set_weights(model, net.analysis, {tuple(n.split(".")): given[n] for n in given.files})
    model.save_weights(theirs)
    x = np.random.default_rng(0).standard_normal((1, *model.input_shape[1:])).astype("float32")
    outputs = []
    for file in (ours, theirs):
        _, model = build(spec)
        model.load_weights(file)
        outputs.append(np.asarray(model(x)))
    assert np.isfinite(outputs[0]).all() and np.ptp(outputs[0]) > 0
    return bool(np.array_equal(*outputs))

def archive(spec, file):
    _, model = build(spec)
    model.save(file)
    loaded = keras.saving.load_model(file)
    x = np.random.default_rng(0).standard_normal((2, *model.input_shape[1:])).astype("float32")
    made = [np.asarray(one(x, training=mode)) for mode in (False, True) for one in (model, loaded)]
    same = all(np.array_equal(a, b) for a, b in zip(model.get_weights(), loaded.get_weights()))
    return [bool(np.array_equal(*made[:2])), bool(np.array_equal(*made[2:])), same]

for line in sys.stdin:
    try:
        action, *given = json.loads(line)
        answer = {"layers": layers, "load": load, "archive": archive}[action](*given)
    except Exception:
        answer = traceback.format_exc()
    print("answer", json.dumps(answer), flush=True)
"""


@pytest.fixture(scope="module")
def keras() -> Iterator[Callable[..., Any]]:
    """Asks a process with Keras."""
    process = subprocess.Popen(
        [sys.executable, "-c", KERAS],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def ask(*given: Any) -> Any:
        stdin.write(json.dumps([str(one) for one in given]) + "\n")
        stdin.flush()
        line = next(line for line in stdout if line.startswith("answer "))
        return json.loads(line.removeprefix("answer "))

    yield ask
    stdin.close()
    process.wait()


@with_keras
def test_layers_are_numbered_as_keras_does(keras: Callable[..., Any], to_keep: str) -> None:
    assert numbered(to_keep) == keras("layers", to_keep)


@with_keras
def test_shared_layers_are_numbered_as_keras_does(keras: Callable[..., Any]) -> None:
    assert numbered(SHARED) == keras("layers", SHARED)


@with_keras
def test_shared_layers_come_back_from_an_archive(keras: Callable[..., Any], tmp_path: Path) -> None:
    """Outputs, those in training, and the statistics after that."""
    assert keras("archive", SHARED, tmp_path / "shared.keras") == [True, True, True]


def numbered(spec: str) -> list[list[str]]:
    net = open_spec(spec)
    layers = backend.files().layers(net.analysis, net.source("keras"))
    return [[layer.kind, layer.name] for _, layer in layers]


def contents(file: Path) -> tuple[dict[str, tuple[str, bytes]], dict[str, str]]:
    """Type and bytes of each dataset, and the name of each group but the input's."""
    arrays: dict[str, tuple[str, bytes]] = {}
    names: dict[str, str] = {}

    def visit(path: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            arrays[path] = (item.dtype.str, item[()].tobytes())
        elif path.endswith("vars"):
            names[path] = item.attrs["name"]

    with h5py.File(file) as opened:
        opened.visititems(visit)
    return arrays, {path: name for path, name in names.items() if "/input_layer/" not in path}


@with_keras
@pytest.mark.parametrize(
    "spec",
    [
        *("resnet20_cifar", "googlenet", "mobilenet_v3_small", SHARED),
        pytest.param("convnext_tiny", marks=pytest.mark.slow),
    ],
)
def test_keras_loads_what_it_would_have_written(
    spec: str, keras: Callable[..., Any], tmp_path: Path
) -> None:
    ours, theirs = tmp_path / "ours.weights.h5", tmp_path / "theirs.weights.h5"
    convert(given(spec, tmp_path), spec, ours)
    assert keras("load", spec, tmp_path / "given.npz", ours, theirs) is True
    assert contents(ours) == contents(theirs)
