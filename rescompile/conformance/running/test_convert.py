"""Weights go from backend to backend and back without the change of a bit; no backend is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ...api import open_spec
from ...convert.conversion import Converter
from ...emit.weights import state_slots
from ...language.load import zoo
from ...registry import get_backend
from ...worker.client import Worker
from ..plugin import ready
from .drawn import drawn


def suffixes_of(backends: list[str]) -> list[str]:
    return [suffix for name in backends for suffix in get_backend(name).weight_files]


def _through(converter: Converter, spec: str, first: Path, suffixes: list[str]) -> list[Path]:
    """A conversion from file to file, each of the next suffix."""
    files = [first]
    for i, suffix in enumerate(suffixes):
        files.append(first.parent / f"{i}{suffix}")
        converter.convert(files[-2], spec, files[-1])
    return files


def _same_bits(a: Path, b: Path) -> None:
    with np.load(a) as wanted, np.load(b) as got:
        assert set(wanted.files) == {n for n in got.files if not n.endswith("num_batches_tracked")}
        for name in wanted.files:
            assert got[name].dtype == wanted[name].dtype
            assert got[name].shape == wanted[name].shape
            assert got[name].tobytes() == wanted[name].tobytes(), name


def test_there_and_back_changes_no_bit(
    converter: Converter, backends: list[str], to_keep: str, tmp_path: Path
) -> None:
    way = [get_backend(name).weight_files[0] for name in backends]
    files = _through(
        converter, to_keep, drawn(to_keep, tmp_path / "given.npz"), [*way, *way[:1], ".npz"]
    )
    _same_bits(files[0], files[-1])


# Kernels that are stored turned around, and rows of a matrix in the order of a flattened map.
TURNED = """
rescompile: 1
name: turned
input: {channels: 3, height: 10, width: 14}
stages:
  - conv: {channels: 8, kernel: 3, stride: 2, groups: 1}
  - {name: scale, layer_scale: {init: 0.5}}
  - conv: {channels: 8, kernel: [3, 5], groups: 8}
  - conv_transpose: {channels: 6, kernel: [3, 2], stride: 2, bias: true}
  - flatten: {}
  - linear: {features: 5}
"""


def test_what_is_turned_around_comes_back(
    converter: Converter, backends: list[str], tmp_path: Path
) -> None:
    (tmp_path / "turned.yaml").write_bytes(TURNED.encode())
    spec = str(tmp_path / "turned.yaml")
    way = [get_backend(name).weight_files[0] for name in backends]
    files = _through(converter, spec, drawn(spec, tmp_path / "given.npz"), [*way, *way[:1], ".npz"])
    _same_bits(files[0], files[-1])


@pytest.mark.parametrize(
    "dtype", ["float16", "float64", pytest.param("float32", marks=pytest.mark.slow)]
)
def test_every_format_keeps_every_type(
    converter: Converter, backends: list[str], dtype: str, tmp_path: Path
) -> None:
    way = suffixes_of(backends)
    spec = "resnet20_cifar"
    file = drawn(spec, tmp_path / "given.npz", dtype)
    files = _through(converter, spec, file, [".safetensors", *way, ".safetensors", ".npz"])
    _same_bits(files[0], files[-1])


def test_every_format_takes_the_other_byte_order(
    converter: Converter, backends: list[str], tmp_path: Path
) -> None:
    spec = "resnet20_cifar"
    big = drawn(spec, tmp_path / "big.npz", ">f4")
    for suffix in (".safetensors", *suffixes_of(backends)):
        *_, back = _through(converter, spec, big, [suffix, ".npz"])
        _same_bits(drawn(spec, tmp_path / "given.npz"), back)


ORDERED = [
    *("preact_resnet18", "mobilenet_v2"),
    *(pytest.param(n, marks=pytest.mark.slow) for n in ("resnet18", "googlenet", "se_resnet50")),
]


@pytest.mark.parametrize("spec", ORDERED)
@pytest.mark.needs("interchange_files", "runtime")
def test_neutral_files_have_the_order_of_the_backends_that_load_them(
    backend: str, spec: str, tmp_path: Path
) -> None:
    """Matching by order relies on it."""
    ready(backend)
    slots = state_slots(open_spec(spec).analysis)
    with Worker(backend) as worker:
        kept = [*worker.weights(zoo()[spec], str(drawn(spec, tmp_path / "given.npz")))]
    assert kept == [slot.name for slot in slots if not slot.optional]


@pytest.mark.needs("weight_files")
def test_a_written_file_is_the_same_every_time(
    converter: Converter, backend: str, tmp_path: Path
) -> None:
    ready(backend)
    suffix = get_backend(backend).weight_files[0]
    file = drawn("resnet20_cifar", tmp_path / "given.npz")
    *_, first, _, second = _through(converter, "resnet20_cifar", file, [suffix, ".npz", suffix])
    assert first.read_bytes() == second.read_bytes()
