"""A new head in every backend: another task, and nothing else that changes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ...api import open_spec
from ...convert.conversion import Converter
from ...convert.fresh import initial
from ...ir.structure import path_of
from ...language.override import words
from ...registry import get_backend
from ..plugin import ready
from .drawn import drawn

SPEC = "resnet20_cifar"
NEW = {"linear.weight", "linear.bias"}


def read(file: Path) -> dict[str, Any]:
    with np.load(file) as stored:
        return {n: stored[n] for n in stored.files if not n.endswith("num_batches_tracked")}


def check(before: dict[str, Any], after: dict[str, Any], changed: set[str]) -> None:
    assert before.keys() == after.keys()
    for name, array in before.items():
        assert (name in changed) == (array.tobytes() != after[name].tobytes()), name


@pytest.mark.needs("weight_files")
def test_a_file_of_a_backend_gets_a_new_head(
    backend: str, converter: Converter, tmp_path: Path
) -> None:
    ready(backend)
    check_new_head(get_backend(backend).weight_files[0], converter, tmp_path)


@pytest.mark.slow
def test_every_other_file_of_a_backend_gets_a_new_head(
    backend: str, further_suffix: str, converter: Converter, tmp_path: Path
) -> None:
    ready(backend)
    check_new_head(further_suffix, converter, tmp_path)


def check_new_head(suffix: str, converter: Converter, tmp_path: Path) -> None:
    """Into the file, which has four classes and grey images, and out of it, into two and RGBA."""
    given, file = drawn(SPEC, tmp_path / "given.npz"), tmp_path / f"made{suffix}"
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
    wanted = initial(net, [path_of(name) for name in new], 0, "float32")
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


@pytest.mark.needs("runtime")
def test_a_live_model_has_what_the_converted_file_has(
    backend: str, converter: Converter, tmp_path: Path
) -> None:
    ready(backend)
    given = drawn(SPEC, tmp_path / "given.npz")
    changes = words(channels=1, classes=4)
    converter.convert(given, SPEC, tmp_path / "file.npz", new_head=True, changes=changes)
    path = os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, "-c", LIVE, backend, SPEC]
    subprocess.run(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, check=True)
    check(read(tmp_path / "file.npz"), read(tmp_path / "live.npz"), set())
