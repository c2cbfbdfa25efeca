"""Weights go from backend to backend and back without the change of a bit; no backend is named."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.convert.conversion import Converter
from rescompile.emit.weights import state_slots
from rescompile.language.load import zoo
from rescompile.reference.weights import random_weights
from rescompile.registry import backend_names, get_backend
from rescompile.worker.client import Worker

BACKENDS = [
    name
    for name in backend_names()
    if all(importlib.util.find_spec(module) for module in get_backend(name).requires)
]


@pytest.fixture(scope="module")
def converter() -> Iterator[Converter]:
    with Converter() as made:
        yield made


def _given(spec: str, folder: Path, dtype: str = "float32") -> Path:
    """Random weights in a file of no framework's."""
    drawn = random_weights(open_spec(spec).analysis.elaborated, 5)
    path = folder / "given.npz"
    np.savez(path, **{".".join(key): array.astype(dtype) for key, array in drawn.items()})
    return path


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


def test_there_and_back_changes_no_bit(converter: Converter, to_keep: str, tmp_path: Path) -> None:
    way = [get_backend(name).weight_files[0] for name in BACKENDS]
    files = _through(converter, to_keep, _given(to_keep, tmp_path), [*way, *way[:1], ".npz"])
    _same_bits(files[0], files[-1])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_every_format_keeps_every_type(converter: Converter, dtype: str, tmp_path: Path) -> None:
    way = [suffix for name in BACKENDS for suffix in get_backend(name).weight_files]
    spec = "resnet20_cifar"
    given = _given(spec, tmp_path, dtype)
    files = _through(converter, spec, given, [".safetensors", *way, ".safetensors", ".npz"])
    _same_bits(files[0], files[-1])


def test_every_format_takes_the_other_byte_order(converter: Converter, tmp_path: Path) -> None:
    spec = "resnet20_cifar"
    drawn = random_weights(open_spec(spec).analysis.elaborated, 5)
    weights = {".".join(key): array.astype(">f4") for key, array in drawn.items()}
    np.savez(tmp_path / "big.npz", **weights)
    suffixes = (s for name in BACKENDS for s in get_backend(name).weight_files)
    for suffix in (".safetensors", *suffixes):
        *_, back = _through(converter, spec, tmp_path / "big.npz", [suffix, ".npz"])
        _same_bits(_given(spec, tmp_path), back)


ORDERED = ["resnet18", "preact_resnet18", "googlenet", "mobilenet_v2", "se_resnet50"]


@pytest.mark.parametrize("spec", ORDERED)
@pytest.mark.parametrize("backend", [n for n in BACKENDS if get_backend(n).interchange_files])
def test_neutral_files_have_the_order_of_the_backends_that_load_them(
    backend: str, spec: str, tmp_path: Path
) -> None:
    """Matching by order relies on it."""
    slots = state_slots(open_spec(spec).analysis)
    with Worker(backend) as worker:
        kept = [*worker.weights(zoo()[spec], str(_given(spec, tmp_path)))]
    assert kept == [slot.name for slot in slots if not slot.optional]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_written_file_is_the_same_every_time(
    converter: Converter, backend: str, tmp_path: Path
) -> None:
    suffix = get_backend(backend).weight_files[0]
    given = _given("resnet20_cifar", tmp_path)
    *_, first, _, second = _through(converter, "resnet20_cifar", given, [suffix, ".npz", suffix])
    assert first.read_bytes() == second.read_bytes()


TINY = """
rescompile: 1
extends: {base}
name: tiny
stages:
  layer1: {{channels: 2}}
  layer2: {{channels: 2}}
  layer3: {{channels: 2}}
  layer4: {{channels: 2}}
"""


@pytest.mark.parametrize("base", ["resnet50", "resnet50_v1_5"])
def test_weights_that_fit_a_network_they_are_not_for_are_warned_of(
    base: str, converter: Converter, tmp_path: Path
) -> None:
    """Names and shapes are the same, wherever the stride of a bottleneck is."""
    pytest.importorskip("safetensors")
    spec = tmp_path / "tiny.yaml"
    spec.write_text(TINY.format(base=base), encoding="utf-8")
    given, published = _given(str(spec), tmp_path), tmp_path / "published.safetensors"
    assert "warning" not in converter.convert(given, str(spec), published).text()
    made = converter.convert(published, str(spec), tmp_path / "made.npz").text()
    if base == "resnet50":
        assert made.endswith(
            "warning: The stride of a bottleneck is on its first 1x1 convolution, as in the paper; "
            "torchvision's weights are for resnet50_v1_5, which has it on the 3x3.\n"
        )
    else:
        assert "warning" not in made
