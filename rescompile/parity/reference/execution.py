"""A whole network in NumPy float64: a walk over its elaborated traces, one meaning an operation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import numpy.typing as npt

from ...errors import InternalError
from ...ir.ops import BatchNorm, Dropout, Shape, StochasticDepth, show_shape
from ...ir.record import record
from ...ir.structure import JoinKind, Network, Path, sources
from ...ir.trace import (
    CallTrace,
    Elaborated,
    FromTrace,
    GroupTrace,
    JoinTrace,
    OpTrace,
    ResidualTrace,
    Trace,
    name_of,
)
from .operations import MEANINGS, Array, Params, new_running_statistics
from .pullbacks import PULLBACKS
from .tape import Pull, Tape, cross_entropy, reduced_to


@record
class Result:
    """What a network gives: float64 arrays with the batch in front, channels-first.

    `outputs` are the values that `Network.outputs` names, in its order, or the last value alone.
    `values` has every intermediate value by path in the order of execution, or nothing where it was
    not asked for: the first that differs from a framework's tells where they part. `running` has
    the running statistics after a training step, by path; it is empty in evaluation.
    """

    outputs: tuple[Array, ...]
    values: Mapping[Path, Array]
    running: Mapping[Path, Array]


@record
class Step:
    """A training step without its update: the loss and its gradients, and what `Result` has.

    `gradients` has every trainable tensor by the path of `weights.parameters`.
    """

    outputs: tuple[Array, ...]
    running: Mapping[Path, Array]
    loss: float
    gradients: Mapping[Path, Array]
    input_gradient: Array


def run(
    elaborated: Elaborated,
    weights: Mapping[Path, npt.NDArray[np.floating]],
    x: npt.NDArray[np.floating],
    *,
    training: bool = False,
    keep: bool = False,
    noise: bool = True,
) -> Result:
    """The network's outputs for `x` (N, *network.input) under `weights`, all taken as float64.

    The keys of `weights` are those of `weights.parameters`: the path of an operation and the leaf.
    `keep` asks for every intermediate value; without `noise` nothing is dropped in training. Raises
    `ValueError` where a weight or the input is missing or has another shape, and where the
    operations refuse (see `operations`).
    """
    walk = _Walk(elaborated, weights, training, None if keep else _outputs(elaborated), noise)
    outputs = walk.network(np.asarray(x, np.float64))
    return Result(outputs, walk.values if keep else {}, walk.running)


def step(
    elaborated: Elaborated,
    weights: Mapping[Path, npt.NDArray[np.floating]],
    x: npt.NDArray[np.floating],
    targets: Sequence[Array],
) -> Step:
    """The gradients of a cross-entropy in training mode, nothing being dropped.

    The loss is -sum(targets * log_softmax(output)) over the channels of every output; each target
    has its output's shape. Raises as `run` does.
    """
    tape, given = Tape(), np.array(x, np.float64)
    walk = _Walk(elaborated, weights, True, _outputs(elaborated), noise=False, tape=tape)
    outputs = walk.network(given)
    loss, seeds = cross_entropy(outputs, targets)
    input_gradient = tape.back(given, zip(outputs, seeds, strict=True))
    gradients = {key: walk.gradients.get(key, zero) for key, zero in walk.zeros()}
    return Step(outputs, walk.running, loss, gradients, input_gradient)


def parameter_path(path: Path, leaf: str) -> Path:
    """The key of a tensor: the path of the operation that owns it, and the leaf if it has one."""
    return (*path, leaf) if leaf else path


def _sources(network: Network) -> frozenset[str]:
    """The names of all steps that any scope goes back to."""
    bodies = (network.body, *(block.body for block in network.blocks.values()))
    return frozenset().union(*map(sources, bodies))


def _outputs(elaborated: Elaborated) -> set[Path]:
    return {(name,) for name in elaborated.network.outputs}


def _expect(what: str, found: Shape, wanted: Shape) -> None:
    if tuple(found) != wanted:
        raise ValueError(f"{what} is {show_shape(found)}, not {show_shape(wanted)}")


@dataclass
class _Walk:
    """One execution. `wanted` are the paths whose values are kept; None means all.

    The values of steps that later ones go back to are held for later steps, by path.
    """

    elaborated: Elaborated
    weights: Mapping[Path, npt.NDArray[np.floating]]
    training: bool
    wanted: set[Path] | None
    noise: bool
    tape: Tape | None = None
    values: dict[Path, Array] = field(default_factory=dict)
    running: dict[Path, Array] = field(default_factory=dict)
    gradients: dict[Path, Array] = field(default_factory=dict)
    held: dict[Path, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sources = _sources(self.elaborated.network)

    def network(self, x: Array) -> tuple[Array, ...]:
        """The outputs that the network names, or its last value alone."""
        _expect("the input", x.shape[1:], self.elaborated.network.input)
        names = self.elaborated.network.outputs
        last = self.sequence(self.elaborated.root.items, x, ())
        for name in names:
            if (name,) not in self.values:
                raise InternalError(f"the output '{name}' is no child of the network")
        return tuple(self.values[(name,)] for name in names) or (last,)

    def zeros(self) -> Iterator[tuple[Path, Array]]:
        """Every trainable tensor, with zeros for its gradient."""
        for path, trace in self.elaborated.flat():
            for parameter in trace.op.parameters(trace.x):
                if parameter.trainable:
                    yield parameter_path(path, parameter.leaf), np.zeros(parameter.shape)

    def sequence(self, items: Iterable[Trace], x: Array, path: Path) -> Array:
        for item in items:
            x = self.item(item, x, path)
        return x

    def item(self, item: Trace, x: Array, path: Path) -> Array:
        """The value of one trace in the scope at `path`, kept and proved to have its shape."""
        if isinstance(item, FromTrace):
            return self.held[(*path, item.node.source)]
        if isinstance(item, JoinTrace):
            name = item.node.name or item.node.kind.value
            y = self.join(item, x, path)
        elif isinstance(item, ResidualTrace):
            name = item.node.name or "add"
            y = self.residual(item, x, path)
        else:
            name = item.name
            y = self.child(item, x, (*path, name))
        if y.shape[1:] != item.y:
            where, found = ".".join((*path, name)), show_shape(y.shape[1:])
            raise InternalError(f"{where} gives {found}, not {show_shape(item.y)}")
        self.record((*path, name), y)
        if name_of(item) in self.sources:
            self.held[(*path, name)] = y
        return y

    def child(self, item: OpTrace | CallTrace | GroupTrace, x: Array, path: Path) -> Array:
        if isinstance(item, CallTrace):
            return self.sequence(item.instance.items, x, path)
        if isinstance(item, GroupTrace):
            return self.sequence(item.items, x, path)
        return self.operation(item, x, path)

    def operation(self, item: OpTrace, x: Array, path: Path) -> Array:
        """One operation, with the running statistics that it leaves and its way back."""
        op = item.op
        if isinstance(op, (Dropout, StochasticDepth)) and not self.noise:
            return x
        given = self.parameters(item, path)
        if self.training and isinstance(op, BatchNorm):
            for leaf, value in new_running_statistics(op, x, given).items():
                self.running[parameter_path(path, leaf)] = value
        y = MEANINGS[type(op)](op, x, given, self.training)

        def pull(dy: Array) -> Iterator[tuple[Array, Array]]:
            dx, gradients = PULLBACKS[type(op)](op, x, y, given, dy, self.training)
            for leaf, gradient in gradients.items():
                self.gradients[parameter_path(path, leaf)] = gradient
            yield x, dx

        self.note(y, pull)
        return y

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

    def join(self, item: JoinTrace, x: Array, path: Path) -> Array:
        """All branches start from `x`, or from their shares of its channels.

        A factor of one value a channel is spread over the map.
        """
        count = len(item.branches)
        starts = self.shares(x, count) if item.node.split else [x] * count
        values = [self.sequence(b, s, path) for b, s in zip(item.branches, starts, strict=True)]
        if item.node.kind is JoinKind.CONCAT:
            y = np.concatenate(values, axis=1)
            edges = np.cumsum([value.shape[1] for value in values])[:-1]
            self.note(y, lambda dy: zip(values, np.split(dy, edges, axis=1), strict=True))
            return y
        if item.node.kind is JoinKind.ADD:
            return self.sum(values)
        y = reduce(np.multiply, values)

        def pull(dy: Array) -> Iterator[tuple[Array, Array]]:
            for i, value in enumerate(values):
                others = reduce(np.multiply, values[:i] + values[i + 1 :])
                yield value, reduced_to(dy * others, value.shape)

        self.note(y, pull)
        return y

    def shares(self, x: Array, count: int) -> list[Array]:
        """The channels of `x` in `count` equal parts."""
        starts = np.split(x, count, axis=1)
        for i, start in enumerate(starts):

            def pull(dy: Array, i: int = i) -> Iterator[tuple[Array, Array]]:
                dx = np.zeros_like(x)
                np.split(dx, count, axis=1)[i][:] = dy
                yield x, dx

            self.note(start, pull)
        return starts

    def sum(self, values: list[Array]) -> Array:
        y = reduce(np.add, values)
        self.note(y, lambda dy: [(value, dy) for value in values])
        return y

    def residual(self, item: ResidualTrace, x: Array, path: Path) -> Array:
        """branch(pre(x)), to which the shortcut is added where there is one.

        The shortcut's steps start from x, or from pre(x) if they are tapped there; the identity
        starts from x always.
        """
        tapped = self.sequence(item.pre, x, path)
        carried = x
        if item.shortcut:
            carried = self.sequence(item.shortcut, tapped if item.node.tap_pre else x, path)
        y = self.sequence(item.branch, tapped, path)
        return y if item.shortcut is None else self.sum([y, carried])

    def record(self, path: Path, value: Array) -> None:
        """Keep a value that is wanted; joins in a sequence may share a name and get a number."""
        if self.wanted is not None:
            if path in self.wanted:
                self.values[path] = value
            return
        unique, number = path, 1
        while unique in self.values:
            number += 1
            unique = (*path[:-1], f"{path[-1]}_{number}")
        self.values[unique] = value
