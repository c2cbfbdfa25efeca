"""The shapes at a join: what each branch gets of the input, and what the branches make together."""

from __future__ import annotations

from .ops import Shape, ShapeError, bounded
from .structure import Join, JoinKind
from .trail import Trail


def share(node: Join, x: Shape, trail: Trail) -> Shape:
    """What each branch gets where the channels are split between them. Raises `SpecError`."""
    count = len(node.branches)
    if x[0] % count:
        help = "choose a number of channels that the number of branches divides"
        message = f"{x[0]} channels cannot be split evenly between {count} branches"
        raise trail.error(ShapeError(message, help=help), node.at)
    return (x[0] // count, *x[1:])


def joined(node: Join, shapes: list[Shape], trail: Trail) -> Shape:
    """The shape that branches of these shapes make. Raises `SpecError` where they do not fit."""
    if node.kind is JoinKind.CONCAT:
        rest = {shape[1:] for shape in shapes}
        if len(rest) > 1:
            what = "height and width"
            raise trail.mismatch(node.at, "concatenates", node.branches, shapes, what)
        try:
            return bounded((sum(shape[0] for shape in shapes), *shapes[0][1:]))
        except ShapeError as error:
            raise trail.error(error, node.at) from None
    top = max(shapes, key=lambda s: (len(s), s))
    for shape in shapes:
        gate = node.kind is JoinKind.MULTIPLY and shape == (*top[:1], 1, 1)
        if shape != top and not gate:
            verb = "multiplies" if node.kind is JoinKind.MULTIPLY else "adds"
            raise trail.mismatch(node.at, verb, node.branches, shapes, "shape")
    return top
