"""Operations in words, and figures as a reader of a report sees them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rescompile.cost.describe import describe_op
from rescompile.ops import Conv, Linear, MaxPool, Op, Relu, Resampling, Same, Upsample
from rescompile.table import rounded, short


@pytest.mark.parametrize(
    ("op", "words"),
    [
        (Conv(64, (7, 7), (2, 2), (3, 3, 3, 3)), "conv 7x7, 64, stride 2"),
        (Conv(8, (3, 1), (2, 1), (0, 0, 0, 0)), "conv 3x1, 8, stride 2x1, padding 0"),
        (Conv(8, (3, 3), padding=(1, 1, 1, 1), groups=8), "conv 3x3, 8, depthwise"),
        (
            Conv(8, (3, 3), padding=(0, 1, 0, 1), dilation=(2, 2), groups=2, bias=True),
            "conv 3x3, 8, dilation 2, groups 2, padding 0+1, 0+1, bias",
        ),
        (Conv(8, (3, 3), (2, 2), Same.SAME), "conv 3x3, 8, stride 2, padding same"),
        (
            MaxPool((3, 3), (2, 2), (1, 1, 1, 1), True),
            "max_pool 3x3, stride 2, padding 1, ceil_mode",
        ),
        (Linear(10, bias=False), "linear, features 10, no bias"),
        (Upsample(2, Resampling.BILINEAR), "upsample, scale 2, mode bilinear"),
        (Relu(), "relu"),
    ],
)
def test_operations_in_words(op: Op, words: str) -> None:
    assert describe_op(op, (8, 16, 16)) == words


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00 k"),
        (853018, "853 k"),
        (999_600, "1.00 M"),
        (21797672, "21.8 M"),
        (3663761408, "3.66 G"),
        (11513626624, "11.5 G"),
        (2 * 10**15, "2000 T"),
    ],
)
def test_short_figures(value: int, shown: str) -> None:
    assert short(value) == shown


def test_rounding_is_exact_and_half_up() -> None:
    assert [str(rounded(value, 1)) for value in (Fraction(125, 20), Fraction(0))] == ["6.3", "0.0"]
