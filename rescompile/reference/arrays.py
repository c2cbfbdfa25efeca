"""Arrays (N, C, *spatial), and the windows over them, for meanings and their derivatives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from ..expr.dims import Dim

Array = npt.NDArray[np.float64]
Params = Mapping[str, Array]


def ints(dims: tuple[Dim, ...]) -> tuple[int, ...]:
    return tuple(cast(int, dim) for dim in dims)


def pad(x: Array, padding: tuple[int, ...], fill: float = 0.0) -> Array:
    """`x` with `fill` around its maps; `padding` is before and after each axis in turn."""
    widths = ((0, 0), (0, 0), *zip(padding[::2], padding[1::2], strict=True))
    return np.pad(x, widths, constant_values=fill)


def windows(
    x: Array, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...] = ()
) -> Array:
    """Every window that lies inside the maps of `x`: (N, C, *their places, *kernel), a view."""
    dilation = dilation or (1,) * len(kernel)
    reach = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    seen = sliding_window_view(x, reach, axis=spatial(x))
    steps = (slice(None, None, step) for step in (*stride, *dilation))
    return seen[(slice(None), slice(None), *steps)]


def inside(places: Iterable[int | slice]) -> Any:
    """The index of some places in the maps of all samples and channels."""
    return (..., *places)


def spatial(x: Array) -> tuple[int, ...]:
    """The axes of its maps."""
    return tuple(range(2, x.ndim))


def window_axes(seen: Array) -> tuple[int, ...]:
    """The axes within the windows that `windows` gives."""
    return tuple(range(seen.ndim // 2 + 1, seen.ndim))


def along(x: Array, matrices: Sequence[Array]) -> Array:
    """Each axis of the maps of `x` by a matrix, whose rows weigh its pixels."""
    for axis, matrix in enumerate(matrices, 2):
        x = np.moveaxis(np.tensordot(x, matrix, (axis, 1)), -1, axis)
    return x


def per_channel(v: Array, x: Array) -> Array:
    """A vector of C numbers, shaped to meet `x` along its channels."""
    return v.reshape(-1, *(1 for _ in x.shape[2:]))


def area(
    place: tuple[int, ...], extents: Sequence[int], stride: tuple[int, ...]
) -> tuple[slice, ...]:
    """Along each axis as many pixels as `extents` says, from a place on, a stride apart."""
    axes = zip(place, extents, stride, strict=True)
    return tuple(slice(start, start + (n - 1) * step + 1, step) for start, n, step in axes)
