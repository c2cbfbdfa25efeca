"""A whole network in NumPy float64: a walk over its elaborated traces, one meaning an operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from ..ir.inputs import as_given, each_input
from ..ir.interpreter import Interpreter
from ..ir.nodes import JoinKind
from ..ir.structure import Path
from ..ir.trace import Elaborated, OpTrace
from ..ops import BatchNorm, Dropout, Op, Shape, StochasticDepth, TanhShrink, show_shape
from ..record import record
from .arrays import Array, Params
from .forward import MEANINGS
from .forward.norm import new_running_statistics
from .rounding import nudged
from .tape import Pull, Tape, cross_entropy, reduced_to
from .vjps import VJPS

Given = npt.NDArray[np.floating]
Inputs = Given | tuple[Given, ...]


@record
class Result:
    """What a network gives: float64 arrays with the batch in front, channels-first.

    `outputs` are the values that `Network.outputs` names, in its order, or the last value alone.
    `values` has every intermediate value by path in the order of execution, or nothing where it was
    not asked for: the first that differs from a framework's tells where they part. `running` has
    the running statistics after a training step, by path; it is empty in evaluation. A norm that is
    applied more than once updates them each time, in the order of execution.
    """

    outputs: tuple[Array, ...]
    values: Mapping[Path, Array]
    running: Mapping[Path, Array]


@record
class Gradients:
    """A training step without its update: the loss and its gradients, and what `Result` has.

    `gradients` has every trainable tensor by the path of `weights.parameters`; `input_gradient` is
    an array, or a tuple with one for each of several inputs. `excess` is by how much running
    variances are larger than they would be with the biased variances of batches.
    """

    outputs: tuple[Array, ...]
    running: Mapping[Path, Array]
    excess: Mapping[Path, Array]
    loss: float
    gradients: Mapping[Path, Array]
    input_gradient: Any


def run(
    elaborated: Elaborated,
    weights: Mapping[Path, npt.NDArray[np.floating]],
    x: Inputs,
    *,
    training: bool = False,
    keep: bool = False,
    noise: bool = True,
    factors: Mapping[Path, Array] = {},
    rounding: np.random.Generator | None = None,
) -> Result:
    """The network's outputs for `x` (N, *network.input) under `weights`, all taken as float64.

    Of several inputs `x` is a tuple, in the order of `network.inputs`.
    The keys of `weights` are those of `weights.parameters`: the path of an operation and the leaf.
    `keep` asks for every intermediate value; without `noise` nothing is dropped in training. What
    has `factors` multiplies by them, and drops nothing at random. With `rounding` what operations
    make of weights is off by one in the last place, up or down at random. Raises `ValueError` where
    a weight or the input is missing or has another shape, and where the operations refuse (see
    `operations`).
    """
    walk = _Walk(elaborated, weights, training, keep, noise, factors=factors, rounding=rounding)
    outputs = walk.network(*(np.asarray(one, np.float64) for one in each_input(x)))
    return Result(outputs, walk.values, walk.running)


def step(
    elaborated: Elaborated,
    weights: Mapping[Path, npt.NDArray[np.floating]],
    x: Inputs,
    targets: Sequence[Array],
    rounding: np.random.Generator | None = None,
) -> Gradients:
    """The gradients of a cross-entropy in training mode, nothing being dropped.

    The loss is -sum(targets * log_softmax(output)) over the channels of every output; each target
    has its output's shape. Raises as `run` does.
    """
    tape, given = Tape(), [np.array(one, np.float64) for one in each_input(x)]
    walk = _Walk(elaborated, weights, True, keep=False, noise=False, tape=tape, rounding=rounding)
    outputs = walk.network(*given)
    loss, seeds = cross_entropy(outputs, targets)
    input_gradient = as_given(tape.back(given, zip(outputs, seeds, strict=True)), x)
    gradients = {key: walk.gradients.get(key, zero) for key, zero in walk.zeros()}
    return Gradients(outputs, walk.running, walk.excess, loss, gradients, input_gradient)


def parameter_path(path: Path, leaf: str) -> Path:
    """The key of a tensor: the path of the operation that owns it, and the leaf if it has one."""
    return (*path, leaf) if leaf else path


def _expect(what: str, found: Shape, wanted: Shape) -> None:
    if tuple(found) != wanted:
        raise ValueError(f"{what} is {show_shape(found)}, not {show_shape(wanted)}")


class _Walk(Interpreter[Array]):
    """One execution. `keep` asks for all values; without `noise` nothing is dropped."""

    def __init__(
        self,
        elaborated: Elaborated,
        weights: Mapping[Path, npt.NDArray[np.floating]],
        training: bool,
        keep: bool,
        noise: bool,
        tape: Tape | None = None,
        factors: Mapping[Path, Array] = {},
        rounding: np.random.Generator | None = None,
    ) -> None:
        super().__init__(elaborated)
        self.weights = weights
        self.training = training
        self.keep = keep
        self.noise = noise
        self.tape = tape
        self.factors = factors
        self.rounding = rounding
        self.values: dict[Path, Array] = {}
        self.running: dict[Path, Array] = {}
        self.excess: dict[Path, Array] = {}
        self.gradients: dict[Path, Array] = {}

    def network(self, *inputs: Array) -> tuple[Array, ...]:
        shapes = self.elaborated.network.inputs
        if len(inputs) != len(shapes):
            raise ValueError(f"{len(inputs)} inputs are given, not {len(shapes)}")
        for (name, shape), x in zip(shapes.items(), inputs, strict=True):
            _expect(f"the input '{name}'" if len(shapes) > 1 else "the input", x.shape[1:], shape)
        return super().network(*inputs)

    def shape(self, value: Array) -> Shape:
        return value.shape[1:]

    def zeros(self) -> Iterator[tuple[Path, Array]]:
        """Every trainable tensor, with zeros for its gradient."""
        for path, trace in self.elaborated.owning():
            for parameter in trace.op.parameters(trace.x):
                if parameter.trainable:
                    yield parameter_path(path, parameter.leaf), np.zeros(parameter.shape)

    def operation(self, item: OpTrace, x: Array, path: Path) -> Array:
        """One operation, with the running statistics that it leaves and its way back."""
        op, path = item.op, self.owner(path)
        if path in self.factors:
            return x * self.factors[path]
        if isinstance(op, (Dropout, StochasticDepth)) and not self.noise:
            return x
        given = self.parameters(item, path)
        if self.training and isinstance(op, BatchNorm):
            self.update(op, x, given, path)
        y = MEANINGS[type(op)](op, x, given, self.training)

        def pull(dy: Array) -> Iterator[tuple[Array, Array]]:
            dx, gradients = VJPS[type(op)](op, x, y, given, dy, self.training)
            for leaf, gradient in gradients.items():
                key = parameter_path(path, leaf)
                known = self.gradients.get(key)
                self.gradients[key] = gradient if known is None else known + gradient
            yield x, self.difference(dy, dx) if isinstance(op, TanhShrink) else dx

        leaving = self.rounded(op, x, y, given)
        self.note(leaving, pull)
        return leaving

    def rounded(self, op: Op, x: Array, y: Array, given: Params) -> Array:
        """What leaves an operation as another program may round it."""
        if self.rounding is None:
            return y
        if isinstance(op, TanhShrink):
            return self.difference(x, y)
        # What has no weights, a maximum say, is mostly exact.
        return nudged(y, self.rounding) if given else y

    def difference(self, x: Array, y: Array) -> Array:
        """`y`, where others take something that they have rounded from `x`, almost as large."""
        return y if self.rounding is None else x - nudged(x - y, self.rounding)

    def update(self, op: BatchNorm, x: Array, given: Params, path: Path) -> None:
        """The running statistics of a norm, which may have been applied before."""
        kept = {leaf: self.running.get(parameter_path(path, leaf), v) for leaf, v in given.items()}
        for leaf, value in new_running_statistics(op, x, kept).items():
            self.running[parameter_path(path, leaf)] = value
        key, count = parameter_path(path, "running_var"), x.size // x.shape[1]
        carried = (1 - op.momentum) * kept["running_var"]
        added = (self.running[key] - carried) / count  # of v n / (n - 1), what v does not have
        self.excess[key] = (1 - op.momentum) * self.excess.get(key, 0.0) + added

    def note(self, value: Array, pull: Pull) -> None:
        if self.tape is not None:
            self.tape.record(value, pull)

    def parameters(self, item: OpTrace, path: Path) -> Params:
        given: dict[str, Array] = {}
        for parameter in item.op.parameters(item.x):
            key = parameter_path(path, parameter.leaf)
            if key not in self.weights:
                raise ValueError(f"there is no weight '{'.'.join(key)}'")
            _expect(f"the weight '{'.'.join(key)}'", self.weights[key].shape, parameter.shape)
            given[parameter.leaf] = np.asarray(self.weights[key], np.float64)
        return given

    def combine(self, kind: JoinKind, values: list[Array]) -> Array:
        """In sums and products a value for each channel is spread, and so is a single map."""
        if kind is JoinKind.CONCAT:
            y = np.concatenate(values, axis=1)
            edges = np.cumsum([value.shape[1] for value in values])[:-1]
            self.note(y, lambda dy: zip(values, np.split(dy, edges, axis=1), strict=True))
        elif kind is JoinKind.ADD:
            y = reduce(np.add, values)
            self.note(y, lambda dy: [(value, reduced_to(dy, value.shape)) for value in values])
        else:
            y = reduce(np.multiply, values)
            self.note(y, lambda dy: _factors(values, dy))
        return y

    def shares(self, x: Array, count: int) -> list[Array]:
        starts = np.split(x, count, axis=1)
        for i, start in enumerate(starts):

            def pull(dy: Array, i: int = i) -> Iterator[tuple[Array, Array]]:
                dx = np.zeros_like(x)
                np.split(dx, count, axis=1)[i][:] = dy
                yield x, dx

            self.note(start, pull)
        return starts

    def record(self, path: Path, value: Array) -> None:
        """Keep a value; joins in a sequence may share a name and get a number."""
        if not self.keep:
            return
        unique, number = path, 1
        while unique in self.values:
            number += 1
            unique = (*path[:-1], f"{path[-1]}_{number}")
        self.values[unique] = value


def _factors(values: list[Array], dy: Array) -> Iterator[tuple[Array, Array]]:
    """The gradient of a product with respect to each of its factors."""
    for i, value in enumerate(values):
        others = reduce(np.multiply, values[:i] + values[i + 1 :])
        yield value, reduced_to(dy * others, value.shape)
