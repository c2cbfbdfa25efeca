"""What the convolutions of a network are in Keras: how they are padded, and how connected.

Keras pads a convolution with a stride on one side only where PyTorch pads both, so each
convolution is classed by what its padding is in every call of its block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any, cast

from rescompile.emit.channels_last import pads_half, pads_same
from rescompile.expr.dims import Binary, Dim, binary, names
from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import CLASSES, Layer
from rescompile.ir.trace import OpTrace
from rescompile.ops import Conv, Quad, Same


class Padding(Enum):
    """What gives a convolution its padding in Keras, the shortest way first."""

    VALID = "nothing"
    SAME = "the layer itself"
    HALF = "the layer itself, or zeros around the map where there is a stride"
    GIVEN = "zeros around the map, as many as the spec says"


class Kind(Enum):
    """How the channels of a convolution are connected."""

    FULL = "all, or those of a group"
    DEPTHWISE = "each with itself"
    EITHER = "full in one call, depthwise in another"


@dataclass(frozen=True)
class ConvSite:
    """A convolution of a definition, with everything that it stands for."""

    node: Layer
    op: Conv
    traces: tuple[OpTrace, ...]

    @property
    def bound(self) -> list[Conv]:
        """The convolution with numbers for attributes, call by call."""
        return [cast(Conv, trace.op) for trace in self.traces]

    @property
    def quad(self) -> Quad:
        return cast(Quad, self.op.padding)

    @cached_property
    def kind(self) -> Kind:
        if all(is_depthwise(trace) for trace in self.traces):
            return Kind.DEPTHWISE
        # One with two strides is a grouped convolution in all calls: Keras' depthwise one has one.
        either = self.op.stride[0] == self.op.stride[1] and bool(self.multipliers)
        return Kind.EITHER if either else Kind.FULL

    @property
    def square(self) -> bool:
        """Whether one number each tells kernel, stride and dilation."""
        return all(a == b for a, b in (self.op.kernel, self.op.stride, self.op.dilation))

    @property
    def skips(self) -> bool:
        """Whether it has a stride and a dilation at once, which no Keras layer has."""
        return any(skips(op) for op in self.bound)

    @property
    def multipliers(self) -> set[int]:
        """Outputs for each input channel, in the calls where it is depthwise."""
        return {trace.y[0] // trace.x[0] for trace in self.traces if is_depthwise(trace)}

    @property
    def multiplier(self) -> Dim:
        """The same as it is written: what the channels are multiplied with, or else a quotient."""
        made, groups = self.op.channels, self.op.groups
        if made == groups:
            return 1
        if isinstance(made, Binary) and made.op == "*" and made.left == groups:
            return made.right
        if len(self.multipliers) == 1 and CLASSES not in names(made):
            return max(self.multipliers)
        return binary("//", made, groups)

    @cached_property
    def paddings(self) -> frozenset[Padding]:
        """Every way of padding that is right in all calls."""
        right = {
            Padding.VALID: all(set(t.op.pads(t.x)) == {0} for t in cast(Any, self.traces)),
            Padding.SAME: all(pads_same(op) and not skips(op) for op in self.bound),
            Padding.HALF: self.square and all(pads_half(op) for op in self.bound),
            Padding.GIVEN: not isinstance(self.op.padding, Same),
        }
        return frozenset(way for way, found in right.items() if found)


def find_sites(analysis: Analysis) -> Iterator[ConvSite]:
    """Every convolution of every definition."""
    for traces in analysis.traces.values():
        node = traces[0].node
        if isinstance(node.op, Conv):
            yield ConvSite(node, node.op, tuple(traces))


def axes(dims: Iterable[Dim]) -> tuple[int, ...]:
    """Bound attributes as the numbers that they are."""
    return tuple(cast(int, dim) for dim in dims)


def skips(op: Conv) -> bool:
    return max(axes(op.stride)) > 1 and max(axes(op.dilation)) > 1


def is_depthwise(trace: OpTrace) -> bool:
    """Whether each channel is filtered by itself, and Keras' own layer for that can do it.

    That layer has one stride for both axes on TensorFlow.
    """
    op = cast(Conv, trace.op)
    return op.groups == trace.x[0] > 1 and op.stride[0] == op.stride[1]
