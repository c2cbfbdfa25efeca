"""Receptive fields against brute force: which rows of the input move an element, measured."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest

from rescompile import ops
from rescompile.cost.receptive_field import ReceptiveField, ReceptiveFields
from rescompile.ir.elaborate import elaborate
from rescompile.ir.nodes import Branch, From, Group, Join, JoinKind, Layer, Node, Residual
from rescompile.ir.structure import Network, Stage
from rescompile.ir.trace import Elaborated
from rescompile.ops import Op
from rescompile.ops import axis as axes
from rescompile.ops.axis import Axis
from rescompile.reference import run
from rescompile.reference.weights import parameters

ROWS = 72


def conv(kernel: int, stride: int = 1, before: int = 0, after: int = 0, dilation: int = 1) -> Op:
    return ops.Conv(1, (kernel, 1), (stride, 1), (before, after, 0, 0), (dilation, 1))


def transposed(kernel: int, stride: int, cut: int = 0, more: int = 0) -> Op:
    return ops.ConvTranspose(1, (kernel, 1), (stride, 1), (cut, 0), (more, 0))


def pool(kernel: int, stride: int, before: int = 0, ceil: bool = False) -> Op:
    return ops.MaxPool((kernel, 1), (stride, 1), (before, before, 0, 0), ceil)


def adaptive(size: int) -> Op:
    return ops.AdaptiveAvgPool((size, 1))


def padded(before: int, after: int) -> Op:
    return ops.Pad((before, after, 0, 0), ops.PadMode.REFLECT)


NEAREST, BILINEAR = ops.Resampling.NEAREST, ops.Resampling.BILINEAR
WIDER = ops.ConvTranspose(1, (4, 2), (2, 2), (1, 0))
SAME = ops.Conv(1, (4, 1), (2, 1), ops.Same.SAME)


def chain(*steps: Op) -> tuple[Node, ...]:
    return tuple(Layer(op, f"step{i}") for i, op in enumerate(steps))


def branches(kind: JoinKind, *ways: tuple[Op, ...]) -> Node:
    made = [
        Branch(tuple(Layer(op, f"way{i}_{j}") for j, op in enumerate(way)))
        for i, way in enumerate(ways)
    ]
    return Join(kind, tuple(made), "join")


def network(nodes: tuple[Node, ...]) -> Elaborated:
    return elaborate(Network("net", {"input": (1, ROWS, 1)}, (Stage("all", nodes),), {}))


def measured(net: Elaborated) -> list[tuple[int, int] | None]:
    """For each row of the output the first and the last row of the input that move it."""
    weights = {path: np.ones(parameter.shape) for path, parameter, _ in parameters(net)}
    x = np.ones((ROWS + 1, 1, ROWS, 1))
    for row in range(ROWS):
        x[row, 0, row, 0] += 1e3  # more than any other: it wins in a pool, too
    y = run(net, weights, x).outputs[0]
    moved = (np.abs(y[:-1] - y[-1:]) > 1e-9).any(axis=(1, 3))
    seen = [np.flatnonzero(moved[:, position]) for position in range(moved.shape[1])]
    return [(int(rows[0]), int(rows[-1])) if rows.size else None for rows in seen]


def told(net: Elaborated) -> ReceptiveField:
    return ReceptiveFields().total(net.root.items)


def check(nodes: tuple[Node, ...]) -> None:
    """What is told of each position far from the border is what is measured, and so is the size."""
    net = network(nodes)
    axis = told(net).axes[0]
    sizes = []
    for position, seen in enumerate(measured(net)):
        first, last = axis.sees(position)
        if first < ROWS // 6 or last >= ROWS - ROWS // 6:
            continue
        assert seen == ((first, last) if first <= last else None), position
        sizes.append(last - first + 1)
    assert len(sizes) >= len(axis.first)
    assert axis.size == max(sizes)


def sized(rows: int, align_corners: bool = False) -> Op:
    return ops.UpsampleTo("", BILINEAR, align_corners, (rows, 1))


CHAINS = {
    "windows": (conv(3, 1, 1, 1), pool(3, 2, 1), conv(3, 1, 2, 2, 2)),
    "padded": (padded(2, 1), conv(3, 2), padded(1, 0), conv(2)),
    "doubled": (ops.Upsample(2),),
    "doubled, three rows": (ops.Upsample(2), conv(3, 1, 1, 1)),
    "doubled, two rows that are one": (ops.Upsample(2), conv(2, 2)),
    "doubled, two rows that are two": (ops.Upsample(2), conv(2, 2, 1, 1)),
    "doubled, four rows": (ops.Upsample(2), conv(4, 1, 1, 2)),
    "tripled and halved": (ops.Upsample(3), conv(3, 2, 1, 1), conv(3, 1, 1, 1)),
    "halved and doubled": (conv(3, 2, 1, 1), ops.Upsample(2), conv(3, 1, 1, 1)),
    "doubled twice": (ops.Upsample(2), conv(3, 1, 1, 1), ops.Upsample(2), conv(3, 1, 1, 1)),
    "bilinear": (ops.Upsample(2, BILINEAR),),
    "bilinear by three, where every third is one": (ops.Upsample(3, BILINEAR), conv(1, 3, 0)),
    "bilinear and back": (ops.Upsample(4, BILINEAR), pool(2, 2), conv(3, 1, 1, 1)),
    "bilinear, three for two": (sized(ROWS * 3 // 2), conv(3, 1, 1, 1)),
    "bilinear, corners aligned": (sized(2 * ROWS - 1, True), conv(3, 1, 1, 1)),
    "transposed, kernel and stride alike": (transposed(2, 2),),
    "transposed, overlapping": (transposed(3, 2, 1, 1), conv(3, 1, 1, 1)),
    "transposed, four by two": (conv(3, 1, 1, 1), transposed(4, 2, 1), conv(2, 2)),
    "transposed, with holes": (transposed(1, 2), conv(2, 1, 0, 1)),
    "transposed, long": (transposed(7, 3, 2, 1),),
    "TensorFlow's padding": (SAME, ops.Upsample(2), conv(3, 1, 1, 1)),
    "cells, that overlap": (adaptive(20), conv(3, 1, 1, 1)),
    "cells, more than rows": (adaptive(100), conv(2, 2)),
    "cells, after a stride": (conv(3, 2, 1, 1), adaptive(16), ops.Upsample(2)),
    "ceil mode": (pool(3, 2, 0, True), ops.Upsample(2), conv(5, 1, 2, 2)),
}


@pytest.mark.parametrize("steps", CHAINS.values(), ids=CHAINS)
def test_a_chain_sees_what_is_measured(steps: tuple[Op, ...]) -> None:
    check(chain(*steps))


JOINS = {
    "windows that lie apart": branches(JoinKind.ADD, (conv(2, 1, 1, 0),), (conv(2, 1, 0, 1),)),
    "after an upsampling": branches(
        JoinKind.ADD, (conv(3, 1, 1, 1), ops.Upsample(2)), (WIDER, conv(1))
    ),
    "two strides": branches(
        JoinKind.CONCAT, (conv(3, 2, 1, 1),), (pool(2, 2), conv(1)), (conv(1, 2), conv(3, 1, 1, 1))
    ),
    "of other periods": branches(
        JoinKind.ADD,
        (ops.Upsample(2), ops.Upsample(3, BILINEAR)),
        (ops.Upsample(3), ops.Upsample(2)),
    ),
    "each pixel, beside pairs": branches(JoinKind.ADD, (conv(1),), (pool(2, 2), transposed(2, 2))),
}


@pytest.mark.parametrize("join", JOINS.values(), ids=JOINS)
def test_a_join_sees_what_is_measured(join: Node) -> None:
    check((*chain(conv(3, 1, 1, 1)), join))
    out = Layer(conv(2, 1, 0, 1), "out")
    check((*chain(conv(3, 1, 1, 1)), join, out))


def test_residuals_groups_and_earlier_values() -> None:
    narrow = ops.MaxPool((1, 2), (1, 2))
    up = Group((Layer(ops.Upsample(2)), Layer(narrow), Layer(conv(3, 1, 1, 1))), "up")
    down = Layer(conv(3, 2, 1, 1), "down")
    residual = Residual((Layer(conv(5, 1, 2, 2), "branch"),), (), name="add")
    back = Join(JoinKind.CONCAT, (Branch((up,)), Branch((From("first"),))), "concat")
    first = Layer(conv(3, 1, 1, 1), "first")
    check((first, down, residual, back, Layer(conv(2, 1, 0, 1), "last")))


def drawn(rng: random.Random) -> Op:
    k, s = rng.choice([(1, 1), (2, 1), (3, 1), (3, 2), (2, 2), (4, 2), (5, 3)])
    before, after = rng.randrange((k + 1) // 2 + 1), rng.randrange((k + 1) // 2 + 1)
    kind = rng.randrange(6)
    if kind == 0:
        return ops.Upsample(rng.choice([2, 3]), rng.choice([NEAREST, BILINEAR]))
    if kind == 1:
        stride = rng.randrange(1, min(k, 3) + 1)
        return transposed(k, stride, rng.randrange(k // 2 + 1), rng.randrange(stride))
    if kind == 2:
        return pool(k, s, min(before, k // 2), rng.random() < 0.5)
    return conv(k, s, before, after, rng.choice([1, 1, 2]))


@pytest.mark.parametrize("seed", range(40))
def test_drawn_chains_see_what_is_measured(seed: int) -> None:
    rng = random.Random(seed)
    steps: list[Op] = []
    for _ in range(rng.randrange(2, 6)):
        step = drawn(rng)
        extent = network(chain(*steps, step)).output[1]
        if 12 <= extent <= 4 * ROWS:
            steps.append(step)
    check(chain(*steps))


def test_a_long_pattern_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (ops.Upsample(2), conv(4, 1, 1, 2), ops.Upsample(3), conv(3, 1, 1, 1))
    exact = told(network(chain(*steps))).axes[0]
    monkeypatch.setattr(axes, "MAX_PERIOD", 1)
    bound = told(network(chain(*steps))).axes[0]
    assert not bound.first
    assert exact.size <= bound.size <= exact.size + 1
    assert bound.jump == exact.jump == Fraction(1, 6)


def test_the_jump_of_a_join_is_that_of_its_map() -> None:
    """A gate has one position, and none beside it: the jump is that of the other branch."""
    gate = (conv(3, 2, 1, 1), ops.GlobalAvgPool(keepdims=True))
    whole = (conv(3, 2, 1, 1), pool(2, 2))
    for ways in ((gate, whole), (whole, gate)):
        found = told(network((branches(JoinKind.MULTIPLY, *ways),)))
        assert (found.stride, found.size) == ((4, 1), None)
    window = (pool(ROWS // 4, 1), conv(1, 1))
    field = told(network((*chain(pool(4, 4)), branches(JoinKind.MULTIPLY, (), window))))
    assert field.stride == (4, 1)


def test_a_transposed_convolution_sees_what_overlaps() -> None:
    """ceil(kernel / stride) pixels at most, each a stride apart in the output."""
    for kernel, stride, pixels in (
        (2, 2, 1),
        (3, 2, 2),
        (4, 2, 2),
        (5, 2, 3),
        (3, 3, 1),
        (7, 3, 3),
    ):
        field = told(network(chain(transposed(kernel, stride))))
        assert field.size == (pixels, 1)
        assert field.stride == (1 / stride, 1)
        wide = ops.ConvTranspose(1, (1, kernel), (1, stride))
        assert told(network(chain(wide))).size == (1, pixels)


def test_an_axis_has_its_shortest_table() -> None:
    assert axes.nearest(2).then(axes.window(2, 2, 0)) == Axis()
    assert axes.spread(1, 1, 0) == Axis()
    assert axes.interpolated(7, 7) == axes.interpolated(7, 7, True) == axes.nearest(1) == Axis()
