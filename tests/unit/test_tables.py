"""Tables of steps: they are the steps that stand for their rows, and a wrong cell has a place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.errors import SpecError

Write = Callable[..., Path]
BLOCKS = """
parameters: {w: 2}
blocks:
  unit:
    parameters: {channels: {}, stride: {default: 1}, kind: {type: str, default: relu}}
    body:
      - {name: conv, conv: {channels: $channels, kernel: 3, stride: $stride}}
      - activation: {kind: $kind}
  slim:
    parameters: {channels: {}}
    body: [{conv: {channels: $channels, kernel: $w - 1}}]
"""
SAME = {
    "columns alone": (
        """
  - table:
      columns: [name, block, channels, repeat, stride, kind]
      rows:
        - [a, unit, 8 * $w, 2, ~, silu]
        - [b, slim, 4, ~, ~, ~]
        - [c, unit, 4, ~, 2, ~]
""",
        """
  - {name: a, block: unit, channels: 8 * $w, repeat: 2, kind: silu}
  - {name: b, block: slim, channels: 4}
  - {name: c, block: unit, channels: 4, stride: 2}
""",
    ),
    "a step around the cells": (
        """
  - table:
      columns: [c, s, channels]
      step: {name: "layer{n}", block: unit, channels: $w * $c + $channels, stride: $s}
      rows: [[4, 2, -1], [$w + 1, 1, 3 if $w > 1 else 4]]
""",
        """
  - {name: layer1, block: unit, channels: $w * 4 + (-1), stride: 2}
  - {name: layer2, block: unit, channels: $w * ($w + 1) + (3 if $w > 1 else 4), stride: 1}
""",
    ),
    "lists as cells, and steps that call no block": (
        """
  - table:
      columns: [k, more]
      step: {name: "g{i}", group: [{conv: {channels: 2 * $w, kernel: $k, bias: $more}}, {norm: {}}]}
      rows: [[[1, 7], true], [3, ~]]
""",
        """
  - {name: g0, group: [{conv: {channels: 2 * $w, kernel: [1, 7], bias: true}}, {norm: {}}]}
  - {name: g1, group: [{conv: {channels: 2 * $w, kernel: 3}}, {norm: {}}]}
""",
    ),
    "a table in a table": (
        """
  - table:
      columns: [c]
      step:
        name: g{n}
        group: [{table: {columns: [d], step: {block: slim, channels: $c + $d}, rows: [[1], [2]]}}]
      rows: [[4], [6]]
""",
        """
  - {name: g1, group: [{block: slim, channels: 4 + 1}, {block: slim, channels: 4 + 2}]}
  - {name: g2, group: [{block: slim, channels: 6 + 1}, {block: slim, channels: 6 + 2}]}
""",
    ),
}


@pytest.mark.parametrize("table", SAME)
def test_rows_are_steps(table: str, write: Write) -> None:
    short, long = (open_spec(write(BLOCKS + "stages:" + steps)) for steps in SAME[table])
    assert short.text() == long.text()


def test_rows_are_changed_by_their_names(write: Write) -> None:
    write(BLOCKS + "stages:" + SAME["columns alone"][0], "base")
    changes = "stages: {a: {repeat: 3}, b: null}\n"
    net = open_spec(write(changes, "mine", "rescompile: 1\nextends: base\nname: mine\n"))
    assert [stage.label for stage in net.analysis.network.stages] == ["a", "c"]
    assert len(net.analysis.elaborated.stages[0][0].parts[0]) == 3


def test_a_wrong_cell_has_a_place(write: Write) -> None:
    steps = SAME["columns alone"][0].replace("slim, 4,", "slim, four,")
    with pytest.raises(SpecError) as caught:
        open_spec(write(BLOCKS + "stages:" + steps)).text()
    (found,) = caught.value.diagnostics
    assert found.location is not None
    assert found.location.text[found.location.column - 1 :].startswith("four")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("{columns: [block, channels], rows: [[unit]]}", "a row of 1 cells, but the table has 2"),
        ("{columns: [channels], step: {block: unit, channels: 8}, rows: [[4]]}", "does not read"),
        ("{columns: [k], step: {conv: {channels: 8, kernel: 3}}, rows: [[4]]}", "nothing reads"),
        ("{columns: [k], step: {norm: {epsilon: $k * 2}}, rows: [[[1, 2]]]}", "is no number"),
        ("{columns: [k], step: {block: unit, channels: $k + 1}, rows: [[~]]}", "an empty cell"),
        ("{columns: [block, stripe], rows: [[unit, 1]]}", "no parameter 'stripe'"),
        ("{columns: [block, block], rows: [[unit, unit]]}", "two columns are called 'block'"),
        ("{columns: [block], rows: []}", "at least 1"),
        ("{columns: [block], rows: [unit]}", "expected a list"),
        ("{rows: [[unit]]}", "the key 'columns' is missing"),
        ("{columns: [block], rows: [[unit]], names: x}", "unknown key 'names'"),
        ("[[unit, 4]]", "expected a mapping"),
    ],
)
def test_tables_that_are_refused(table: str, message: str, write: Write) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        open_spec(write(BLOCKS + f"stages:\n  - table: {table}\n")).text()
    assert all(one.location for one in caught.value.diagnostics)


def test_a_table_has_no_name(write: Write) -> None:
    table = "{columns: [block, channels], rows: [[slim, 4]]}"
    with pytest.raises(SpecError, match="`table` gives its steps to what is around it"):
        open_spec(write(BLOCKS + f"stages:\n  - {{table: {table}, name: x}}\n")).text()


def test_tables_in_tables_are_bounded(write: Write) -> None:
    rows = ", ".join(["[1]"] * 300)
    inner = "{norm: {}}"
    for name in "abc":
        step = f"{{group: [{inner}], when: ${name} > 0}}"
        inner = f"{{table: {{columns: [{name}], step: {step}, rows: [{rows}]}}}}"
    with pytest.raises(SpecError, match="tables hold more than"):
        open_spec(write(f"stages:\n  - {inner}\n")).text()
