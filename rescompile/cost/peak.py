"""The peak of memory: the most bytes of values that are alive at once in evaluation.

Operations and joins run one after the other, in the order of the layer view. Each makes a value of
its own, in float32, for one image; nothing is done in place. A value lives from the step that makes
it to the last step that reads it, and what the network returns to the end; the image lives as any
other value. A step holds what it reads and what it makes at once. What passes its input on in
evaluation (dropout, stochastic depth) makes nothing, and a split hands out parts of the value that
is split. Weights and the scratch memory of frameworks are not counted.
"""

from __future__ import annotations

from itertools import accumulate
from math import inf, prod

from ..ir.interpreter import Interpreter
from ..ir.nodes import JoinKind
from ..ir.structure import Path
from ..ir.trace import Elaborated, OpTrace
from ..ops import Shape
from ..record import record
from .cost import FLOAT32


@record
class Alive:
    """A value in memory: the step that made it (an input has no path), and its shape."""

    path: Path
    shape: Shape

    @property
    def bytes(self) -> int:
        """Its size in float32."""
        return FLOAT32 * prod(self.shape)


@record
class Peak:
    """The first step at which most is alive, what is alive there, and the bytes at every step.

    `course` has a number for each operation and join, in the order of execution. A network without
    any has its image alone.
    """

    bytes: int
    path: Path
    alive: tuple[Alive, ...]
    course: tuple[int, ...]


class _Buffer:
    """Memory that a step fills: when that is, and when it is read last."""

    def __init__(self, shape: Shape, made: int) -> None:
        self.shape = shape
        self.path: Path = ()
        self.made = made
        self.read: float = made


@record
class _Value:
    """A shape, and the memory where its elements stand."""

    shape: Shape
    buffer: _Buffer


class _Lives(Interpreter[_Value]):
    """Runs a network on shapes and notes when each buffer is made and read."""

    def __init__(self, elaborated: Elaborated) -> None:
        super().__init__(elaborated)
        self.buffers: list[_Buffer] = []
        self.steps: list[Path] = []
        self.pending = False  # the last step is a join, whose path is told after it
        shapes = elaborated.network.inputs.values()
        outputs = self.network(*(self._make(shape, -1) for shape in shapes))
        for value in outputs:
            value.buffer.read = inf

    def operation(self, item: OpTrace, x: _Value, path: Path) -> _Value:
        now = self._step(path, [x])
        return _Value(item.y, x.buffer) if item.op.passes else self._make(item.y, now)

    def combine(self, kind: JoinKind, values: list[_Value]) -> _Value:
        now = self._step((), values)
        self.pending = True
        shapes = [value.shape for value in values]
        if kind is not JoinKind.CONCAT:
            return self._make(tuple(map(max, *shapes)), now)
        return self._make((sum(shape[0] for shape in shapes), *shapes[0][1:]), now)

    def shares(self, x: _Value, count: int) -> list[_Value]:
        shape = (x.shape[0] // count, *x.shape[1:])
        return [_Value(shape, x.buffer) for _ in range(count)]

    def shape(self, value: _Value) -> Shape:
        return value.shape

    def record(self, path: Path, value: _Value) -> None:
        if self.pending:
            self.steps[-1], self.pending = path, False
        if not value.buffer.path and value.buffer.made >= 0:
            value.buffer.path = path

    def _step(self, path: Path, values: list[_Value]) -> int:
        now = len(self.steps)
        self.steps.append(path)
        for value in values:
            value.buffer.read = max(value.buffer.read, now)
        return now

    def _make(self, shape: Shape, now: int) -> _Value:
        self.buffers.append(_Buffer(shape, now))
        return _Value(shape, self.buffers[-1])


def peak(elaborated: Elaborated) -> Peak:
    """The peak of memory of a network; see the definition above."""
    lives = _Lives(elaborated)
    count = len(lives.steps)
    if not count:
        images = tuple(Alive((), buffer.shape) for buffer in lives.buffers)
        return Peak(sum(image.bytes for image in images), (), images, ())
    change = [0] * (count + 1)
    for buffer in lives.buffers:
        size = Alive((), buffer.shape).bytes
        change[max(0, buffer.made)] += size
        change[int(min(count - 1, buffer.read)) + 1] -= size
    course = tuple(accumulate(change[:count]))
    most = max(course)
    at = course.index(most)
    alive = tuple(Alive(b.path, b.shape) for b in lives.buffers if b.made <= at <= b.read)
    return Peak(most, lives.steps[at], alive, course)
