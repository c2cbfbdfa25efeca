"""What a condition tells about expressions under it: they stay equal, and get shorter."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import pytest

from rescompile.api import Architecture, open_spec
from rescompile.expr.assume import assuming, knowing, truth, without
from rescompile.expr.dims import evaluate, text
from rescompile.expr.parse import parse
from rescompile.registry import backend_names

Write = Callable[..., Path]
SIMPLER = [
    ("$n > 1", "8 if $n > 1 else 16", "8"),
    ("$n > 1", "8 if $n <= 1 else 16", "16"),
    ("$n > 1", "8 if $n == 1 else 16", "16"),
    ("$n > 1", "8 if $n > 0 else 16", "8"),
    ("$n > 1", "8 if $n > 2 else 16", "8 if $n > 2 else 16"),
    ("$n == 3", "8 if $n > 2 else 16", "8"),
    ("$n != 3", "8 if $n == 3 else 16", "16"),
    ("$n != 3", "8 if $n > 2 else 16", "8 if $n > 2 else 16"),
    ("not $b", "$n if not $b else 720", "$n"),
    ("$b", "$n if not $b else 720", "720"),
    ("$b and $n > 1", "(8 if $b else 16) + (1 if $n > 1 else 2)", "9"),
    ("not ($b or $n > 1)", "(8 if $b else 16) + (1 if $n > 1 else 2)", "18"),
    ("$b or $n > 1", "8 if $b else 16", "8 if $b else 16"),
    ("$n > 1", "(8 if $b else 16) if $n > 1 else 4", "8 if $b else 16"),
    ("$n > 1", "max($m, 8 if $n > 1 else 16)", "max($m, 8)"),
    ("$n", "$n * 2 if $n else 4", "$n * 2"),
    ("$m > 0", "(1 if $n > 0 else 2) if $n > 1 else (3 if $n > 1 else 4)", "1 if $n > 1 else 4"),
    ("$m > 0", "8 if $n > 1 and $n > 0 else 16", "8 if $n > 1 else 16"),
    ("$m > 0", "8 if $n > 0 and $n > 1 else 16", "8 if $n > 1 else 16"),
    ("$m > 0", "8 if $b or $n > 1 and not $b else 16", "8 if $b or $n > 1 else 16"),
    ("$m > 0", "8 if $b and ($n > 1 or $b) else 16", "8 if $b else 16"),
]


@pytest.mark.parametrize(("condition", "written", "simpler"), SIMPLER)
def test_what_is_known_is_not_asked_again(condition: str, written: str, simpler: str) -> None:
    assert text(assuming(parse(written), knowing(parse(condition)))) == simpler


PARTS = ("$n > 1", "$n >= 2", "$n == 1", "$n != 2", "$n < 3", "$b", "not $b", "$n", "$m >= $n")
CONDITIONS = [
    *PARTS,
    *(f"({a}) {op} ({b})" for a, b in product(PARTS, PARTS) for op in ("and", "or")),
]


def values() -> Iterator[dict[str, int | bool]]:
    for n, m, b in product((0, 1, 2, 3, 4), (1, 3), (False, True)):
        yield {"n": n, "m": m, "b": b}


@pytest.mark.parametrize("holds", [True, False])
def test_it_is_true_wherever_the_condition_is(holds: bool) -> None:
    asked = [parse(f"$m + (5 if {part} else $n)") for part in PARTS]
    for condition in map(parse, CONDITIONS):
        known = knowing(condition, holds)
        there = [env for env in values() if bool(evaluate(condition, env)) is holds]
        for dim in asked:
            made = assuming(dim, known)
            assert all(evaluate(made, env) == evaluate(dim, env) for env in there)
        for other in map(parse, PARTS):
            short = truth(other, known)
            assert all(bool(evaluate(short, e)) is bool(evaluate(other, e)) for e in there)


def test_an_index_is_not_known_where_it_is_another_one() -> None:
    known = knowing(parse("$index > 1 and $n > 1"))
    assert without(known, "index").keys() == knowing(parse("$n > 1")).keys()


# A block in the manner of MixNet's: several parts depend on parameters, some on the same.
MIX = """
blocks:
  mix:
    parameters:
      channels: {type: int}
      expand: {default: 1}
      stride: {default: 1}
      se: {default: 0}
      narrow: {type: bool, default: false}
    let: {hidden: $in_channels * $expand}
    body:
      - {conv: {channels: $hidden, kernel: 1}, name: expand, when: $expand > 1}
      - {norm: {}, name: norm1, when: $expand > 1}
      - {conv: {channels: $hidden, kernel: 3, stride: $stride}, name: spatial}
      - {block: gate, se: $se, name: gate, when: $se > 0}
      - name: wide
        when: not $narrow
        conv: {channels: $channels if not $narrow else 720, kernel: 1}
      - {conv: {channels: 720 if $narrow else $channels, kernel: 1}, name: slim, when: $narrow}
      - name: tail
        when: $se > 0
        group:
          - {norm: {}, when: $se > 0}
          - {activation: {}, when: $se <= 0}
  gate:
    parameters: {se: {default: 0}}
    body:
      - multiply:
          - []
          - - {global_avg_pool: {keepdims: true}, name: pool}
            - {conv: {channels: $in_channels // $se, kernel: 1}, name: reduce}
            - {conv: {channels: $in_channels, kernel: 1}, name: widen}
stages:
  - {name: a, block: mix, channels: 16}
  - {name: b, block: mix, channels: 24, stride: 2, expand: 6}
  - {name: c, block: mix, channels: 24, expand: 3, se: 4}
  - {name: d, block: mix, channels: 720, expand: 3, se: 2, narrow: true}
"""


@pytest.fixture
def mix(write: Write) -> Architecture:
    return open_spec(write(MIX))


def test_an_arm_that_nothing_reaches_is_not_there(mix: Architecture) -> None:
    tail = mix.text().partition("tail = group when $se > 0:")[2].splitlines()[1:3]
    assert tail == ["    batch_norm", ""]


# Ways of which each call takes one, all of them with its stride; no call takes the third.
WAYS = """
blocks:
  unit:
    parameters: {{channels: {{}}, stride: {{default: 1}}, ways: {{default: 1}}}}
    body:
      - residual:
          branch:
            - {{conv: {{channels: 8, kernel: 3, stride: $stride}}, when: {}}}
            - {{conv: {{channels: 8, kernel: 5, stride: $stride}}, when: {}}}
            - {{conv: {{channels: 8, kernel: 7, stride: $stride}}, when: $ways == 3}}
            - {{conv: {{channels: $channels, kernel: 1}}}}
          shortcut: projection
stages:
  - {{name: a, block: unit, channels: 16}}
  - {{name: b, block: unit, channels: 16, stride: 2}}
  - {{name: c, block: unit, channels: 24, stride: 2, ways: 2}}
  - {{name: d, block: unit, channels: 24}}
"""


@pytest.mark.parametrize(
    ("first", "second", "changes", "stride"),
    [
        ("$ways == 1", "$ways != 1", "stride != 1", "stride"),
        (
            "$ways == 1",
            "$ways == 2",
            "(ways == 1 or ways == 2) and stride != 1",
            "stride if ways == 1 or ways == 2 else 1",
        ),
    ],
)
def test_of_ways_that_exclude_each_other_one_counts(
    first: str, second: str, changes: str, stride: str, write: Write
) -> None:
    """Where one is taken the strides of the others are not there, nor is a way of no call."""
    net = open_spec(write(WAYS.format(first, second)))
    condition = rf"    if {re.escape(changes)} or (in_channels|x.shape\[-?1\]) != channels:\n"
    for source in map(net.source, backend_names()):
        assert re.search(condition, source)
        shortcut = source.partition("shortcut")[2]
        assert re.search(rf"strides?=(2 \* )?\[?{re.escape(stride)}\]?,", shortcut)
        assert "ways == 3" not in source
