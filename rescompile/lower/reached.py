"""That nothing is computed for nobody: each operation reaches something that the network returns.

Where a step goes back to a value, `liveness` has seen to that. What a block gives beside the value
that is meant may still be of no use: frameworks differ in whether its weights are there at all.
"""

from __future__ import annotations

from ..errors import Diagnostic, Location, SpecError
from ..ir.interpreter import Interpreter
from ..ir.nodes import JoinKind, is_several
from ..ir.structure import Path
from ..ir.trace import Elaborated, OpTrace
from ..ir.walk import walk
from ..ops import Shape
from ..record import record


@record
class Value:
    """A shape, and the number of what made it."""

    shape: Shape
    made: int


class _Ways(Interpreter[Value]):
    """One walk that notes which values each value is made of, and where operations stand."""

    def __init__(self, elaborated: Elaborated) -> None:
        super().__init__(elaborated)
        self.inputs: list[list[int]] = []
        self.steps: dict[int, tuple[Path, Location | None]] = {}
        shapes = elaborated.network.inputs.values()
        self.outputs = self.network(*(self.make(shape, []) for shape in shapes))

    def make(self, shape: Shape, values: list[Value]) -> Value:
        self.inputs.append([value.made for value in values])
        return Value(shape, len(self.inputs) - 1)

    def operation(self, item: OpTrace, x: Value, path: Path) -> Value:
        made = self.make(item.y, [x])
        self.steps[made.made] = path, item.node.at
        return made

    def shares(self, x: Value, count: int) -> list[Value]:
        shape = (x.shape[0] // count, *x.shape[1:])
        return [self.make(shape, [x]) for _ in range(count)]

    def combine(self, kind: JoinKind, values: list[Value]) -> Value:
        channels, *rest = map(max, zip(*(value.shape for value in values), strict=True))
        if kind is JoinKind.CONCAT:
            channels = sum(value.shape[0] for value in values)
        return self.make((channels, *rest), values)

    def shape(self, value: Value) -> Shape:
        return value.shape

    def dead(self) -> list[int]:
        """The operations that reach no output."""
        reached, ahead = set[int](), [value.made for value in self.outputs]
        while ahead:
            value = ahead.pop()
            if value not in reached:
                reached.add(value)
                ahead.extend(self.inputs[value])
        return [made for made in self.steps if made not in reached]


def check_reached(elaborated: Elaborated) -> None:
    """Raise `SpecError` for an operation that nothing returned is made of."""
    network = elaborated.network
    bodies = (network.body, *(block.body for block in network.blocks.values()))
    if not any(is_several(node) and node.outputs for body in bodies for node in walk(body)):
        return
    ways = _Ways(elaborated)
    for made in ways.dead()[:1]:
        path, at = ways.steps[made]
        message = f"nothing that the network returns is made of '{'.'.join(path)}'"
        help = "go back to what its block gives of it, or take it out of the block"
        raise SpecError([Diagnostic("E210", message, at, help=help)])
