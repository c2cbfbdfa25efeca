"""Expressions: the grammar, its bounds, evaluation, simplification, and text that reads back."""

from __future__ import annotations

import time

import pytest

from rescompile.expr.dims import (
    Binary,
    ExprError,
    Var,
    binary,
    evaluate,
    make_divisible,
    names,
    substitute,
    text,
)
from rescompile.expr.parse import parse
from rescompile.expr.polynomial import product, total
from rescompile.ir.structure import BLOCK_COUNT, BLOCK_INDEX, IN_CHANNELS, INDEX
from rescompile.language import names as language_names
from rescompile.language.models import Step

C = Var("channels")
ENV = {"channels": 64, "stride": 2, "rate": 0.5, "bias": True}


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("$channels * 4", 256),
        ("$channels // 3 + 1", 22),
        ("$channels / 3", 64 / 3),
        ("$channels % 10 - 1", 3),
        ("-$stride + 5", 3),
        ("$stride != 1 and $channels >= 64", True),
        ("not $bias or $stride == 3", False),
        ("$channels if $stride > 1 else 0", 64),
        ("max(2, $stride, 1) * min(3, 4)", 6),
        ("int($channels * $rate + 0.9)", 32),
        ("round($channels / 10)", 6),
        ("make_divisible($channels * 0.35, 8)", 24),
        ("true and $bias", True),
        ("($channels - 4) * ($stride + 1)", 180),
        ("$channels - (4 - $stride)", 62),
        ("2 ** ($stride + 4)", 64),
        ("$channels ** $stride", 4096),
        ("2 ** 3 ** $stride", 512),
        ("(2 ** 3) ** $stride", 64),
        ("-$stride ** 2", -4),
        ("(-$stride) ** 3", -8),
        ("(-2) ** $stride", 4),
        ("2 ** -$stride", 0.25),
        ("$channels ** $rate", 8.0),
    ],
)
def test_value_and_text(source: str, value: float) -> None:
    parsed = parse(source)
    assert evaluate(parsed, ENV) == value
    assert parse(text(parsed)) == parsed
    assert eval(text(parsed, ""), {"make_divisible": make_divisible}, dict(ENV)) == value


@pytest.mark.parametrize(
    "source",
    [
        "$channels.real",
        "$channels[0]",
        "__import__('os')",
        "lambda: 1",
        "[$channels]",
        "$channels if $stride",
        "1 < $stride < 3",
        "channels * 2",
        "$a$b",
        "sum($channels)",
        "max($channels)",
        "min(" + ", ".join(["1"] * 9) + ")",
        "'text' + $channels",
        "True",
        "$channels << 2",
        "99999999999999 * 99999999999999",
        "1e300 * 1e300",
        "$channels +",
        "$kanäle",
        "v__channels",
        "(" * 149 + "1" + ")" * 149 + "1",
        "$channels" + " + 1" * 200,
    ],
)
def test_not_an_expression(source: str) -> None:
    start = time.perf_counter()
    with pytest.raises(ExprError):
        parse(source)
    assert time.perf_counter() - start < 0.1


@pytest.mark.parametrize("source", ["$channels // ($stride - 2)", "$channels % 0", "1 / 0 * $rate"])
def test_division_by_zero(source: str) -> None:
    with pytest.raises(ExprError, match="division by zero"):
        evaluate(parse(source), ENV)


@pytest.mark.parametrize(
    "source", ["1 // $zero if $zero != 0 else 7", "7 if $zero == 0 else 1 // $zero"]
)
def test_the_branch_not_taken_needs_no_value(source: str) -> None:
    assert evaluate(parse(source), {"zero": 0}) == 7


def test_logic_stops_early() -> None:
    assert evaluate(parse("$zero != 0 and 1 // $zero > 0"), {"zero": 0}) is False
    assert evaluate(parse("$zero == 0 or 1 // $zero > 0"), {"zero": 0}) is True


