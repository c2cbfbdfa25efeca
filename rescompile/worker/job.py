"""What goes between the two ends of a worker: a job there, an answer back, each a line of JSON.

Arrays do not travel in the line: they lie in a file beside it, by name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ir.structure import path_of

Array = NDArray[Any]
Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class Subject:
    """The model that a job is about: a spec, with what is to be changed of it.

    `size` replaces the height and width of its input, `changes` other values of the spec, `source`
    the emitted source; `weights` is a seed, "seeded" for weights that depend on names alone, or an
    .npz file.
    """

    spec: str
    size: int | None = None
    weights: int | str = 0
    dtype: str = "float32"
    source: str | None = None
    changes: tuple[str, ...] | list[str] = ()


@dataclass(frozen=True)
class Job:
    """What is to be done, with which options and arrays; those of its answer go into `folder`."""

    action: str
    options: dict[str, Any] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)
    folder: str = ""

    def line(self) -> str:
        message = {"action": self.action, "options": self.options, "folder": self.folder}
        return _line(message, self.arrays, Path(self.folder, "job.npz"))

    @classmethod
    def of(cls, line: str) -> Job:
        return cls(**_message(line))


@dataclass(frozen=True)
class Fault:
    """What went wrong, in a line and at length; `missing` is a framework that is not there."""

    what: str
    traceback: str
    missing: str | None = None


@dataclass(frozen=True)
class Answer:
    """What was made of a job, as plain data and arrays; or what went wrong."""

    data: dict[str, Any] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)
    fault: Fault | None = None

    def line(self, folder: str = "") -> str:
        fault = None if self.fault is None else vars(self.fault)
        return _line({"data": self.data, "fault": fault}, self.arrays, Path(folder, "answer.npz"))

    @classmethod
    def of(cls, line: str) -> Answer:
        message = _message(line)
        fault = message.pop("fault")
        return cls(**message, fault=None if fault is None else Fault(**fault))


def _line(message: dict[str, Any], arrays: Arrays, file: Path) -> str:
    if arrays:
        given: dict[str, Any] = {f"={name}": array for name, array in arrays.items()}
        np.savez(file, **given)
    return json.dumps({**message, "arrays": str(file) if arrays else None}) + "\n"


def _message(line: str) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(line)
    if file := message["arrays"]:
        with np.load(file) as stored:
            message["arrays"] = {name[1:]: stored[name] for name in stored.files}
    else:
        message["arrays"] = {}
    return message


def numbered(kind: str, arrays: Iterable[Array]) -> dict[str, Array]:
    """Arrays by names that tell their order."""
    return {f"{kind}{i}": array for i, array in enumerate(arrays)}


def listed(kind: str, arrays: Arrays) -> list[Array]:
    """The arrays that were numbered, in their order."""
    count = sum(name.removeprefix(kind).isdecimal() for name in arrays if name.startswith(kind))
    return [arrays[f"{kind}{i}"] for i in range(count)]


def packed(kind: str, given: Any) -> dict[str, Array]:
    """What belongs to an only input, by name, or to each of several."""
    return numbered(kind, given) if isinstance(given, tuple) else {kind: given}


def unpacked(kind: str, arrays: Arrays) -> Any:
    """The same as it was before: an array, or a tuple."""
    return arrays[kind] if kind in arrays else tuple(listed(kind, arrays))


def named(arrays: Mapping[tuple[str, ...], Array], kind: str = "") -> dict[str, Array]:
    """Tensors by state-dict key, behind the word for what they are."""
    return {kind + ".".join(path): array for path, array in arrays.items()}


def unnamed(arrays: Arrays) -> dict[tuple[str, ...], Array]:
    """Tensors by path."""
    return {path_of(name): array for name, array in arrays.items()}


def of_kind(arrays: Arrays, kind: str) -> dict[str, Array]:
    """Those that are named so, by their keys alone."""
    return {k.removeprefix(kind): array for k, array in arrays.items() if k.startswith(kind)}
