"""Numbers and conditions: neither stands for the other, wherever an expression may stand."""

from __future__ import annotations

import pytest

from rescompile.api import open_spec
from rescompile.errors import SpecError
from rescompile.expr.dims import ExprError, Var
from rescompile.expr.kinds import is_condition
from rescompile.expr.parse import parse, read
from rescompile.ops import Conv, bind

from ..conftest import Write

KINDS = {"n": int, "f": float, "b": bool}


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("$n", False),
        ("$b", True),
        ("$n + $f * 2", False),
        ("-$n", False),
        ("not $b", True),
        ("$n > 3 and $b", True),
        ("$b == ($n != 2)", True),
        ("8 if $b else $n", False),
        ("$b if $n == 1 else false", True),
        ("max($n, 8)", False),
        ("true", True),
        ("$unknown", None),
        ("8 if $b else $unknown", False),
    ],
)
def test_what_an_expression_is(text: str, condition: bool | None) -> None:
    assert is_condition(read(text), KINDS) is condition


@pytest.mark.parametrize(
    "text",
    [
        "$b + 1",
        "-$b",
        "not $n",
        "$n and $b",
        "$b or 1",
        "$b > 3",
        "$b == 1",
        "$n != true",
        "8 if $n else 4",
        "8 if $b else ($n > 1)",
        "max($b, 8)",
        "(3 > 2) * 8",
        "1 + ($n if $n else 2)",
    ],
)
def test_what_is_of_two_kinds(text: str) -> None:
    with pytest.raises(ExprError):
        is_condition(read(text), KINDS)


STEPS = [
    "conv: {channels: $classes > 3, kernel: 3}",
    "conv: {channels: 8, kernel: [3, $classes > 3]}",
    "conv: {channels: 8, kernel: 3, padding: [0, 0, 0, $classes > 3]}",
    "depthwise_conv: {multiplier: $classes > 3, kernel: 3}",
    "conv_transpose: {channels: 8, kernel: 2, stride: $classes > 3}",
    "norm: {kind: group, groups: $classes > 3}",
    "dropout: {rate: $classes > 3}",
    "upsample: {scale: $classes > 3}",
    "pad_channels: {after: $classes > 3}",
    "max_pool: {kernel: $classes > 3}",
    "{activation: {}, when: $classes}",
    "residual: {branch: [conv: {channels: 3, kernel: 3}], shortcut: identity, when: $classes}",
    "residual: {branch: [conv: {channels: 3, kernel: 3}], shortcut: identity, drop: $classes > 3}",
    "group: [{activation: {}, when: $classes}]",
    "{block: unit, name: several, repeat: $classes > 3}",
    "{block: unit, width: $classes > 3}",
    "{block: unit, wide: $classes}",
]


@pytest.mark.parametrize("step", STEPS)
def test_every_place_wants_its_kind(write: Write, step: str) -> None:
    unit = (
        "blocks:\n  unit:\n    parameters: {width: {default: 8}, wide: {type: bool, default: true}}"
        "\n    body: [conv: {channels: $width, kernel: 3}, {activation: {}, when: $wide}]\n"
    )
    path = write(f"{unit}stages:\n  - {step}\nhead: []\n")
    with pytest.raises(SpecError) as caught:
        _ = open_spec(path).analysis
    (found,) = caught.value.diagnostics
    assert found.code == "E112"
    assert found.location is not None
    assert found.location.line == 10


def test_an_attribute_never_becomes_a_boolean() -> None:
    op = Conv(parse("$n > 3"), (Var("n"), 1))
    with pytest.raises(ExprError, match="channels: the value is true") as caught:
        bind(op, {"n": 5})
    assert caught.value.key == "channels"
