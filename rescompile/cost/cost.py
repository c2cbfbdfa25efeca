"""Exact costs of a network: parameters, multiply-adds, memory, weighted layers.

The unit of work is the multiply-add (MAC) of convolutions and linear layers, at batch 1: a
convolution has (in / groups) x kh x kw of them for each element of its output, wherever its window
lies (padding included), a transposed one (out / groups) x kh x kw for each element of its input; a
linear layer has in x out. A global attention pool is a linear layer as well, whose weights are of
the map itself: it has C for each position. Biases, normalisation, activations, other pools and
joins have none. A step that is applied again has its multiply-adds again, and its parameters once.
FLOPs = 2 x MACs. The counters of fvcore, thop or torchinfo add other terms.

An instance of a block is counted once, however often it is called.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import accumulate
from math import prod

from ..ir.nodes import JoinKind, is_several
from ..ir.trace import (
    CallTrace,
    Elaborated,
    FromTrace,
    GroupTrace,
    Instance,
    JoinTrace,
    OpTrace,
    ResidualTrace,
    Trace,
    is_again,
)
from ..ops import Linear, Weighted
from ..record import record

FLOAT32 = 4  # bytes
CONVENTION = (
    "MACs are multiply-adds of convolutions and linear layers alone, batch 1; FLOPs = 2 x MACs"
)
CONVENTIONS = {
    "macs": "multiply-adds of convolutions and linear layers, batch 1, and of pools by global "
    "attention; biases, normalisation, activations, other pools and joins count nothing",
    "flops": "2 x macs",
    "parameters": "trainable elements",
    "other_parameters": "running statistics of batch normalisation, not trainable; PyTorch's "
    "num_batches_tracked is not counted",
    "weights_bytes": "all parameters, trainable or not, in float32",
    "activation_bytes": "the output of every operation and of every join, in float32, batch 1, "
    "nothing freed, reused or done in place; the input is not counted",
    "peak_bytes": "the most bytes of values that are alive at once in evaluation, in float32, "
    "batch 1: a value lives from the step that makes it to the last that reads it, what is "
    "returned to the end; the input counts, weights do not, and nothing is done in place",
    "layers": "convolutions and linear layers on the longest path, without shortcuts and gates, "
    "as papers count a network's depth",
    "weighted_layers": "all convolutions and linear layers",
    "receptive_field_px": "height and width, in pixels of the input, that one element of the "
    "output sees through windows, not clipped to the image; 'full' after a global pool or a linear "
    "layer",
    "stride_px": "distance, in pixels of the input, between neighbours of the output",
}


@record
class Cost:
    """What a part of a network costs; the sum is for parts one after the other.

    Numbers of elements, multiply-adds or bytes, as `CONVENTIONS` says. `layers` is the depth as
    papers count it, `weighted_layers` counts every convolution and linear layer.
    """

    parameters: int = 0
    other_parameters: int = 0
    conv_macs: int = 0
    linear_macs: int = 0
    activation_bytes: int = 0
    layers: int = 0
    weighted_layers: int = 0

    @property
    def macs(self) -> int:
        """Multiply-adds of convolutions and linear layers, batch 1."""
        return self.conv_macs + self.linear_macs

    @property
    def flops(self) -> int:
        """2 x MACs."""
        return 2 * self.macs

    @property
    def weights_bytes(self) -> int:
        """Bytes of all parameters, running statistics included, in float32."""
        return FLOAT32 * (self.parameters + self.other_parameters)

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.parameters + other.parameters,
            self.other_parameters + other.other_parameters,
            self.conv_macs + other.conv_macs,
            self.linear_macs + other.linear_macs,
            self.activation_bytes + other.activation_bytes,
            self.layers + other.layers,
            self.weighted_layers + other.weighted_layers,
        )


def op_cost(trace: OpTrace) -> Cost:
    """The cost of one operation."""
    counts = {True: 0, False: 0}
    for parameter in trace.op.parameters(trace.x):
        counts[parameter.trainable] += prod(parameter.shape)
    done = trace.op.macs(trace.x, trace.y)
    weighted, linear = isinstance(trace.op, Weighted), isinstance(trace.op, Linear)
    return Cost(
        parameters=counts[True],
        other_parameters=counts[False],
        conv_macs=0 if linear else done,
        linear_macs=done if linear else 0,
        activation_bytes=FLOAT32 * prod(trace.y),
        layers=int(weighted),
        weighted_layers=int(weighted),
    )


def without_parameters(cost: Cost) -> Cost:
    """What a step costs that is applied again."""
    return replace(cost, parameters=0, other_parameters=0)


def join_cost(trace: JoinTrace | ResidualTrace) -> Cost:
    """The cost of a join by itself, without its branches: the memory of what it makes."""
    adds = isinstance(trace, JoinTrace) or trace.shortcut is not None
    return Cost(activation_bytes=FLOAT32 * prod(trace.y) if adds else 0)


class Costs:
    """Costs of the parts of one network, remembered for each distinct instance."""

    def __init__(self) -> None:
        self._known: dict[Instance, Cost] = {}

    def total(self, items: Iterable[Trace]) -> Cost:
        """The cost of traces one after the other; `layers` is the depth of the deepest of them."""
        total, depth, deepest = Cost(), 0, 0
        named: dict[str, int] = {}
        for item in items:
            cost = self.trace(item)
            if isinstance(item, FromTrace):
                depth = named.get(item.node.source, 0)
            elif is_several(item.node):  # in repetitions each turn follows the one before
                known = [named[source] for source in item.node.sources if source in named]
                depth = max(known, default=depth)
            elif isinstance(item, GroupTrace):
                inside = accumulate(self.trace(part).layers for part in item.items)
                steps = zip(item.items, inside, strict=True)
                named |= {f"{item.name}.{part.name}": depth + layers for part, layers in steps}
            depth += cost.layers
            deepest = max(deepest, depth)
            named[item.name] = depth
            named |= dict.fromkeys(item.node.leaving if is_several(item.node) else (), depth)
            total += cost
        return replace(total, layers=deepest)

    def trace(self, item: Trace) -> Cost:
        """The cost of one trace with all that is inside; parameters cost where they are first."""
        cost = self.applied(item)
        return without_parameters(cost) if is_again(item) else cost

    def applied(self, item: Trace) -> Cost:
        """The same, whosever the parameters are."""
        if isinstance(item, OpTrace):
            return op_cost(item)
        if isinstance(item, GroupTrace):
            return self.total(item.items)
        if isinstance(item, CallTrace):
            known = self._known.get(item.instance)
            if known is None:
                known = self._known[item.instance] = self.total(item.instance.items)
            return known
        if isinstance(item, FromTrace):
            return Cost()
        costs = [self.total(part) for part in item.parts]
        depth = _depth(item, [cost.layers for cost in costs])
        return replace(sum(costs, join_cost(item)), layers=sum(depth))

    def depth(self, item: JoinTrace | ResidualTrace) -> tuple[int, ...]:
        """How many layers each part of a join adds to the network's depth."""
        return _depth(item, [self.total(part).layers for part in item.parts])


def _depth(item: JoinTrace | ResidualTrace, layers: list[int]) -> tuple[int, ...]:
    """`layers` of the parts on the longest way through a join; zero for shortcuts and gates.

    A gate is a factor of another shape than the product's, or one beside an identity.
    """
    if isinstance(item, ResidualTrace):
        pre, _, branch = layers
        return pre, 0, branch
    if item.node.kind is JoinKind.MULTIPLY:
        bare = not all(item.branches)
        gates = [bare or branch[-1].y != item.y for branch in item.branches]
        layers = [0 if gate else n for n, gate in zip(layers, gates, strict=True)]
    longest = layers.index(max(layers))
    return tuple(n if i == longest else 0 for i, n in enumerate(layers))


def network_cost(elaborated: Elaborated) -> Cost:
    """The cost of a whole network."""
    return Costs().total(elaborated.root.items)
