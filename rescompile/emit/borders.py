"""What happens at the border of a map in targets that keep channels last.

`same` padding, as these frameworks have it, puts the odd pixel after, and means PyTorch's only
sometimes. All other padding is a layer of its own before a convolution or a pool; a transposed
convolution is cut after it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any, cast

from ..expr.dims import Dim, Expr, Function, binary
from ..expr.polynomial import total
from ..ir.trace import OpTrace
from ..ops import AvgPool, Conv, ConvTranspose, Pool, Same
from ..ops.window import ends, ints


class Padding(Enum):
    """What gives a convolution its padding, the shortest way first."""

    VALID = "nothing"
    SAME = "the layer itself"
    HALF = "the layer itself, or zeros around the map where there is a stride"
    CAUSAL = "the layer itself, before a sequence"
    GIVEN = "zeros around the map, as many as the spec says"


class Border(Enum):
    """What happens where a pool reaches the border of a map."""

    VALID = "nothing"
    SAME = "`same` is what is asked for"
    PADDED = "padding before the pool"
    COUNTED = "`same`, whose zeros count in a mean"
    HELPER = "padding that depends on the map, or a mean that does not count it"


def paddings(traces: Sequence[OpTrace]) -> frozenset[Padding]:
    """Every way of padding that is right in all calls of one convolution."""
    op: Any = traces[0].node.op
    bound: list[Any] = [trace.op for trace in traces]
    square = all(len({*how}) == 1 for how in (op.kernel, op.stride, op.dilation))
    right = {
        Padding.VALID: all(set(t.op.pads(t.x)) == {0} for t in cast(Any, traces)),
        Padding.SAME: all(pads_same(one) and not skips(one) for one in bound),
        Padding.HALF: square and all(map(pads_half, bound)),
        Padding.CAUSAL: all(map(pads_before, bound)) and not any(map(skips, bound)),
        Padding.GIVEN: not isinstance(op.padding, Same),
    }
    return frozenset(way for way, found in right.items() if found)


def border(traces: Sequence[OpTrace]) -> Border:
    """What is right in all calls of one pool."""
    found: list[Any] = [trace.op for trace in traces]
    if all(map(pads_same, found)):
        return Border.VALID if all(max(op.kernel) == 1 for op in found) else Border.SAME
    if isinstance(found[0].padding, Same):
        return Border.COUNTED
    reaches = any(op.ceil_mode and max(op.stride) > 1 for op in found)
    padded = any(op.is_padded for op in found)
    left_out = isinstance(found[0], AvgPool) and not found[0].count_include_pad
    if reaches or (padded and left_out):
        return Border.HELPER
    return Border.PADDED if padded else Border.VALID


def skips(op: Conv) -> bool:
    """Whether a bound op has a stride and a dilation at once, which few of these layers have."""
    return bool(max(ints(op.stride)) > 1 and max(ints(op.dilation)) > 1)


def cuts(op: ConvTranspose) -> list[tuple[Dim, Dim]]:
    """What is cut off before and after each axis, after a layer without padding.

    Where the stride exceeds the kernel, such a layer fills the last stride; PyTorch's stops at the
    kernel.
    """
    return [(pad, _after(k, s, pad, more)) for k, s, pad, more in op.spreads]


def _after(kernel: Dim, stride: Dim, pad: Dim, more: Dim) -> Dim:
    beyond = binary("-", stride, kernel)
    positive = Function("max", (beyond, 0)) if isinstance(beyond, Expr) else max(beyond, 0)
    return binary("-", total((positive, pad)), more)


def pads_before(op: Conv) -> bool:
    """Whether a bound op lets no element of a sequence see a later one, and all before it."""
    ((kernel, _, dilation), *more) = op.slides
    return not more and op.padding == (dilation * (kernel - 1), 0)


def pads_half(op: Conv | Pool) -> bool:
    """Whether a bound op pads each side by half of an odd kernel, which `same` does at stride 1."""
    return all(_is_half(*axis) for axis in _axes(op))


def pads_same(op: Conv | Pool) -> bool:
    """Whether `same` pads as a bound op asks, on any map: at stride 1, by half of an odd kernel.

    So it is for pools of up to two pixels side by side whose last one may reach over the edge. A
    mean must leave out what is padded, as it is left out by these frameworks.
    """
    if isinstance(op, AvgPool) and op.count_include_pad and op.is_padded:
        return set(op.kernel) == {1}
    if isinstance(op.padding, Same):
        return True
    ceil = isinstance(op, Pool) and op.ceil_mode
    return all(
        (_is_half(kernel, stride, dilation, sides) and 1 in (kernel, stride))
        or (ceil and kernel == stride == 2 and sides == (0, 0))
        for kernel, stride, dilation, sides in _axes(op)
    )


Pads = tuple[int, int] | None  # before and after; None where the framework says by itself


def _axes(op: Conv | Pool) -> Iterator[tuple[int, int, int, Pads]]:
    """Kernel, stride, dilation and padding along each axis."""
    count = len(op.kernel)
    pads: Any = (None,) * count if isinstance(op.padding, Same) else ends(op.padding)
    dilation = op.dilation if isinstance(op, Conv) else (1,) * count
    yield from cast(Any, zip(op.kernel, op.stride, dilation, pads, strict=True))


def _is_half(kernel: int, stride: int, dilation: int, sides: Pads) -> bool:
    half = (kernel - 1) // 2 * dilation
    found = 1 in (kernel, stride) if sides is None else sides == (half, half)
    return kernel % 2 == 1 and found
