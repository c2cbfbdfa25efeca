"""Through linear layers."""

from __future__ import annotations

import numpy as np

from ... import ops
from ..arrays import Array, Params
from .pulled import Pulled, over_channel


def linear(op: ops.Linear, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    given = {"weight": np.einsum("no...,nc...->oc", dy, x, optimize=True)}
    if op.bias:
        given["bias"] = over_channel(dy)
    dx: Array = np.einsum("oc,no...->nc...", p["weight"], dy, optimize=True)
    return dx, given