@pytest.mark.parametrize(
    "source", ["2 ** 10 ** 9", "10 ** 10 ** 10 ** 10", "2 ** 41", "1.5 ** 1e12", "(-3) ** 99999999"]
)
def test_a_power_out_of_bounds_is_refused_at_once(source: str) -> None:
    start = time.perf_counter()
    with pytest.raises(ExprError, match="out of bounds"):
        parse(source)
    assert time.perf_counter() - start < 0.1


def test_powers() -> None:
    """Whole numbers stay exact up to the bound, and what has no value says so."""
    assert parse("3 ** 25") == 3**25
    assert parse("2 ** 40") == 2**40
    assert parse("0 ** 0") == parse("1 ** 10 ** 12") == 1
    assert parse("(-1) ** (10 ** 12 + 1)") == -1
    assert parse("0.5 ** 10 ** 9") == 0
    assert parse("$channels ** 1") == C
    for source in ("(-8) ** 0.5", "0 ** -1"):
        with pytest.raises(ExprError, match=r"has no value|by zero"):
            parse(source)


@pytest.mark.parametrize(
    ("written", "shorter"),
    [
        ("8 + ($i + 1 - 1)", "8 + $i"),
        ("$i + 1 - 2", "$i - 1"),
        ("1 - $i - 1", "-$i"),
        ("$a - ($i - 2) - 3", "$a - $i - 1"),
        ("$a + $i - $a", "$i"),
        ("$a - $a + 0", "0"),
        ("2 - ($a + 1) - ($i + 1)", "-$a - $i"),
        ("$a + ($i + 1)", "$a + ($i + 1)"),  # as it was written: there is one number
        ("$a * 2 * 3", "$a * 6"),
        ("$a * 4 // 2", "$a * 2"),
        ("$a * 4 // 4 + 1", "$a + 1"),
        ("$a * 4 // 3", "$a * 4 // 3"),
        ("int($a * 2) + round($i) // 1", "$a * 2 + $i"),
        ("$a * 2 // 2 + 6 * $i // 3", "$a + $i * 2"),
        ("$a * 3 // 2", "$a * 3 // 2"),
        ("$a if $a != 2 else 2", "$a"),
        ("3 if $i == 3 else $i", "$i"),
        ("2 if $a != 2 else $a", "2"),
        ("$i + 1 > 1", "$i > 0"),
        ("3 <= $i - 1", "$i >= 4"),
        ("not $i < 2", "$i >= 2"),
        ("not ($i != 2)", "$i == 2"),
        ("$i <= $i", "true"),
        ("int($a / 2)", "int($a / 2)"),
        ("$a / 2 + 1 - 1", "$a / 2 + 1 - 1"),  # a fraction, which may round
        ("--$a", "$a"),
        ("not (not $a > $i)", "$a > $i"),
        ("($a > $i) == true", "$a > $i"),
        ("($a > $i) != true", "$a <= $i"),
        ("false == ($a > $i)", "$a <= $i"),
        ("true if $a > 1 else $i > 2", "$a > 1 or $i > 2"),
        ("false if $a > 1 else $i > 2", "$a <= 1 and $i > 2"),
        ("$i > 2 if $a > 1 else true", "$a <= 1 or $i > 2"),
        ("$i > 2 if $a > 1 else false", "$a > 1 and $i > 2"),
        ("1 // $i > 0 if $i > 0 else false", "$i > 0 and 1 // $i > 0"),
    ],
)
def test_what_is_written_at_length_gets_shorter(written: str, shorter: str) -> None:
    made = parse(written)
    assert text(made) == shorter
    for a, i in ((0, 0), (3, 2), (-2, 5), (64, 1)):
        known = {"a": a, "i": i}
        words = {**known, "true": True, "false": False}
        assert evaluate(made, known) == eval(written.replace("$", ""), words)


def test_sums_of_what_may_be_a_fraction_stay_as_they_are() -> None:
    """0.1 + 1 - 1 is not 0.1 in binary arithmetic, and the same network has one value."""
    made = binary("-", binary("+", Var("rate", fraction=True), 1), 1)
    assert text(made) == "$rate + 1 - 1"
    assert evaluate(made, {"rate": 0.1}) == 0.1 + 1 - 1 != 0.1


