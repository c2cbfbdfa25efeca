"""The fidelity lint: what a reader of the papers would want to know about a network.

A warning is no error: the network is computed as the spec says. Each has a code, the place in the
spec, what the literature says, and a way out. It is given once for each place, however often the
place is repeated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, cast

from ..errors import Diagnostic, Location
from ..ir.resizing import changes_shape
from ..ir.trace import (
    CallTrace,
    Elaborated,
    FromTrace,
    GroupTrace,
    JoinTrace,
    OpTrace,
    ResidualTrace,
    Trace,
    standing,
)
from ..ops import Activation, BatchNorm, Conv, Dropout, Norm, Relu, Relu6, Scale, Weighted
from ..record import record
from .rules import warning

# Layers with weights as torchvision's ResNets name them, and whoever publishes weights for these.
RESNET = re.compile(r"(layer\d\.\d+\.((conv|bn)\d|downsample\.\d)|conv1|bn1|fc)")
# What torchvision's weights of so many bottlenecks are for; ours by the papers' names are others.
TORCHVISION = {16: "resnet50_v1_5", 33: "resnet101_v1_5", 50: "resnet152_v1_5"}


@record
class Position:
    """An operation, a join or an earlier value on a way, and the block calls around it."""

    trace: OpTrace | JoinTrace | ResidualTrace | FromTrace
    calls: tuple[CallTrace, ...]

    @property
    def op(self) -> object:
        """The operation, None where there is none."""
        return self.trace.op if isinstance(self.trace, OpTrace) else None

    @property
    def conv(self) -> Conv | None:
        op = self.op
        return op if isinstance(op, Conv) else None


Way = list[Position]
Finding = tuple[str, Position, str]  # the code, where, and what stands under the caret


def fidelity(elaborated: Elaborated) -> list[Diagnostic]:
    """Warnings about a network in the order of execution, one for each place and code."""
    found: dict[tuple[str, object], Diagnostic] = {}
    root = _way(elaborated.root.items, ())
    for way in _ways(root):
        for code, step, label in _findings(way):
            node = standing(step.trace)
            place = (code, node.at or node.id)
            found.setdefault(place, _warning(code, step, label))
    for code, step, label in _last_activation(root):
        found.setdefault((code, standing(step.trace).id), _warning(code, step, label))
    return list(found.values())


def _way(items: tuple[Trace, ...], calls: tuple[CallTrace, ...]) -> Way:
    """Traces one after the other, groups and calls opened."""
    way: Way = []
    for item in items:
        if isinstance(item, CallTrace):
            way.extend(_way(item.instance.items, (*calls, item)))
        elif isinstance(item, GroupTrace):
            way.extend(_way(item.items, calls))
        else:
            way.append(Position(item, calls))
    return way


def _ways(way: Way) -> Iterator[Way]:
    """A way, and those through all joins on it."""
    yield way
    for step in way:
        if not isinstance(step.trace, OpTrace):
            for part in step.trace.parts:
                yield from _ways(_way(part, step.calls))


def _findings(way: Way) -> Iterator[Finding]:
    for step in way:
        if isinstance(step.trace, ResidualTrace) and step.trace.shortcut is not None:
            for rule in RESIDUAL_RULES:
                yield from rule(step, step.trace)
    yield from _bias_before_norm(way)
    yield from _no_activation(way)


def stride_note(elaborated: Elaborated) -> str:
    """A sentence where torchvision's weights fit in name and shape, but are for another network.

    That is so where bottlenecks have their stride on the first 1x1, as in the paper (see F101).
    """
    layers = [path for path, trace in elaborated.flat() if isinstance(trace.op, (Weighted, Norm))]
    meant = TORCHVISION.get(len({path[:2] for path in layers if len(path) > 2}))
    if meant is None or not all(RESNET.fullmatch(".".join(path)) for path in layers):
        return ""
    ways = _ways(_way(elaborated.root.items, ()))
    if not any(_strided_first(step) for way in ways for step in way):
        return ""
    return (
        "The stride of a bottleneck is on its first 1x1 convolution, as in the paper; "
        f"torchvision's weights are for {meant}, which has it on the 3x3."
    )


def _strided_first(step: Position) -> bool:
    found = _bottleneck(step, step.trace) if isinstance(step.trace, ResidualTrace) else None
    return found is not None and max(cast(Any, found[0].conv).stride) > 1


def _bottleneck(step: Position, item: ResidualTrace) -> tuple[Position, Position, Position] | None:
    """The convolutions of a bottleneck without groups, None for another branch."""
    way = [s for s in _way(item.branch, step.calls) if isinstance(s.op, Weighted)]
    convs = [s.conv for s in way]
    if len(convs) != 3 or None in convs:
        return None
    reduce, middle, expand = cast(list[Conv], convs)
    narrow = cast(int, reduce.channels) < cast(int, expand.channels)
    outer = (reduce.kernel, expand.kernel) == ((1, 1), (1, 1)) != (middle.kernel, middle.kernel)
    return (way[0], way[1], way[2]) if outer and narrow and middle.groups == 1 else None


def _stride_on_3x3(step: Position, item: ResidualTrace) -> Iterator[Finding]:
    _, middle, _ = _bottleneck(step, item) or (None, None, None)
    if middle is not None and max(cast(Any, middle.conv).stride) > 1:
        yield "F101", middle, f"stride {cast(Conv, middle.conv).stride[0]}"


def _single_layer(step: Position, item: ResidualTrace) -> Iterator[Finding]:
    way = _way((*item.pre, *item.branch), step.calls)
    layers = [s for s in way if isinstance(s.op, Weighted)]
    plain = not any(s.op is None or isinstance(s.op, Activation) for s in way)
    if len(layers) == 1 and plain:
        yield "F102", layers[0], "the only layer, with no activation"


def _needless_projection(step: Position, item: ResidualTrace) -> Iterator[Finding]:
    projected = any(isinstance(s.op, Weighted) for s in _way(item.shortcut or (), step.calls))
    if projected and not changes_shape((*item.pre, *item.branch), item.x, item.y):
        yield "F103", step, "the shape does not change"


def _relu_before_addition(step: Position, item: ResidualTrace) -> Iterator[Finding]:
    way = _way(item.branch, step.calls)
    if way and isinstance(way[-1].op, (Relu, Relu6)):
        yield "F105", way[-1], "never negative"


RESIDUAL_RULES: tuple[Callable[[Position, ResidualTrace], Iterator[Finding]], ...] = (
    _stride_on_3x3,
    _single_layer,
    _needless_projection,
    _relu_before_addition,
)


def _bias_before_norm(way: Way) -> Iterator[Finding]:
    for step, after in pairwise(way):
        if isinstance(step.op, Weighted) and step.op.bias and isinstance(after.op, BatchNorm):
            yield "F104", step, "has a bias"


def _no_activation(way: Way) -> Iterator[Finding]:
    """Two 3x3 convolutions, say, of one block. Others are factored on purpose: 1x7 and 7x1,
    depthwise and pointwise, the linear bottlenecks between inverted residuals.
    """
    rest = [step for step in way if not isinstance(step.op, (Norm, Dropout, Scale))]
    for step, after in pairwise(rest):
        both = step.conv and after.conv and _is_full(step.conv) and _is_full(after.conv)
        if both and step.calls == after.calls:
            yield "F106", after, "follows a convolution with no activation between"


def _is_full(conv: Conv) -> bool:
    return conv.groups == 1 and len({*conv.kernel}) == 1 != conv.kernel[0]


def _last_activation(way: Way) -> Iterator[Finding]:
    last = next((i for i in reversed(range(len(way))) if _is_residual(way[i])), None)
    if last is None:
        return
    item = cast(ResidualTrace, way[last].trace)
    for step in _way((*item.pre, *item.branch), ()):
        if isinstance(step.op, Activation):
            break
        if not isinstance(step.op, Norm):
            return  # no pre-activation
    else:
        return
    if not any(isinstance(step.op, Activation) for step in way[last + 1 :]):
        yield "F107", way[last], "its sum goes to the classifier as it is"


def _is_residual(step: Position) -> bool:
    return isinstance(step.trace, ResidualTrace) and step.trace.shortcut is not None


def _warning(code: str, step: Position, label: str) -> Diagnostic:
    calls = tuple(_called(call) for call in reversed(step.calls))
    return warning(code, standing(step.trace).at, label, calls)


def _called(call: CallTrace) -> str:
    node = call.again or call.node
    name = f" as '{node.name}'" if node.name else ""
    at: Location | None = standing(call).at
    where = f" ({at.file}:{at.line})" if at else ""
    return f"in block '{call.instance.block.name}', called{name}{where}"
