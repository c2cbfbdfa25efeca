"""Broken and hostile files of weights: diagnostics, nothing executed, nothing written."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from ...convert.conversion import Converter
from ...errors import SpecError
from ..plugin import ready
from .drawn import drawn

SPEC = "resnet20_cifar"


def good(converter: Converter, suffix: str, folder: Path) -> bytes:
    """A good file of a kind."""
    drawn(SPEC, folder / "w.npz")
    if suffix != ".npz":
        converter.convert(folder / "w.npz", SPEC, folder / f"w{suffix}")
    return (folder / f"w{suffix}").read_bytes()


def refused(converter: Converter, file: Path) -> str:
    """The diagnostic for a file; the output stays away, and no half file is left."""
    output = file.parent / "out" / "out.npz"
    with pytest.raises(SpecError) as caught:
        converter.convert(file, SPEC, output)
    assert not output.parent.exists()
    assert "Traceback" not in str(caught.value)
    assert {found.code for found in caught.value.diagnostics} == {"E302"}
    return str(caught.value)


def check_truncated(converter: Converter, suffix: str, tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    data = good(converter, suffix, tmp_path / "good")
    for size in (0, 1, 100, len(data) // 2, len(data) - 1):
        file = tmp_path / f"cut{suffix}"
        file.write_bytes(data[:size])
        refused(converter, file)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {os.environ['BOMB']}",)


def check_pickle(
    converter: Converter, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOMB", str(tmp_path / "executed"))
    file = tmp_path / f"bomb{suffix}"
    file.write_bytes(pickle.dumps({"conv1.weight": Bomb()}, protocol=2))
    refused(converter, file)
    assert not (tmp_path / "executed").exists()
    pickle.loads(file.read_bytes())  # it would have
    assert (tmp_path / "executed").exists()


def test_a_truncated_file_is_refused(
    converter: Converter, backend: str, suffix: str, tmp_path: Path
) -> None:
    ready(backend)
    check_truncated(converter, suffix, tmp_path)


def test_a_pickle_with_code_is_not_executed(
    converter: Converter,
    backend: str,
    suffix: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ready(backend)
    check_pickle(converter, suffix, tmp_path, monkeypatch)
