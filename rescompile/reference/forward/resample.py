"""Enlarged maps."""

from __future__ import annotations

import numpy as np

from ... import ops
from ..arrays import Array, along


def interpolation(n: int, count: int, align_corners: bool) -> Array:
    """(count, n): how much each of n pixels weighs in each of `count` of the enlarged axis.

    The centre of pixel i is at i + 1/2 on both axes, of which the ends are the same, and beyond the
    outermost centres the edge is held; or the outermost centres themselves are the same.
    """
    if align_corners:
        centres = np.arange(count) * (n - 1) / max(count - 1, 1)
    else:
        centres = np.clip((np.arange(count) + 0.5) * n / count - 0.5, 0, n - 1)
    weights: Array = np.maximum(0.0, 1.0 - np.abs(centres[:, None] - np.arange(n)))
    return weights


def resampling(op: ops.Resampled, x: Array) -> list[Array]:
    """Along each axis, how much each pixel weighs in each pixel of the enlarged map."""
    sizes = zip(x.shape[2:], op.output(x.shape[1:])[1:], strict=True)
    if op.mode is ops.Resampling.NEAREST:
        return [np.eye(n).repeat(count // n, 0) for n, count in sizes]
    return [interpolation(n, count, op.align_corners) for n, count in sizes]


def upsample(op: ops.Resampled, x: Array, *_: object) -> Array:
    """Each pixel repeated, or the linear interpolation of its neighbours along all axes."""
    return along(x, resampling(op, x))
