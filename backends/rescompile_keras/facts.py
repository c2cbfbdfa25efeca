"""What the Keras emission decides from the facts about a node in all its instances.

The runtime asks the same questions when it moves weights, so the answers live here.
"""

from __future__ import annotations

from collections.abc import Iterator

from rescompile.ir.elaborate import Elaborated, OpTrace
from rescompile.ir.facts import Facts
from rescompile.ir.ops import (
    Activation,
    AvgPool,
    Conv,
    Dropout,
    Flatten,
    HardSigmoid,
    Linear,
    MaxPool,
    Pool,
    Relu,
    Relu6,
    Same,
    Sigmoid,
    Softmax,
)
from rescompile.ir.structure import Group, Layer, Network, Node, Path, walk

NONNEGATIVE = (Relu, Relu6, Sigmoid, HardSigmoid, Softmax)
KEEPS_SIGN = (Dropout, MaxPool, AvgPool)
Pads = tuple[tuple[int, int], tuple[int, int]]


def convs(facts: Facts, node: Layer) -> list[tuple[Conv, OpTrace]]:
    """The convolutions that a node stands for, with numbers for attributes."""
    return [(t.op, t) for t in facts.traces[id(node)] if isinstance(t.op, Conv)]


def is_depthwise(facts: Facts, node: Layer) -> bool:
    """Whether a convolution filters each channel by itself in every instance, one way for all."""
    found = convs(facts, node)
    ratios = {_int(op.out_channels) // t.x[0] for op, t in found}
    alone = all(_int(op.groups) == t.x[0] > 1 for op, t in found)
    square = all(op.stride[0] == op.stride[1] for op, _ in found)
    return alone and square and len(ratios) == 1


def is_regular(facts: Facts, node: Layer) -> bool:
    """Whether a convolution is square, with an odd kernel and half of it as padding."""
    for op, _ in convs(facts, node):
        pairs = (op.kernel, op.stride, op.dilation)
        if isinstance(op.padding, Same) or any(a != b for a, b in pairs):
            return False
        kernel, dilation = _int(op.kernel[0]), _int(op.dilation[0])
        half = (kernel - 1) // 2 * dilation
        if kernel % 2 == 0 or set(op.padding) != {half}:
            return False
    return True


def pool_pads(trace: OpTrace) -> Pads:
    """Padding of a pool that gives its output by whole windows: ceil mode adds after."""
    op = trace.op
    assert isinstance(op, Pool)
    pads = []
    for axis in (0, 1):
        n, out = trace.x[axis + 1], trace.y[axis + 1]
        before, after = (_int(p) for p in op.padding[2 * axis : 2 * axis + 2])
        kernel, stride = _int(op.kernel[axis]), _int(op.stride[axis])
        missing = (out - 1) * stride + kernel - (n + before + after)
        pads.append((before, after + max(0, missing)))
    return pads[0], pads[1]


def overhangs(trace: OpTrace) -> bool:
    """Whether ceil mode adds a window that reaches past the padding."""
    op = trace.op
    assert isinstance(op, Pool)
    given = ((op.padding[0], op.padding[1]), (op.padding[2], op.padding[3]))
    return pool_pads(trace) != given


def same_pool(trace: OpTrace) -> bool:
    """Whether `padding="same"` is what the pool does: nothing, or stride 1 and half the kernel."""
    op = trace.op
    assert isinstance(op, Pool)
    return all(
        op.stride[a] == 1 and p == (k - 1) // 2 == q and k % 2 == 1
        for a, (k, (p, q)) in enumerate(
            zip((_int(k) for k in op.kernel), pool_pads(trace), strict=True)
        )
    )


def all_layers(network: Network) -> Iterator[Layer]:
    """Every operation node of a network's own scope and of its blocks."""
    for body in (network.body, *(block.body for block in network.blocks.values())):
        for node in walk(body):
            if isinstance(node, Layer):
                yield node


def plain_flattens(network: Network) -> set[int]:
    """Flattens whose order only a Linear sees: the weights can be reordered instead."""
    found: set[int] = set()
    bodies = [network.body, *(block.body for block in network.blocks.values())]
    for body in bodies:
        _collect(body, found)
    return found


def _collect(body: tuple[Node, ...], found: set[int]) -> None:
    from rescompile.ir.structure import children

    for i, node in enumerate(body):
        flatten = isinstance(node, Layer) and isinstance(node.op, Flatten) and node.when is True
        if flatten and _feeds_linear(body[i + 1 :]):
            found.add(id(node))
        for inner in children(node):
            _collect(inner, found)


def _feeds_linear(rest: tuple[Node, ...]) -> bool:
    for node in rest:
        if isinstance(node, Group) and node.when is True:
            return _feeds_linear((*node.body, *rest[rest.index(node) + 1 :]))
        if not isinstance(node, Layer) or node.when is not True:
            return False
        if isinstance(node.op, Linear):
            return True
        elementwise = isinstance(node.op, (Activation, Dropout))
        if not elementwise or isinstance(node.op, Softmax):
            return False
    return False


def reordered(elaborated: Elaborated) -> dict[Path, tuple[int, int, int]]:
    """Linear layers behind a plain flatten, with the map's channels, height and width."""
    plain = plain_flattens(elaborated.network)
    found: dict[Path, tuple[int, int, int]] = {}
    pending: tuple[int, int, int] | None = None
    for path, trace in elaborated.flat():
        if isinstance(trace.op, Flatten):
            is_map = id(trace.node) in plain and len(trace.x) == 3
            pending = (trace.x[0], trace.x[1], trace.x[2]) if is_map else None
        elif isinstance(trace.op, Linear) and pending is not None:
            found[path] = pending
            pending = None
    return found


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value
