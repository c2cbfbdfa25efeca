"""Through what drops nothing, and learned factors."""

from __future__ import annotations

import numpy as np

from ... import ops
from ...ops import Op
from ..arrays import Array, Params
from ..forward.regularise import factors
from .pulled import Pulled, over_channel


def unchanged(op: Op, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    return dy, {}


def layer_scale(
    op: ops.LayerScale, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    along = dy * x
    given = along.sum() if op.shared else over_channel(along)
    return dy * factors(x, p), {"": np.reshape(given, p[""].shape)}