def test_unknown_name() -> None:
    with pytest.raises(ExprError, match=r"unknown name '\$width'"):
        evaluate(parse("$channels * $width"), {"channels": 2})


def test_constants_are_folded() -> None:
    assert parse("2 * 3 + 1") == 7
    assert parse("$channels * 1") == C
    assert parse("$channels + 0") == C
    assert binary("+", binary("+", C, 1), 2) == Binary("+", C, 3)
    assert binary("!=", C, C) is False
    assert substitute(parse("$channels * $k"), {"k": 1}) == C


def test_deep_expressions_are_evaluated() -> None:
    assert evaluate(parse("-" * 150 + "$a"), {"a": 1}) == 1
    assert parse("(" * 149 + "1" + ")" * 149) == 1


def test_floats_are_kept() -> None:
    assert parse("$channels * 1.0") != C  # it makes a float of channels


def test_substitute_takes_expressions() -> None:
    made = substitute(parse("$channels * 2"), {"channels": parse("$in_channels + 1")})
    assert text(made) == "($in_channels + 1) * 2"
    assert names(made) == {"in_channels"}


@pytest.mark.parametrize(
    "source",
    [
        "$a - ($b - $c)",
        "$a // ($b * $c)",
        "($a + $b) * $c",
        "not ($a and $b)",
        "-($a + $b)",
        "($a if $b else $c) + 1",
        "($a == $b) == $c",
        "$a and ($b or $c)",
        "-$a * -$b",
    ],
)
def test_brackets_survive(source: str) -> None:
    assert text(parse(source)) == source


def test_total_and_product() -> None:
    assert text(total([3, C, 4, Var("growth")])) == "$channels + $growth + 7"
    assert total([1, 2]) == 3
    assert product([1, C, 1]) == C
    assert product([]) == 1


@pytest.mark.parametrize(
    ("value", "divisor", "result"),
    # Sandler et al. 2018: to the nearest multiple, never down by more than a tenth.
    [
        (32, 8, 32),
        (33, 8, 32),
        (36, 8, 40),
        (11.2, 8, 16),
        (1, 8, 8),
        (320 * 1.4, 8, 448),
        (80, 72, 72),  # down by a tenth exactly, which is not more
        (81, 72, 144),
        (44, 8, 48),  # half-way between two multiples
        (11.9, 8, 16),
    ],
)
def test_make_divisible(value: float, divisor: int, result: int) -> None:
    assert make_divisible(value, divisor) == result


@pytest.mark.parametrize(
    ("terms", "less", "wanted"),
    [
        (("$k", "$n - $k", "$g"), "0", "$n + $g"),
        (("$a + 2", "$a", "3", "$b + $a"), "0", "3 * $a + $b + 5"),
        (("(1 if $c else 2) + $g",), "1 if $c else 2", "$g"),
        (("$a",), "$b + 1", "$a - $b - 1"),
        (("$a",), "$a", "0"),
        (("$w", "$w", "4 * $w"), "3 * $w", "3 * $w"),
        (("$w // 2", "$w // 2"), "0", "2 * ($w // 2)"),
    ],
)
def test_equal_terms_of_a_sum_are_taken_together(
    terms: tuple[str, ...], less: str, wanted: str
) -> None:
    assert text(total(map(parse, terms), parse(less))) == wanted


def test_the_spec_knows_the_names_of_expressions() -> None:
    known = {*language_names.KNOWN, *language_names.KNOWN_OUTSIDE}
    assert known == {IN_CHANNELS, INDEX, BLOCK_INDEX, BLOCK_COUNT}
    keys = {field.alias or name for name, field in Step.model_fields.items()}
    assert set(language_names.CALL_KEYS) < keys


def test_what_looks_like_a_constant_stands_behind_in_code() -> None:
    """Ruff asks for it (SIM300); in a spec it stands where it was written."""
    dim = parse("$A < $gate")
    assert (text(dim, ""), text(dim)) == ("gate > A", "$A < $gate")
    assert text(parse("$A < $B"), "") == "A < B"
    assert text(parse("$A < 3"), "") == "A < 3"
