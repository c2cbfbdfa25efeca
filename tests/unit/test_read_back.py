"""Every file is read back before it takes its place: what was written wrong is found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rescompile.api import open_spec
from rescompile.convert import convert, interchange
from rescompile.convert.session import Session
from rescompile.emit.guard import Bound
from rescompile.emit.weights import Slot, Stored, state_slots
from rescompile.errors import InternalError
from rescompile.ir.analysis import Analysis
from rescompile.reference.weights import random_weights
from rescompile.registry import backend_names
from rescompile.worker import models
from rescompile.worker.job import Job

SPEC = "resnet20_cifar"
Arrays = dict[str, Any]


def flip(arrays: Arrays) -> None:
    """One bit of one value."""
    wrong = arrays["linear.weight"].copy()
    wrong.view("u4")[3, 3] ^= 1
    arrays["linear.weight"] = wrong


def swap(arrays: Arrays) -> None:
    """Two tensors of one shape."""
    a, b = "layer1.0.conv1.weight", "layer1.0.conv2.weight"
    arrays[a], arrays[b] = arrays[b], arrays[a]


def narrow(arrays: Arrays) -> None:
    """A type that does not hold the values."""
    arrays["linear.weight"] = arrays["linear.weight"].astype("f2")


def lose(arrays: Arrays) -> None:
    del arrays["linear.weight"]


def add(arrays: Arrays) -> None:
    arrays["linear.scale"] = np.zeros(10, "f4")


FAULTS = [flip, swap, narrow, lose, add]


@pytest.fixture(scope="module")
def given() -> Arrays:
    drawn = random_weights(open_spec(SPEC).analysis.elaborated, 5)
    return {".".join(path): array.astype("f4") for path, array in drawn.items()}


@pytest.mark.parametrize("suffix", interchange.FORMATS)
@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_format_writes_wrong_is_found(
    fault: Callable[[Arrays], None],
    suffix: str,
    given: Arrays,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good = interchange.FORMATS[suffix]

    def write(file: Path, arrays: Mapping[str, Any]) -> None:
        wrong = dict(arrays)
        fault(wrong)
        good.write(file, wrong)

    bad = interchange.Format(good.read, write, good.ordered)
    monkeypatch.setitem(interchange.FORMATS, suffix, bad)
    np.savez(tmp_path / "given.npz", **given)
    with pytest.raises(InternalError):
        convert(tmp_path / "given.npz", SPEC, tmp_path / f"out{suffix}")
    assert [file.name for file in tmp_path.iterdir()] == ["given.npz"]


class Framework:
    """A backend and its runtime whose files are dictionaries, written with a fault.

    What a file is called tells whether it needs the framework.
    """

    bare_files = {".bare": ("numpy",)}

    def __init__(self, fault: Callable[[Arrays], None]) -> None:
        self.fault = fault
        self.kept: dict[Path, Arrays] = {}

    def runtime(self) -> Framework:
        return self

    files = runtime

    def slots(self, *given: Any) -> list[Slot]:
        return state_slots(next(one for one in given if isinstance(one, Analysis)))

    def save(
        self, model: object, analysis: Any, weights: Any, file: Path, about: Mapping[str, str]
    ) -> None:
        self.kept[file] = {".".join(path): array for path, array in weights.items()}
        self.fault(self.kept[file])

    def write(self, analysis: Any, source: str, weights: Any, dtype: str, file: Path) -> None:
        self.save(None, analysis, weights, file, {})

    @contextmanager
    def read(self, file: Path, bound: Bound) -> Iterator[list[Stored]]:
        yield [Stored.of(k, k.rpartition(".")[2], array) for k, array in self.kept[file].items()]


def write(
    fault: Callable[[Arrays], None], given: Arrays, patch: pytest.MonkeyPatch, file: str = "out"
) -> dict[str, Any]:
    """What a process answers that writes with a fault."""
    made = Framework(fault)
    patch.setattr("rescompile.worker.models.get_runtime", lambda _: made)
    for module in ("session", "owner"):
        patch.setattr(f"rescompile.convert.{module}.get_backend", lambda _: made)
    patch.setattr(models.Session, "open", lambda self, spec, dtype, changes: open_spec(spec))
    options = {"spec": SPEC, "changes": [], "dtype": "float32", "file": file, "about": {}}
    return Session(backend_names()[0]).answer(Job("write", options, given)).data


@pytest.mark.parametrize("file", ["out", "out.bare"])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_written_wrong_is_found(
    fault: Callable[[Arrays], None], file: str, given: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a framework and without."""
    with pytest.raises(InternalError):
        write(fault, given, monkeypatch, file)


def test_what_a_framework_widens_is_told(given: Arrays, monkeypatch: pytest.MonkeyPatch) -> None:
    def widen(arrays: Arrays) -> None:
        arrays["linear.weight"] = arrays["linear.weight"].astype("f8")

    answer = write(widen, given, monkeypatch)
    assert answer == {"tensors": len(given), "lost": [], "widened": {"linear.weight": "float64"}}
