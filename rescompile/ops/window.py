"""What slides over a map: the extents that windows leave, and their padding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from ..expr.dims import Dim, binary, if_else
from ..expr.polynomial import product, total
from .base import ShapeError
from .resize import Resize


def extent(
    n: int, kernel: int, stride: int, pad: int, dilation: int = 1, ceil: bool = False
) -> int:
    """Output extent of a sliding window along one axis (PyTorch's rule, ceil mode included).

    In ceil mode the first window, too, may reach past the end, by less than a stride.
    """
    reach = n + pad - dilation * (kernel - 1) - 1
    if reach < 0 and not (ceil and reach > -stride):
        raise ShapeError(
            f"a window of {dilation * (kernel - 1) + 1} does not fit into {n + pad} pixels",
            f"the input extent is {n}, " + (f"{n + pad} with its padding" if pad else "unpadded"),
            "use a smaller kernel, more padding, or fewer strided stages before it",
            "kernel",
        )
    if not ceil:
        return reach // stride + 1
    return -(-reach // stride) + 1


def slides(
    pads: tuple[Dim, Dim], kernel: Dim, stride: Dim, dilation: Dim = 1, ceil: bool = False
) -> Resize:
    """What a window does to an axis of as many pixels as the stride divides."""
    more = total(pads, product((dilation, binary("-", kernel, 1))))
    slack = binary("-", stride, 1)
    if ceil:
        more = _quotient(total((more, slack, slack)), stride)
        beyond = binary(">=", product((binary("-", more, 1), stride)), pads[0])
        more = if_else(beyond, binary("-", more, 1), more)  # see `Pool.output`
    else:
        more = _quotient(total((more, slack)), stride)
    return Resize(down=stride, more=more)


def _quotient(left: Dim, right: Dim) -> Dim:
    return left if right == 1 else binary("//", left, right)


def same_padding(n: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """What TensorFlow pads before and after an axis of `n` pixels for `padding="same"`."""
    need = max((-(-n // stride) - 1) * stride + dilation * (kernel - 1) + 1 - n, 0)
    return need // 2, need - need // 2


def ints(dims: tuple[Dim, ...]) -> Any:
    """Attributes that are bound, as the numbers that they are."""
    return cast(Any, dims)


def ends(sides: tuple[Dim, ...]) -> Iterator[Any]:
    """What is before and after along each axis."""
    return zip(sides[::2], sides[1::2], strict=True)
