"""Channels and strides as expressions: conditions, repetitions, loops, gates; lint agrees."""

from __future__ import annotations

from typing import Any

import pytest

from rescompile.expr.dims import Var, text
from rescompile.expr.parse import parse
from rescompile.ir.analysis import Analysis
from rescompile.ir.elaborate import elaborate
from rescompile.ir.flow import Flow, SymbolicError
from rescompile.ir.invariants import prove
from rescompile.ir.nodes import Branch, Call, Group, Join, JoinKind, Layer, Loop, Node
from rescompile.ir.resizing import body_strides
from rescompile.ir.structure import Block, Form, Network, Param, Stage
from rescompile.ops import Conv, GlobalAvgPool, Relu

X = Var("in_channels")


def conv(channels: str, stride: str = "1", when: str = "true") -> Layer:
    step = parse(stride)
    return Layer(Conv(parse(channels), (1, 1), (step, step)), None, parse(when))


def block(*body: Node, **parameters: Any) -> Block:
    params = tuple(
        Param(name, default=default, once=name == "first") for name, default in parameters.items()
    )
    return Block("unit", Form.SEQUENCE, body, params)


def leaving(body: tuple[Node, ...], *blocks: Block, lets: Any = ()) -> str:
    return text(Flow({b.name: b for b in blocks}, lets=lets).body(body, X))


@pytest.mark.parametrize(
    ("body", "channels"),
    [
        ((conv("$a * 4"), Layer(Relu())), "$a * 4"),
        ((conv("$a", when="$s > 1"),), "$a if $s > 1 else $in_channels"),
        ((conv("$a", when="$s > 1"), conv("$b", when="$s > 1")), "$b if $s > 1 else $in_channels"),
        ((conv("$a", when="$in_channels != $a"),), "$a"),
        (
            (conv("$a", when="$s == 1"), conv("$a", when="$s == 2")),
            "$a if $s == 1 or $s == 2 else $in_channels",  # in the order of the steps
        ),
        ((conv("$in_channels * $e", when="$e != 1"),), "$in_channels * $e"),
        ((Group((conv("$a"),), "g", parse("$s == 2")),), "$a if $s == 2 else $in_channels"),
        ((Join(JoinKind.CONCAT, (Branch(()), Branch((conv("8"),))), "j"),), "$in_channels + 8"),
        ((Join(JoinKind.ADD, (Branch(()), Branch((conv("16"),))), "j"),), "16"),
        ((Loop(Var("n"), (conv("$a"),)),), "$a"),
        ((Loop(Var("n"), (conv("$in_channels"),)),), "$in_channels"),
        ((Loop(Var("n"), (conv("8 * $index + 8"),)),), "8 * ($n - 1) + 8"),
    ],
)
def test_channels(body: tuple[Node, ...], channels: str) -> None:
    assert leaving(body) == channels


def test_lets_are_seen_through() -> None:
    body = (conv("$hidden", when="$e != 1"),)
    assert leaving(body, lets=(("hidden", parse("$in_channels * $e")),)) == "$hidden"


@pytest.mark.parametrize(
    ("unit", "args", "repeat", "channels"),
    [
        (block(conv("$c"), c=None), {"c": "64"}, "$n", "64"),
        (block(conv("$in_channels + $g"), g=None), {"g": "32"}, "$n", None),
        (block(conv("$in_channels * 2")), {}, "3", "$in_channels * 8"),
        (block(conv("$c"), c=None), {"c": "$index * 8 + 8"}, "5", "40"),
        (block(conv("$c"), c=None), {"c": "$index * 8 + 8"}, "1", "8"),
        (block(conv("$c * $first"), c=8, first=1), {"first": "4"}, "1", "32"),
        (block(conv("$c * $first"), c=8, first=1), {"first": "4"}, "3", "8"),
    ],
)
def test_repetitions(unit: Block, args: dict[str, str], repeat: str, channels: str | None) -> None:
    given = tuple((name, parse(value)) for name, value in args.items())
    call = Call("unit", given, "x", parse(repeat))
    if channels is None:  # 32 for each of the repetitions
        assert leaving((call,), unit) == "$in_channels + 32 * $n"
    else:
        assert leaving((call,), unit) == channels


def test_a_concat_grows_by_the_same_each_time() -> None:
    new = Branch((conv("$g"),))
    for branches in ((Branch(()), new), (new, Branch(()))):
        unit = block(Join(JoinKind.CONCAT, branches, "concat"), g=None)
        call = Call("unit", (("g", 8),), "x", 24)
        assert Flow({"unit": unit}).body((call,), 64) == 64 + 24 * 8


def test_no_closed_form() -> None:
    unit = block(conv("$in_channels * 2"))
    with pytest.raises(SymbolicError):
        leaving((Call("unit", (), "x", parse("$n")),), unit)


@pytest.mark.parametrize(
    ("body", "strides"),
    [
        ((conv("8", "$s"), conv("8", "2")), "$s * 2"),
        ((conv("8", "$s", when="$a > 1"),), "$s if $a > 1 else 1"),
        ((Loop(2, (conv("8", "2"),)),), "4"),
        ((Call("unit", (("first", 2),), "x", 3),), "2"),
        ((Call("unit", (("s", 2),), "x", 3),), "8"),
    ],
)
def test_strides(body: tuple[Node, ...], strides: str) -> None:
    unit = block(conv("8", "$s * $first"), s=1, first=1)
    rows, columns = body_strides(body, X, {"unit": unit}, 2)
    assert text(rows) == text(columns) == strides


def test_strides_pass_a_gate() -> None:
    gate = Branch((conv("8"), Layer(GlobalAvgPool(True))))
    for branches in ((Branch((conv("8", "2"),)), gate), (gate, Branch((conv("8", "2"),)))):
        join = Join(JoinKind.MULTIPLY, branches, "gated")
        assert body_strides((join,), X, {}, 2) == (2, 2)


@pytest.mark.parametrize("repeat", [1, 2, 5])
def test_lint_agrees(repeat: int) -> None:
    unit = block(
        conv("$c", when="$c > 16"),
        conv("$in_channels * 2", when="$in_channels == 8"),
        Loop(2, (conv("$index * 8 + $c"),)),
        c=None,
    )
    call = Call("unit", (("c", parse("$index * 8 + 8")),), "x", repeat)
    network = Network("n", {"input": (8, 4, 4)}, (Stage("s", (call,)),), {"unit": unit})
    prove(Analysis(elaborate(network)))
