"""Numbers that run through the whole network, and the stages that count them up."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rescompile.api import Architecture, open_spec
from rescompile.emit.repetition import stage_key
from rescompile.errors import SpecError
from rescompile.expr.dims import Var, binary, evaluate, text
from rescompile.expr.parse import parse
from rescompile.ir.counting import counted, uses_index
from rescompile.ir.nodes import Call
from rescompile.ir.structure import INDEX
from rescompile.ops import StochasticDepth
from rescompile.registry import backend_names

Net = Callable[[str], Architecture]
BLOCK = """
parameters: {drop: 0.4, depth: 1.5}
blocks:
  unit:
    parameters: {position: {type: int}}
    body:
      - residual:
          branch: [{conv: {channels: 8, kernel: 3}}]
          shortcut: identity
          drop: $drop * $position / ($block_count - 1)
stem: [{conv: {channels: 8, kernel: 3}}]
stages:
"""
STAGES = BLOCK + (
    "  - {name: s1, block: unit, repeat: 2, position: $block_index}\n"
    "  - name: s2\n"
    "    group: [{block: unit, repeat: ceil(2 * $depth), position: $block_index}]\n"
)
CALL = 'block: unit, repeat: 2, position: $block_index, children: "{name}-{i}"'
NAMED = BLOCK.replace(", depth: 1.5", "") + (
    f"  - {{name: first, {CALL}}}\n  - {{name: second, {CALL}}}\n"
)
DROPPED = """
blocks:
  unit:
    parameters: {stride: {type: int, default: 1, once: true}}
    body:
      - residual:
          branch: [{conv: {channels: 8, kernel: 3, stride: $stride}}, {norm: {}}]
          shortcut: identity
          when: $stride == 1
          drop: 0.25
stem: [{conv: {channels: 8, kernel: 1}}]
stages: [{name: s, block: unit, repeat: 2, stride: 2}]
"""


@pytest.fixture
def net(write: Callable[..., Path]) -> Net:
    return lambda given: open_spec(write(given))


def test_rates_grow_with_the_blocks_index_across_stages(net: Net) -> None:
    flat = net(STAGES).analysis.elaborated.flat()
    rates = [trace.op.rate for _, trace in flat if isinstance(trace.op, StochasticDepth)]
    assert rates == [0.4 * i / 4 for i in range(5)]


def test_what_counts_and_what_does_not() -> None:
    i = Var(INDEX)
    args = (("a", i), ("b", binary("+", i, 3)), ("c", binary("*", i, 2)), ("d", 5))
    call = Call("unit", args, repeat=2)
    assert counted(call) == {"a": 0, "b": 3}
    assert uses_index(call)
    assert not uses_index(Call("unit", args[:2], repeat=2))
    assert stage_key(Call("unit", args[:1], repeat=2)) != stage_key(Call("unit", args[3:]))


@pytest.mark.parametrize(
    "step",
    ["conv: {channels: $block_index, kernel: 1}", "{name: x, block: unit, position: $block_index}"],
)
def test_a_block_index_needs_a_repetition(net: Net, step: str) -> None:
    with pytest.raises(SpecError, match=re.escape("unknown name '$block_index'")):
        net(f"{BLOCK}  - {step}\n").analysis  # noqa: B018


def test_ceil() -> None:
    assert [evaluate(parse(f"ceil({x} * $n)"), {"n": 3}) for x in (0.5, 1.0, 1.1)] == [2, 3, 4]
    assert text(parse("ceil($n / 2)"), sigil="") == "math.ceil(n / 2)"


def test_emitted_files_import_what_ceil_needs(net: Net) -> None:
    made = net(
        """
blocks: {wide: {parameters: {n: {type: int}}, body: [{conv: {channels: ceil($n / 2), kernel: 1}}]}}
stages: [{name: a, block: wide, n: 5}, {name: b, block: wide, n: 8}]
"""
    )
    assert made.analysis.elaborated.output == (4, 32, 32)
    for backend in backend_names():
        source = made.source(backend)
        assert "\nimport math\n" in source
        assert "math.ceil(n / 2)" in source


def test_a_pattern_may_name_the_stage(net: Net) -> None:
    made = net(NAMED)
    paths = {path[:2] for path, _ in made.analysis.elaborated.flat() if len(path) > 2}
    assert ("first", "first-0") in paths
    assert ("second", "second-1") in paths


def test_variants_are_named_by_what_is_unusual(net: Net) -> None:
    made = net(
        """
blocks: {unit: {parameters: {act: {type: str, default: silu}}, body: [{activation: {kind: $act}}]}}
stages:
  - {name: a, block: unit, act: relu}
  - {name: b, block: unit}
  - {name: c, block: unit, act: gelu}
"""
    )
    assert set(made.analysis.network.blocks) == {"unit", "unit_relu", "unit_gelu"}
    only = net(
        "blocks: {unit: {parameters: {a: {type: str}}, body: [{activation: {kind: $a}}]}}\n"
        "stages: [{name: a, block: unit, a: relu}]\n"
    )
    assert set(only.analysis.network.blocks) == {"unit"}


def test_a_branch_is_dropped_only_where_there_is_a_shortcut(net: Net) -> None:
    made = net(DROPPED)
    dropped = [p for p, t in made.analysis.elaborated.flat() if isinstance(t.op, StochasticDepth)]
    assert [path[:2] for path in dropped] == [("s", "1")]
