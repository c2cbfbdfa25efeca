"""Dropout and stochastic depth, whose random numbers no two programs share: how they are checked.

Where they stand is checked with known factors in place of random ones (`factors`), like any other
operation. What they draw is checked as a sample (`figures`, `surprises`): each layer by itself gets
known values in training mode, and its rate, the share that it keeps, what kept values are scaled
by, and whether neighbours are dropped together must be what the operation says. What is random
must lie within a number of standard errors; all else is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np

from ..ir.structure import Path
from ..ir.trace import Elaborated, OpTrace
from ..ops import AXIS_NAMES, Dropout, Shape, StochasticDepth
from . import Array
from .deviation import Arrays, Deviation
from .weights import digest

Draw = Callable[[Array, bool], Array]  # known values, whether in training -> what a layer gives
RANDOM, NOTHING, KNOWN = "random", "nothing", "known factors"  # what a model drops in training
TRAINING_BATCH = 4  # samples in a batch of training
EXPECTED = 1000  # how many draws of the rarer kind a sample is to have
LEAST, MOST = 2**9, 2**18  # samples
ROUNDING = 1e-5  # of a product in float32, relative
DIGITS = 1e-9  # to which a rate is the same number, however it is computed
SAMPLES = "samples"
# What is kept of one layer's sample, in this order; then the agreement along each axis.
RATE, SHARE, SCALE, EVALUATION = range(4)


def drops(elaborated: Elaborated) -> Iterator[tuple[Path, OpTrace]]:
    """Every operation that drops at random, in the order of execution; one applied again once."""
    for path, trace in elaborated.owning():
        if isinstance(trace.op, (Dropout, StochasticDepth)):
            yield path, trace


def factors(elaborated: Elaborated, count: int) -> dict[Path, Array]:
    """What each of them multiplies `count` samples by where nothing is to be random.

    They are uniform in [0.5, 1.5), whatever the rate is, unless it is zero: one for each value, or
    for each sample, seeded by the path. What is applied to maps of several sizes has one for each
    channel.
    """
    found = {}
    again = set(elaborated.owners.values())
    for path, trace in drops(elaborated):
        if not _rate(trace):
            continue
        shape = (count, *(1 if _is_whole(trace) else extent for extent in trace.x))
        if path in again:
            shape = (*shape[:2], *(1 for _ in shape[2:]))
        found[path] = np.random.default_rng(digest(path)).uniform(0.5, 1.5, shape)
    return found


def known(trace: OpTrace) -> Array:
    """Values in [1, 2) for a layer to drop from, exact in float32 as in float64."""
    drawn = np.random.default_rng(0).uniform(1.0, 2.0, _extent(trace))
    return drawn.astype(np.float32).astype(np.float64)


def _extent(trace: OpTrace) -> Shape:
    """N x 8, or N x 2 x 2 x 2, say: so many samples that a wrong rate shows, and no more."""
    rate = _rate(trace)
    rarer = min(rate, 1 - rate)
    shape = (8,) if len(trace.x) == 1 else (2,) * len(trace.x)
    each = 1 if _is_whole(trace) else math.prod(shape)
    wanted = EXPECTED / (rarer * each) if rarer else LEAST
    return (2 * math.ceil(min(max(wanted, LEAST), MOST) / 2), *shape)


def figures(trace: OpTrace, rate: float, draw: Draw) -> Array:
    """What is kept of a layer's sample; `rate` is the one that it holds.

    Raises `ValueError` where the layer changes the shape.
    """
    given = known(trace)
    made, still = draw(given, True), draw(given, False)
    for found in (made, still):
        if found.shape != given.shape:
            raise ValueError(f"what drops makes {found.shape} of {given.shape}")
    kept = made != 0
    scale = made[kept] / given[kept] * (1 - _rate(trace))
    off = float(np.abs(scale - 1).max()) if scale.size else 0.0
    changed = float(np.abs(still / given - 1).max())
    units = kept.reshape(len(kept), -1)[:, 0] if _is_whole(trace) else kept
    along = [_agreement(kept, axis) for axis in range(kept.ndim)]
    return np.array([rate, float(units.mean()), off, changed, *along])


def _agreement(kept: Any, axis: int) -> float:
    """The share of pairs of neighbours along an axis, none in two, of which both fare alike."""
    even = np.take(kept, range(0, kept.shape[axis] - 1, 2), axis)
    odd = np.take(kept, range(1, kept.shape[axis], 2), axis)
    return float((even == odd).mean())


def surprises(elaborated: Elaborated, found: Arrays) -> dict[str, Deviation]:
    """How far each layer is from its operation, in standard errors, in the order of execution.

    `found` has the figures of each by path; a layer without any is one that is not there.
    """
    made = {}
    for path, trace in drops(elaborated):
        name = ".".join(path)
        if name in found:
            made[name] = max(_judged(name, trace, found[name]), key=lambda d: d.error)
        elif _rate(trace) > 0:
            made[name] = Deviation(math.inf, name, problem=f"{name} is no layer that drops")
    return made


def _judged(name: str, trace: OpTrace, got: Array) -> Iterator[Deviation]:
    whole = _is_whole(trace)
    count, *each = _extent(trace)
    draws = count if whole else count * math.prod(each)
    share = float(got[SHARE])
    yield _exact(f"rate of {name}", float(got[RATE]), _rate(trace), DIGITS)
    yield _exact(f"what {name} changes in evaluation", float(got[EVALUATION]), 0.0)
    yield _exact(f"scale of what {name} keeps, off by", float(got[SCALE]), 0.0, ROUNDING)
    yield _drawn(f"share that {name} keeps", share, 1 - _rate(trace), draws)
    alike = 1 - 2 * share * (1 - share)  # where neighbours have nothing to do with each other
    axes = (SAMPLES, "channels", *AXIS_NAMES.get(len(trace.x) - 1, ()))
    for axis, agreement in zip(axes, got[EVALUATION + 1 :], strict=True):
        where = f"neighbouring {axis} that {name} treats alike"
        if whole and axis != SAMPLES:
            yield _exact(where, float(agreement), 1.0)
        else:
            yield _drawn(where, float(agreement), alike, draws // 2)


def _exact(where: str, got: float, wanted: float, slack: float = 0.0) -> Deviation:
    error = 0.0 if abs(got - wanted) <= slack else math.inf
    return Deviation(error, where, (), got, wanted)


def _drawn(where: str, got: float, wanted: float, count: int) -> Deviation:
    """Of a share of `count` independent draws that are true with probability `wanted`."""
    spread = math.sqrt(wanted * (1 - wanted) / count)
    if not spread:
        return _exact(where, got, wanted)
    return Deviation(abs(got - wanted) / spread, where, (), got, wanted)


def _rate(trace: OpTrace) -> float:
    assert isinstance(trace.op, (Dropout, StochasticDepth))
    return float(cast(float, trace.op.rate))


def _is_whole(trace: OpTrace) -> bool:
    """Whether a sample is dropped as a whole."""
    return isinstance(trace.op, StochasticDepth)
