"""Rounding as another program may do it: numbers that are off by one in the last place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def nudged(array: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    """Every number moved to the next one, up or down at random. Zeros stay: they are exact."""
    ways = rng.choice([-np.inf, np.inf], array.shape)
    return np.where(array == 0, array, np.nextafter(array, ways))
