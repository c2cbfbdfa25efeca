"""Through enlarged maps."""

from __future__ import annotations

from ... import ops
from ..arrays import Array, Params, along
from ..forward.resample import resampling
from .pulled import Pulled


def upsample(op: ops.Resampled, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    return along(dy, [matrix.T for matrix in resampling(op, x)]), {}
