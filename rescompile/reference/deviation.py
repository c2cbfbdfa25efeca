"""How far two sets of arrays are apart, and where."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]
FLOOR = 1e-3


@dataclass(frozen=True)
class Deviation:
    """The worst relative error: of the array `where`, at `index`, with both values.

    Where arrays cannot be compared at all, `problem` says why and the error is infinite, as it is
    where it is no number: NaN is less than nothing and would hide.
    """

    error: float = 0.0
    where: str = ""
    index: tuple[int, ...] = ()
    got: float = math.nan
    wanted: float = math.nan
    problem: str = ""

    def __post_init__(self) -> None:
        if math.isnan(self.error):
            object.__setattr__(self, "error", math.inf)

    def values(self) -> str:
        """Where it is, and both values, for a reader."""
        if self.problem:
            return self.problem
        place = ", ".join(map(str, self.index))
        return f"{self.where}[{place}] is {self.got!r}, not {self.wanted!r}"


def deviations(got: Arrays, wanted: Arrays, floor: float = FLOOR) -> dict[str, Deviation]:
    """For each array, its largest deviation relative to its largest magnitude.

    An array much smaller than the others is compared with `floor` times the largest magnitude of
    all: what cancels to nothing, as the gradient of a bias before a norm does, is only as exact as
    the numbers that it is made of.
    """
    largest = max((_magnitude(array) for array in wanted.values()), default=0.0)
    found = {name: _deviation(name, got, wanted[name], floor * largest) for name in wanted}
    for name in got.keys() - wanted.keys():
        found[name] = Deviation(math.inf, name, problem=f"{name} should not be there")
    return found


def relative_error(got: NDArray[Any], wanted: NDArray[Any]) -> float:
    """The largest deviation over the largest magnitude: 0 where equal, infinite for NaN."""
    return deviations({"": got}, {"": wanted})[""].error


def worst(found: Mapping[str, Deviation]) -> Deviation:
    """The largest of some deviations, the first of equals."""
    return max(found.values(), key=lambda deviation: deviation.error, default=Deviation())


def _magnitude(array: NDArray[Any]) -> float:
    return float(np.max(np.abs(array))) if array.size else 0.0


def _deviation(name: str, arrays: Arrays, wanted: NDArray[Any], least: float) -> Deviation:
    if name not in arrays:
        return Deviation(math.inf, name, problem=f"{name} is missing")
    got = arrays[name]
    if got.shape != wanted.shape:
        problem = f"{name} is {_shown(got)}, not {_shown(wanted)}"
        return Deviation(math.inf, name, problem=problem)
    if not wanted.size:
        return Deviation(where=name)
    apart = np.abs(got.astype(np.float64) - wanted)
    apart = np.where(np.isfinite(apart), apart, np.inf)
    index = np.unravel_index(int(apart.argmax()), apart.shape)
    scale = max(_magnitude(wanted), least)
    error = float(apart[index]) / scale if scale else float(apart[index])
    place = tuple(int(i) for i in index)
    return Deviation(error, name, place, float(got[index]), float(wanted[index]))


def _shown(array: NDArray[Any]) -> str:
    return " x ".join(map(str, array.shape))
