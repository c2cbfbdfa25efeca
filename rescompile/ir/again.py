"""A step applied again: whether it is the same step there, with weights that fit."""

from __future__ import annotations

from itertools import zip_longest

from ..ops import Shape, ShapeError, show_shape
from .nodes import Reuse
from .trace import OpTrace, Trace, walk_traces

CODE = "E214"


def misfit(node: Reuse, first: Trace, x: Shape) -> ShapeError | None:
    """Why what has shape `x` cannot enter the step `first` again, if it cannot."""
    if not any(isinstance(one, OpTrace) and one.op.parameters(one.x) for one in _all(first)):
        message = f"the step '{node.of}' has no weights that could be shared"
        return ShapeError(message, help="write the step again: it computes the same")
    if (len(x), x[0]) == (len(first.x), first.x[0]):
        return None
    entering = (show_shape(first.x), show_shape(x))
    message = f"the weights of '{node.of}' do not fit here: {x[0]} channels come in, "
    message += f"where '{node.of}' has {first.x[0]}"
    if x[0] == first.x[0]:
        message = f"the weights of '{node.of}' do not fit here: {entering[1]} comes in, "
        message += f"where '{node.of}' has {entering[0]}"
    help = f"bring what comes in to {first.x[0]} channels by a step before this one"
    return ShapeError(message, f"{entering[1]} comes in", help if x[0] != first.x[0] else "")


def difference(node: Reuse, first: Trace, second: Trace) -> ShapeError | None:
    """What is another step or another weight in `second`, if anything is."""
    for a, b in zip_longest(_all(first), _all(second)):
        if not isinstance(a, OpTrace) or not isinstance(b, OpTrace):
            if type(a) is not type(b):
                break
            continue
        if a.op != b.op:
            break
        given, wanted = (
            {one.leaf: one.shape for one in trace.op.parameters(trace.x)} for trace in (b, a)
        )
        for leaf, shape in wanted.items():
            if given[leaf] != shape:
                message = f"the weights of '{node.of}' do not fit here: those of its "
                message += f"{a.op.word} are {show_shape(shape)}, not {show_shape(given[leaf])}"
                label = f"{show_shape(second.x)} comes in, {show_shape(first.x)} there"
                return ShapeError(message, label, "bring both inputs to one size")
    else:
        return None
    message = f"the steps of '{node.of}' are others for an input of {show_shape(second.x)}"
    label = f"{show_shape(first.x)} comes in there"
    return ShapeError(message, label, "call the block again, with weights of its own")


def _all(item: Trace) -> list[Trace]:
    """A trace with all that is inside of it."""
    return [one for _, one in walk_traces([item])]
