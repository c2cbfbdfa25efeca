"""What a backend declares of a constructor is read both ways."""

from __future__ import annotations

import pytest

from rescompile.emit.layout import Call, statement
from rescompile.emit.table import (
    LITERAL,
    NUMBER,
    Argument,
    Constructor,
    constant,
    entering,
    extents,
    option,
    sides,
)
from rescompile.expr.dims import Var
from rescompile.ops import AvgPool, Conv, Dropout, Op

CONV = Constructor(
    "Conv",
    Conv,
    (
        *(
            entering("inputs"),
            Argument("filters", "channels"),
            Argument("size", "kernel", extents(2)),
        ),
        option("stride", "stride", extents(2), 1),
        option("padding", "padding", sides(2), 0),
        option("bias", "bias", LITERAL, True),
    ),
)
POOL = Constructor(
    "Pool",
    AvgPool,
    (
        Argument("size", "kernel", extents(2)),
        option("step", "stride", extents(2), None, like="size"),
        Argument("axis", (), constant(1), keyword=True),
    ),
    implied=(("count_include_pad", True),),
)
OPS = {
    "Conv(n, 8, 3)": (CONV, Conv(8, (3, 3), bias=True)),
    "Conv(n, 8, (1, 3), stride=2)": (CONV, Conv(8, (1, 3), (2, 2), bias=True)),
    "Conv(n, 8, 3, padding=(0, 1), bias=False)": (CONV, Conv(8, (3, 3), padding=(0, 0, 1, 1))),
    "Pool(2, axis=1)": (POOL, AvgPool((2, 2), (2, 2), count_include_pad=True)),
    "Pool(2, step=1, axis=1)": (POOL, AvgPool((2, 2), (1, 1), count_include_pad=True)),
}


def written(entry: Constructor, op: Op) -> str:
    return statement(Call(entry.name, entry.write(op, str, "n")))


@pytest.mark.parametrize("text", OPS)
def test_what_is_written_means_what_was_meant(text: str) -> None:
    entry, op = OPS[text]
    assert written(entry, op) == text
    assert eval(text, {entry.name: entry.reader(), "n": 4}) == (op, 4 if entry is CONV else None)


def test_expressions_are_written_as_the_emitter_renders_them() -> None:
    rate = Constructor("Drop", Dropout, (Argument("p", "rate", NUMBER, 0.5),))
    made = rate.write(Dropout(Var("rate")), lambda dim: f"<{dim}>")
    assert made == (f"<{Var('rate')}>",)
    assert rate.write(Dropout(0.5), str) == ("0.5",)  # by place: written in any case


def test_what_does_not_fit_is_told() -> None:
    assert CONV.fits(Conv(8, (3, 3), padding=(1, 1, 0, 0)))
    assert not CONV.fits(Conv(8, (3, 3), padding=(1, 0, 1, 0)))


@pytest.mark.parametrize(
    "call", ["Pool()", "Pool(2, 3, axis=1)", "Pool(2)", "Pool(2, k=3, axis=1)"]
)
def test_arguments_that_nobody_takes_are_refused(call: str) -> None:
    with pytest.raises(TypeError):
        eval(call, {"Pool": POOL.reader()})


def test_another_value_than_the_constant_has_no_meaning() -> None:
    with pytest.raises(ValueError, match="2 where only 1 has a meaning"):
        POOL.reader()(2, axis=2)
