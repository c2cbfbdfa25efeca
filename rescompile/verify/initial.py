"""Initial weights as samples: do they have the distribution that the spec asks for?

Every tensor's mean and standard deviation, and the share of all tensors of one kind that lies far
out, must be within a number of standard errors of what the distribution has; a truncated normal
differs from a normal in its tails alone. No two may be equal, as a shared initialiser makes them.
"""

from __future__ import annotations

import math

import numpy as np

from ..ir.initial import CONSTANT, drawn
from ..ir.trace import Elaborated
from ..reference import Array
from ..reference.deviation import Arrays, Deviation
from ..reference.weights import parameters

KURTOSIS = {"normal": 3.0, "uniform": 1.8}
# How far out, in standard deviations, and the share of weights beyond: a normal that is truncated
# at two of its own has none there, nor has a uniform distribution, whose edge is at sqrt(3).
FAR = {"normal": 2.3, "uniform": math.sqrt(3) * (1 + 1e-6)}
BEYOND = {"normal": math.erfc(FAR["normal"] / math.sqrt(2)), "uniform": 0.0}
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
    """Of the share that lies far out, in the standard errors of a normal that is as unlikely.

    By Chernoff's bound k of n are so many or more, or so few or less, with probability
    exp(-n KL(k/n || p)) at most, whatever n is; the square root of twice that exponent is the
    distance in standard errors where n is large.
    """
    share = float((np.abs(value) > FAR[kind]).mean())
    wanted = BEYOND[kind]
    error = math.sqrt(2 * value.size * _divergence(share, wanted))
    return Deviation(error, f"tails of all {kind} weights", (), share, wanted)


def _divergence(p: float, q: float) -> float:
    """Kullback and Leibler's, of one coin from another."""
    terms = ((p, q), (1 - p, 1 - q))
    return sum(a * math.log(a / b) if b else math.inf for a, b in terms if a)
