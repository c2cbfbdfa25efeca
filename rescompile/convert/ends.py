"""The two ends of a network that change where its task does: what sees the image, what answers."""

from __future__ import annotations

from ..ir.interpreter import Interpreter
from ..ir.nodes import JoinKind
from ..ir.structure import Path
from ..ir.trace import Elaborated, OpTrace, flatten
from ..ops import Conv, Linear, Shape, Weighted
from ..record import record

HEAD = "head"  # the label of the stage that the spec's `head` is


@record
class Value:
    """A value: whether its channels are still an image's, and the layers since the last kernel.

    `layers` begins with that kernel's, a linear layer; it is empty after any other.
    """

    shape: Shape
    image: bool
    layers: frozenset[Path] = frozenset()


class Ends(Interpreter[Value]):
    """One walk over a network. `stem` are the convolutions on an image itself, without groups;
    `head` are the layers of the spec's `head`, and the linear layers that an output ends in.
    """

    def __init__(self, elaborated: Elaborated) -> None:
        super().__init__(elaborated)
        self.stem: set[Path] = set()
        self.head: set[Path] = set()
        for stage, items in zip(elaborated.network.stages, elaborated.stages, strict=True):
            if stage.label == HEAD:
                self.head.update(path for path, _ in flatten(items))
        inputs = elaborated.network.inputs.values()
        for output in self.network(*(Value(shape, True) for shape in inputs)):
            self.head |= output.layers

    def operation(self, item: OpTrace, x: Value, path: Path) -> Value:
        op, path = item.op, self.owner(path)
        if type(op) is Conv and x.image and op.groups == 1:
            self.stem.add(path)
        layers = x.layers
        if isinstance(op, Weighted):
            layers = frozenset((path,) if isinstance(op, Linear) else ())
        elif layers and op.parameters(item.x):
            layers |= {path}
        same = item.x[0] == item.y[0] and not isinstance(op, Weighted)
        return Value(item.y, x.image and same, layers)

    def shares(self, x: Value, count: int) -> list[Value]:
        return [Value((x.shape[0] // count, *x.shape[1:]), False)] * count

    def combine(self, kind: JoinKind, values: list[Value]) -> Value:
        channels, *rest = map(max, zip(*(value.shape for value in values), strict=True))
        if kind is JoinKind.CONCAT:
            channels = sum(value.shape[0] for value in values)
        layers = frozenset[Path]().union(*(value.layers for value in values))
        same = kind is not JoinKind.CONCAT and all(value.image for value in values)
        return Value((channels, *rest), same, layers)

    def shape(self, value: Value) -> Shape:
        return value.shape


def ends(elaborated: Elaborated) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The layers of a network's head, and those of its stem, by name."""
    found = Ends(elaborated)
    return _names(found.head), _names(found.stem)


def _names(paths: set[Path]) -> tuple[str, ...]:
    return tuple(sorted(map(".".join, paths)))
