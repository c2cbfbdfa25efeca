"""Through normalisations by the strength of what channels say."""

from __future__ import annotations

import numpy as np

from ... import ops
from ..arrays import Array, Params, ints, spatial
from ..forward.attention import neighbours
from ..forward.response import lengths, norms, response
from .norm import unaffine
from .pulled import Pulled


def local_response_norm(
    op: ops.LocalResponseNorm, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    """Whose neighbour a channel is: the window of its own, turned around."""
    (size,) = ints((op.size,))
    divisor = response(op, x)
    shared = neighbours((dy * y / divisor)[:, ::-1], size).mean(-1)[:, ::-1]
    return dy / divisor**op.beta - 2.0 * op.alpha * op.beta * x * shared, {}


def l2_norm(op: ops.L2Norm, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    """What is along y is lost, but where epsilon divides."""
    divisor = lengths(op, x)
    along = (dy * y).sum(1, keepdims=True) * (divisor > op.epsilon)
    return (dy - y * along) / divisor, {}


def global_response_norm(
    op: ops.GlobalResponseNorm, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    each, mean = norms(op, x)
    inner, given = unaffine(x * each / mean, p, dy)
    pulled = (inner * x).sum(spatial(x), keepdims=True)
    of_each = pulled / mean - (pulled * each).mean(1, keepdims=True) / mean**2
    along = np.divide(x, each, out=np.zeros_like(x), where=each > 0)
    return dy + inner * each / mean + of_each * along, given
