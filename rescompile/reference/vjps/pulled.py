"""What a VJP gives back, and the ways back that families share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arrays import Array, Params, area, inside

Pulled = tuple[Array, dict[str, Array]]
Vjp = Callable[[Any, Array, Array, Params, Array, bool], Pulled]


def over_channel(x: Array) -> Array:
    """The sum over everything but the channels."""
    total: Array = x.sum((0, *range(2, x.ndim)))
    return total


def fold(seen: Array, out: Array, stride: tuple[int, ...], dilation: tuple[int, ...]) -> Array:
    """Windows (N, C, *places, *kernel) added into `out` where `windows` took them from."""
    count = len(stride)
    extents, kernel = seen.shape[2 : 2 + count], seen.shape[2 + count :]
    for place in np.ndindex(*kernel):
        start = tuple(i * d for i, d in zip(place, dilation, strict=True))
        out[inside(area(start, extents, stride))] += seen[inside(place)]
    return out


def unpad(padded: Array, x: Array, padding: tuple[int, ...]) -> Array:
    """The part of `padded` that is `x` and not its padding."""
    axes = zip(padding[::2], x.shape[2:], strict=True)
    cut: Array = padded[inside(slice(before, before + n) for before, n in axes)]
    return cut


def elementwise(slope: Callable[[Any, Array, Array], npt.NDArray[Any]]) -> Vjp:
    """Through a function of one number, given its slope at x as a function of (op, x, y)."""
    return lambda op, x, y, p, dy, training: (dy * slope(op, x, y), {})


def greatest(seen: Array) -> Array:
    """Where each last axis has its maximum: the first one, as in PyTorch."""
    first: Array = seen.argmax(-1)[..., None] == np.arange(seen.shape[-1])
    return first
