"""A new head in every backend: published weights, another task, and nothing else that changes."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.convert.conversion import Converter
from rescompile.convert.fresh import initial
from rescompile.language.override import words
from rescompile.reference.weights import random_weights
from rescompile.registry import backend_names, get_backend

ROOT = Path(__file__).parents[2]
REFERENCE = Path(os.environ.get("RESCOMPILE_REFERENCE") or ROOT.parent / "shared" / "reference")
PUBLISHED = REFERENCE / "resnet-cifar" / "resnet20-12fca82f.th"
SPEC = "resnet20_cifar"
NEW = {"linear.weight", "linear.bias"}
BACKENDS = [
    name
    for name in backend_names()
    if all(importlib.util.find_spec(module) for module in get_backend(name).requires)
]
FILES = [
    pytest.param(name, suffix, marks=[pytest.mark.slow] if i else [])
    for name in BACKENDS
    for i, suffix in enumerate(get_backend(name).weight_files)
]


@pytest.fixture(scope="module")
def converter() -> Iterator[Converter]:
    with Converter() as made:
        yield made


def read(file: Path) -> dict[str, Any]:
    with np.load(file) as stored:
        return {n: stored[n] for n in stored.files if not n.endswith("num_batches_tracked")}


def check(before: dict[str, Any], after: dict[str, Any], changed: set[str]) -> None:
    assert before.keys() == after.keys()
    for name, array in before.items():
        assert (name in changed) == (array.tobytes() != after[name].tobytes()), name


@pytest.mark.parametrize(("backend", "suffix"), FILES)
def test_a_file_of_a_backend_gets_a_new_head(
    backend: str, suffix: str, converter: Converter, tmp_path: Path
) -> None:
    """Into the file, which has four classes and grey images, and out of it, into two and RGBA."""
    given, file = tmp_path / "given.npz", tmp_path / f"made{suffix}"
    drawn = random_weights(open_spec(SPEC).analysis.elaborated, 5)
    np.savez(given, **{".".join(key): array.astype("f4") for key, array in drawn.items()})
    few = words(channels=1, classes=4)
    converter.convert(given, SPEC, file, new_head=True, changes=few)
    converter.convert(file, SPEC, tmp_path / "back.npz", changes=few)
    check(read(given), read(tmp_path / "back.npz"), {*NEW, "conv1.weight"})
    other = words(channels=4, classes=2)
    done = converter.convert(
        file, SPEC, tmp_path / "out.npz", skip=["layer3.2.conv2"], new_head=True, changes=other
    )
    out, new = read(tmp_path / "out.npz"), {*NEW, "layer3.2.conv2.weight"}
    check(read(tmp_path / "back.npz"), out, {*new, "conv1.weight"})
    assert {line.split()[0] for line in done.fresh} == new
    assert not done.left_out
    grey = read(tmp_path / "back.npz")["conv1.weight"]
    np.testing.assert_array_equal(out["conv1.weight"], grey.repeat(4, axis=1) / 4)
    net = open_spec(SPEC, set=other).analysis.elaborated
    wanted = initial(net, [tuple(name.split(".")) for name in new], 0, "float32")
    for path, array in wanted.items():
        np.testing.assert_array_equal(out[".".join(path)], array)


LIVE = """
import sys, numpy as np, rescompile
from rescompile.registry import get_backend
backend, spec = sys.argv[1:]
model = rescompile.pretrained("given.npz", backend, spec, classes=4, channels=1, new_head=True)
runtime, net = get_backend(backend).runtime(), rescompile.load(spec, classes=4, channels=1)
found = runtime.get_weights(model, net.analysis)
np.savez("live.npz", **{".".join(path): array for path, array in found.items()})
"""


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_live_model_has_what_the_converted_file_has(
    backend: str, converter: Converter, tmp_path: Path
) -> None:
    given = tmp_path / "given.npz"
    drawn = random_weights(open_spec(SPEC).analysis.elaborated, 5)
    np.savez(given, **{".".join(key): array.astype("f4") for key, array in drawn.items()})
    changes = words(channels=1, classes=4)
    converter.convert(given, SPEC, tmp_path / "file.npz", new_head=True, changes=changes)
    path = os.pathsep.join([str(ROOT), str(ROOT / "backends")])
    command = [sys.executable, "-c", LIVE, backend, SPEC]
    subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, check=True)
    check(read(tmp_path / "file.npz"), read(tmp_path / "live.npz"), set())


@pytest.mark.parametrize("backend", BACKENDS)
def test_published_weights_are_tuned_to_another_task(
    backend: str, converter: Converter, tmp_path: Path
) -> None:
    """And every backend starts from the same values."""
    if not PUBLISHED.is_file():
        pytest.skip(f"no published weights: {PUBLISHED.name} is not there")
    suffix, four = get_backend(backend).weight_files[0], words(classes=4)
    renames = [("module.", "")]
    converter.convert(PUBLISHED, SPEC, tmp_path / "ten.npz", renames=renames)
    converter.convert(
        PUBLISHED, SPEC, tmp_path / f"four{suffix}", renames=renames, new_head=True, changes=four
    )
    converter.convert(tmp_path / f"four{suffix}", SPEC, tmp_path / "four.npz", changes=four)
    before, after = read(tmp_path / "ten.npz"), read(tmp_path / "four.npz")
    check(before, after, NEW)
    assert after["linear.weight"].shape == (4, 64)
    assert not after["linear.bias"].any()
    drawn = initial(open_spec(SPEC, set=four).analysis.elaborated, [("linear", "weight")], 0, "f4")
    np.testing.assert_array_equal(after["linear.weight"], drawn[("linear", "weight")])
