"""Linear layers, and the steps between maps and vectors."""

from __future__ import annotations

import numpy as np

from ... import ops
from ..arrays import Array, Params, ints, per_channel


def linear(op: ops.Linear, x: Array, p: Params, *_: object) -> Array:
    """y[o] = b[o] + sum over c of w[o, c] x[c], on a vector or at each position."""
    y: Array = np.einsum("oc,nc...->no...", p["weight"], x, optimize=True)
    return y + per_channel(p["bias"], y) if op.bias else y


def flatten(op: ops.Flatten, x: Array, *_: object) -> Array:
    return x.reshape(len(x), -1)


def unflatten(op: ops.Unflatten, x: Array, *_: object) -> Array:
    return x.reshape(len(x), -1, *ints(op.size))
