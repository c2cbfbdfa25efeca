"""What a target that keeps channels last must know of a network: signs, orders, layouts.

Zeros around a max-pool never win where its input cannot be negative. A flatten may keep the order
H, W, C where nothing but linear layers see it, whose kernels' rows are then permuted. What such
targets do at the border of a map is in `borders`.
"""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

from .. import ops
from ..ir.interpreter import Interpreter
from ..ir.nodes import JoinKind
from ..ir.structure import Path
from ..ir.trace import Elaborated, OpTrace
from ..ops import Op, Parameter, Pool, Role, Shape
from ..record import record

Map = Shape  # with pixels


@record
class Known:
    """What is known of a value; `flatten` made the vector whose order is still the target's."""

    shape: Shape
    nonnegative: bool
    flatten: OpTrace | None = None


class Proofs(Interpreter[Known]):
    """One walk over a network.

    `negative` are the nodes' ids of pools that see a negative value in some call, `ordered` those
    of flattens whose order somebody sees, so that it must be PyTorch's. `kernels` tells for each
    linear layer after another flatten what was flattened, and `mixed` are the paths from there on
    whose values have the target's order.
    """

    def __init__(self, elaborated: Elaborated) -> None:
        super().__init__(elaborated)
        self.negative: set[int] = set()
        self.ordered: set[int] = set()
        self.ended: dict[Path, OpTrace] = {}
        self.carried: dict[Path, OpTrace] = {}
        # One kernel serves several inputs, whose order must be one.
        self.shared = {*self.owners, *self.owners.values()}
        inputs = elaborated.network.inputs.values()
        self.see(*self.network(*(Known(shape, False) for shape in inputs)))

    @property
    def kernels(self) -> dict[Path, Map]:
        found = self.ended.items()
        return {path: f.x for path, f in found if f.node.id not in self.ordered}

    @property
    def mixed(self) -> set[Path]:
        found = self.carried.items()
        return {path for path, flatten in found if flatten.node.id not in self.ordered}

    def see(self, *values: Known) -> None:
        """Somebody sees the order of these values."""
        self.ordered |= {value.flatten.node.id for value in values if value.flatten}

    def operation(self, item: OpTrace, x: Known, path: Path) -> Known:
        op, flatten = item.op, x.flatten
        if isinstance(op, Pool) and not x.nonnegative:
            self.negative.add(item.node.id)
        if isinstance(op, ops.Flatten) and prod(item.x) > item.x[0]:
            flatten = item
        elif flatten and isinstance(op, ops.Linear) and path not in self.shared:
            self.ended[path], flatten = flatten, None
        elif flatten and not op.orderless:
            self.see(x)
            flatten = None
        if flatten:
            self.carried[path] = flatten
        positive = op.nonnegative or (x.nonnegative and op.keeps_sign)
        return Known(item.y, positive, flatten)

    def shares(self, x: Known, count: int) -> list[Known]:
        self.see(x)
        return [Known((x.shape[0] // count, *x.shape[1:]), x.nonnegative)] * count

    def combine(self, kind: JoinKind, values: list[Known]) -> Known:
        self.see(*values)
        channels, *rest = map(max, zip(*(value.shape for value in values), strict=True))
        if kind is JoinKind.CONCAT:
            channels = sum(value.shape[0] for value in values)
        return Known((channels, *rest), all(value.nonnegative for value in values))

    def shape(self, value: Known) -> Shape:
        return value.shape


@record
class Layout:
    """How a tensor lies: PyTorch's shape, split into axes, put into an order, and merged again."""

    portable: Shape
    split: Shape
    order: tuple[int, ...]
    shape: Shape

    def to(self, array: Any) -> Any:
        return array.reshape(self.split).transpose(self.order).reshape(self.shape)

    def back(self, array: Any) -> Any:
        axes = array.reshape([self.split[axis] for axis in self.order])
        inverse = sorted(range(len(self.order)), key=self.order.__getitem__)
        return axes.transpose(inverse).reshape(self.portable)


def layout_of(
    op: Op, x: Shape, parameter: Parameter, depthwise: bool = False, flattened: Map | None = None
) -> Layout:
    """How a tensor of a bound op on input shape `x` lies where channels are last.

    A kernel has its extents first: H, W, in, out (transposed: H, W, out, in; `depthwise`: H, W, in,
    multiplier). A linear layer's is in, out; all else is a vector, or a number for all channels.
    `flattened` is the map before a linear layer that kept the target's order.
    """
    shape = split = parameter.shape
    if not isinstance(parameter.start, Role):
        alone = isinstance(op, ops.LayerScale) and op.shared
        return Layout(shape, shape, tuple(range(len(shape))), () if alone else shape[:1])
    if isinstance(op, ops.Linear):
        split = (shape[0], *(flattened or shape[1:]))
        order: tuple[int, ...] = (*range(2, len(split)), 1, 0)
        return Layout(shape, split, order, shape[::-1])
    if depthwise:
        split = (x[0], shape[0] // x[0], *shape[2:])
    order = (*range(2, len(shape)), *((0, 1) if depthwise else (1, 0)))
    return Layout(shape, split, order, tuple(split[axis] for axis in order))


def scaled(kernel: Shape, scale: float, mode: str) -> float:
    """The standard deviation of a kernel whose variance is `scale` over a fan, as these targets do.

    A fan is one of the last two dimensions, times the pixels before them. Raises `KeyError` for a
    mode that is none.
    """
    into, out = (prod(kernel[:-2]) * n for n in kernel[-2:])
    fan = {"fan_in": into, "fan_out": out, "fan_avg": (into + out) / 2}[mode]
    return sqrt(scale / fan)


def to_last(array: Any) -> Any:
    """An array N x C x H x W, say, with its channels last; vectors as they are."""
    return array.transpose(0, *range(2, array.ndim), 1)


def to_first(array: Any) -> Any:
    """And back."""
    return array.transpose(0, array.ndim - 1, *range(1, array.ndim - 1))
