"""Initial weights as samples: do they have the distribution that the spec asks for?

Every tensor's mean and standard deviation, and the kurtosis of all tensors of one kind together,
must lie within a number of standard errors of what the distribution has; a truncated normal differs
from a normal in its kurtosis alone. No two may be equal, as a shared initialiser makes them.
"""

from __future__ import annotations

import math

import numpy as np

from ..ir.initial import CONSTANT, drawn
from ..ir.trace import Elaborated
from ..reference import Array
from ..reference.deviation import Arrays, Deviation
from ..reference.weights import parameters

# The kurtosis of a normal and of a uniform distribution, and n times the variance of a sample's
# kurtosis about a known mean, from the distribution's moments (delta method).
KURTOSIS = {"normal": 3.0, "uniform": 1.8}
SPREAD = {"normal": 24.0, "uniform": 1.3166}
FEW = 8  # values: fewer tell nothing


def surprises(elaborated: Elaborated, found: Arrays) -> dict[str, Deviation]:
    """How far each tensor is from its distribution, in standard errors, in the order of execution.

    Last come the tails of each kind of distribution.
    """
    standard: dict[str, list[Array]] = {}
    seen: dict[bytes, str] = {}
    made: dict[str, Deviation] = {}
    for path, parameter, _ in parameters(elaborated):
        name = ".".join(path)
        if name not in found:
            made[name] = Deviation(math.inf, name, problem=f"{name} is missing")
            continue
        value = found[name].astype(np.float64)
        how = drawn(elaborated.network, parameter)
        if how.kind == CONSTANT:
            made[name] = _constant(name, how.value, value)
            continue
        standard.setdefault(how.kind, []).append(value.ravel() / how.value)
        made[name] = _moments(name, how.kind, value, how.value)
        twin = seen.setdefault(value.tobytes(), name)
        if twin != name and value.size >= FEW:
            problem = f"{name} starts with the values of {twin}"
            made[name] = Deviation(math.inf, name, problem=problem)
    for kind, values in standard.items():
        tails = _tails(kind, np.concatenate(values))
        made[tails.where] = tails
    return made


def _constant(name: str, wanted: float, value: Array) -> Deviation:
    off = np.abs(value - wanted)
    at = np.unravel_index(int(off.argmax()), off.shape)
    error = math.inf if off[at] > 1e-6 * max(1.0, wanted) else 0.0
    return Deviation(error, name, tuple(map(int, at)), float(value[at]), wanted)


def _moments(name: str, kind: str, value: Array, sigma: float) -> Deviation:
    """Of the mean or the standard deviation, whichever is further off."""
    n = value.size
    if n < FEW:
        return Deviation(where=name)
    mean, std = float(value.mean()), float(np.sqrt((value**2).mean()))
    spread = abs(std / sigma - 1) * math.sqrt(4 * n / (KURTOSIS[kind] - 1))
    return max(
        Deviation(abs(mean) * math.sqrt(n) / sigma, f"mean of {name}", (), mean, 0.0),
        Deviation(spread, f"standard deviation of {name}", (), std, sigma),
        key=lambda found: found.error,
    )


def _tails(kind: str, value: Array) -> Deviation:
    kurtosis = float((value**4).mean() / (value**2).mean() ** 2)
    error = abs(kurtosis - KURTOSIS[kind]) * math.sqrt(value.size / SPREAD[kind])
    return Deviation(error, f"kurtosis of all {kind} weights", (), kurtosis, KURTOSIS[kind])
