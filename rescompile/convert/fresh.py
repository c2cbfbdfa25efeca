"""Tensors that start afresh: drawn as the emitted file draws them, without its framework.

The distribution is the one that every build proves of what it writes (see `ir.initial`). Each
tensor has a generator of its own: it is the same for every framework and whatever else is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

import numpy as np

from ..ir.initial import CONSTANT, UNIFORM, Draw, drawn
from ..ir.structure import Path
from ..ir.trace import Elaborated
from ..ops import Shape
from ..reference.weights import digest, parameters


def initial(
    elaborated: Elaborated, paths: Collection[Path], seed: int, dtype: str
) -> dict[Path, Any]:
    """What those of the network's tensors start as; `seed` is 0 or more."""
    made: dict[Path, Any] = {}
    for path, parameter, _ in parameters(elaborated):
        if path in paths:
            rng = np.random.default_rng([seed, digest(path)])
            how = drawn(elaborated.network, parameter)
            made[path] = sample(how, parameter.shape, rng).astype(dtype)
    return made


def sample(how: Draw, shape: Shape, rng: np.random.Generator) -> Any:
    """A float64 array; `value` of a distribution is its standard deviation."""
    if how.kind == CONSTANT:
        return np.full(shape, how.value)
    if how.kind == UNIFORM:
        bound = math.sqrt(3.0) * how.value
        return rng.uniform(-bound, bound, shape)
    return how.value * rng.standard_normal(shape)
