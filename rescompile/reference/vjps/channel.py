"""Through what moves, cuts or fills in channels and pixels."""

from __future__ import annotations

import numpy as np

from ... import ops
from ...ops.window import ends
from ..arrays import Array, Params, along
from ..forward import MEANINGS
from ..forward.channel import sources
from .pulled import Pulled


def pad_map(op: ops.Pad, x: Array, y: Array, p: Params, dy: Array, training: bool) -> Pulled:
    axes = zip(x.shape[2:], ends(op.padding), strict=True)
    return along(dy, [np.eye(n)[sources(op.mode, n, *pads)].T for n, pads in axes]), {}


def rearranged(
    op: ops.Rearrangement, x: Array, y: Array, p: Params, dy: Array, training: bool
) -> Pulled:
    """Each gradient goes back to where its element came from; a zero came from nowhere."""
    numbers = np.arange(1, x[0].size + 1).reshape(1, *x.shape[1:])
    sources = MEANINGS[type(op)](op, numbers, {}, training).ravel()
    pulled = np.zeros((len(x), x[0].size + 1), dy.dtype)
    pulled[:, sources] = dy.reshape(len(x), -1)
    return pulled[:, 1:].reshape(x.shape), {}
