"""Elaboration: numbers and shapes for every call, paths, shared instances, what it refuses."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest

from rescompile.errors import SpecError
from rescompile.expr.dims import Var
from rescompile.expr.parse import parse
from rescompile.ir.elaborate import elaborate
from rescompile.ir.nodes import (
    Branch,
    Call,
    Group,
    Join,
    JoinKind,
    Layer,
    Loop,
    Node,
    Residual,
    Where,
)
from rescompile.ir.structure import Block, Form, Network, Param, Stage
from rescompile.ir.trace import Elaborated, ResidualTrace
from rescompile.ops import Conv, Flatten, GlobalAvgPool, Op, PadChannels, Relu, Sigmoid

C, STRIDE, IN = Var("channels"), Var("stride"), Var("in_channels")


def conv(channels: object, stride: object = 1, kernel: int = 1) -> Op:
    return Conv(channels, (kernel, kernel), (stride, stride))  # type: ignore[arg-type]


def network(
    *nodes: Node, blocks: Iterable[Block] = (), channels: int = 8, size: int = 8
) -> Network:
    stage = Stage("only", nodes)
    return Network(
        "net",
        {"input": (8, size, size)},
        (stage,),
        {b.name: b for b in blocks},
        (Param("classes", int, 10),),
        classes=10,
    )


def paths(made: Elaborated) -> list[str]:
    return [".".join(path) for path, _ in made.flat()]


UNIT = Block(
    "unit",
    Form.MODULE,
    (
        Residual(
            (Layer(conv(C, STRIDE), "conv"),),
            (Group((Layer(conv(C, STRIDE)),), "downsample"),),
            Where.SHAPE_CHANGES,
        ),
    ),
    (Param("channels"), Param("stride", default=1, once=True)),
)


def test_repeat_gives_the_stride_once() -> None:
    call = Call("unit", (("channels", 16), ("stride", 2)), "layer1", 3)
    made = elaborate(network(call, blocks=[UNIT]))
    assert made.output == (16, 4, 4)
    assert paths(made) == [
        "layer1.0.downsample.0",
        "layer1.0.conv",
        "layer1.1.conv",
        "layer1.2.conv",
    ]
    assert [i.env["stride"] for i in made.instances["unit"]] == [2, 1]


def test_equal_calls_share_an_instance() -> None:
    call = Call("unit", (("channels", 8), ("stride", 1)), "layer1", 9_999)
    start = time.perf_counter()
    made = elaborate(network(call, blocks=[UNIT]))
    assert time.perf_counter() - start < 1
    assert len(made.instances["unit"]) == 1
    assert made.root.layers == 9_999


def test_arguments_of_another_type_are_another_instance() -> None:
    block = Block("unit", Form.MODULE, (Layer(Relu(), "relu"),), (Param("k", float),))
    calls = [Call("unit", (("k", value),), f"c{i}") for i, value in enumerate((1, 1.0, True))]
    assert len(elaborate(network(*calls, blocks=[block])).instances["unit"]) == 3


def test_children_are_named_by_pattern_or_number() -> None:
    block = Block("unit", Form.MODULE, (Layer(Relu(), "relu"),))
    group = Group(
        (
            Layer(Relu(), "first"),
            Call("unit", (), "dense", 2, "layer{n}"),
            Call("unit", (), None, 2),
            Loop(2, (Layer(Sigmoid()),)),
            Layer(Relu()),
        ),
        "features",
    )
    assert paths(elaborate(network(group, blocks=[block]))) == [
        "features.first",
        "features.dense.layer1.relu",
        "features.dense.layer2.relu",
        "features.2.relu",
        "features.3.relu",
        "features.4",
        "features.5",
        "features.6",
    ]


def test_inline_steps_take_the_callers_numbers() -> None:
    pair = Block("pair", Form.INLINE, (Layer(Relu()), Layer(Sigmoid())))
    steps = (Layer(Relu()), Call("pair"), Call("pair"), Layer(Relu()))
    made = elaborate(network(Group(steps, "features"), blocks=[pair]))
    assert paths(made) == [f"features.{i}" for i in range(6)]


def test_a_loop_tells_its_index() -> None:
    loop = Loop(3, (Layer(PadChannels(0, parse("$index + 1"))),))
    assert elaborate(network(Group((loop,), "g"))).output == (14, 8, 8)


def test_conditions_leave_steps_out() -> None:
    block = Block(
        "unit",
        Form.SEQUENCE,
        (Layer(conv(C), None, parse("$expand != 1")), Layer(Relu())),
        (Param("channels"), Param("expand")),
    )
    calls = [Call("unit", (("channels", 4), ("expand", e)), f"c{e}") for e in (1, 2)]
    made = elaborate(network(*calls, blocks=[block]))
    assert paths(made) == ["c1.0", "c2.0", "c2.1"]


@pytest.mark.parametrize(
    ("kind", "branches", "shape"),
    [
        (JoinKind.ADD, [[], [Layer(Relu(), "relu")]], (8, 8, 8)),
        (JoinKind.CONCAT, [[], [Layer(conv(4), "conv")]], (12, 8, 8)),
        (JoinKind.MULTIPLY, [[], [Layer(GlobalAvgPool(True), "pool")]], (8, 8, 8)),
        (JoinKind.MULTIPLY, [[Layer(GlobalAvgPool(True), "pool")], []], (8, 8, 8)),
        (JoinKind.MULTIPLY, [[Layer(conv(1), "map")], []], (8, 8, 8)),
        (JoinKind.ADD, [[Layer(conv(1), "map")], [Layer(GlobalAvgPool(True), "pool")]], (8, 8, 8)),
    ],
)
def test_joins(kind: JoinKind, branches: list[list[Node]], shape: tuple[int, ...]) -> None:
    join = Join(kind, tuple(Branch(tuple(b)) for b in branches), "joined")
    assert elaborate(network(join)).output == shape


@pytest.mark.parametrize(
    ("kind", "op", "message"),
    [
        (JoinKind.ADD, conv(4), "adds branches of different shape"),
        (JoinKind.CONCAT, conv(8, 2), "concatenates branches of different shape"),
        (JoinKind.MULTIPLY, conv(8, 2), "different shape"),
    ],
)
def test_joins_that_do_not_fit(kind: JoinKind, op: Op, message: str) -> None:
    join = Join(kind, (Branch(()), Branch((Layer(op, "op"),))), "joined")
    with pytest.raises(SpecError, match=message) as caught:
        elaborate(network(join))
    assert caught.value.diagnostics[0].code == "E203"


def residual(where: Where, channels: int, stride: int = 1, size: int = 8) -> ResidualTrace:
    node = Residual(
        (Layer(conv(channels, stride), "conv"),),
        (Group((Layer(conv(channels, stride)),), "downsample"),),
        where,
    )
    (trace,) = elaborate(network(node, size=size)).stages[0]
    assert isinstance(trace, ResidualTrace)
    return trace


def test_a_shortcut_is_projected_where_the_shape_changes() -> None:
    assert residual(Where.SHAPE_CHANGES, 8).shortcut == ()
    assert residual(Where.SHAPE_CHANGES, 16).shortcut
    assert residual(Where.SHAPE_CHANGES, 8, 2).shortcut
    assert residual(Where.ALWAYS, 8).shortcut


def test_a_stride_on_a_single_pixel_changes_the_shape() -> None:
    assert residual(Where.SHAPE_CHANGES, 8, 2, size=1).shortcut  # as `if stride != 1` will see it


def test_an_identity_cannot_change_the_shape() -> None:
    node = Residual((Layer(conv(16), "conv"),), ())
    with pytest.raises(SpecError, match="stage 'only' adds 16 and 8 channels"):
        elaborate(network(node))


def test_a_residual_whose_condition_is_false_adds_nothing() -> None:
    node = Residual((Layer(conv(16), "conv"),), (), when=parse("$classes > 10"))
    (trace,) = elaborate(network(node)).stages[0]
    assert isinstance(trace, ResidualTrace)
    assert trace.shortcut is None
    assert trace.y == (16, 8, 8)


def test_errors_tell_the_chain_of_calls() -> None:
    inner = Block("inner", Form.MODULE, (Layer(conv(C, 1, 9), "conv"),), (Param("channels"),))
    outer = Block("outer", Form.MODULE, (Call("inner", (("channels", 4),), "first"),))
    with pytest.raises(SpecError) as caught:
        elaborate(network(Call("outer", (), "layer", 2), blocks=[inner, outer]))
    assert caught.value.diagnostics[0].notes == (
        "in block 'inner', called as 'first'",
        "in block 'outer', called as 'layer', repetition 1",
        "in stage 'only'",
    )


@pytest.mark.parametrize("count", [-1, 10_001, 2.0, True])
def test_repeats_are_bounded(count: int) -> None:
    with pytest.raises(SpecError, match="whole number from 0"):
        elaborate(network(Call("unit", (("channels", 8),), "x", count), blocks=[UNIT]))


def test_the_network_is_bounded() -> None:
    leaf = Block("leaf", Form.MODULE, (Layer(Relu(), "relu"),))
    twig = Block("twig", Form.SEQUENCE, (Call("leaf", repeat=10_000),))
    start = time.perf_counter()
    with pytest.raises(SpecError, match="more than 500000 layers"):
        elaborate(network(Call("twig", (), "x", 10_000), blocks=[leaf, twig]))
    assert time.perf_counter() - start < 2


def test_flatten_knows_the_map() -> None:
    made = elaborate(network(Layer(Flatten(), "flatten"), size=4))
    assert made.output == (8 * 16,)
