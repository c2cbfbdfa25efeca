"""What is told of steps that are applied again: costs, tables, differences, figures."""

from __future__ import annotations

import pytest

from rescompile.api import open_spec
from rescompile.compare.difference import differences
from rescompile.conformance.running.test_shared import SPECS
from rescompile.ir.text import show

SPEC = """\
rescompile: 1
name: again
input: {channels: 4, height: 8, width: 8}
blocks:
  unit:
    parameters: {channels: {type: int}}
    body: [{name: conv, conv: {channels: $channels, kernel: 3}}, {norm: {}}]
stages:
  - {name: one, block: unit, channels: 4, repeat: 2}
  - max_pool: {kernel: 2}
  - {name: two, reuse: one}
  - {name: conv, conv: {channels: 4, kernel: 1}}
  - {name: turns, reuse: conv, repeat: 3}
  - {name: three, reuse: two}
"""
UNIT = 4 * 4 * 9


def test_parameters_count_once_and_multiply_adds_each_time() -> None:
    total = open_spec(SPEC).report("network").total
    assert total.parameters == 2 * (UNIT + 2 * 4) + 4 * 4
    assert total.other_parameters == 2 * 2 * 4
    assert total.macs == 2 * UNIT * (64 + 16 + 16) + 4 * 16 * 16


@pytest.mark.parametrize("by", ["stage", "block", "layer"])
@pytest.mark.parametrize("spec", [SPEC, *SPECS.values()])
def test_every_view_adds_up(spec: str, by: str) -> None:
    net = open_spec(spec)
    total, rows = net.report("network").total, net.report(by).rows
    assert sum(row.cost.parameters for row in rows) == total.parameters
    assert sum(row.cost.other_parameters for row in rows) == total.other_parameters
    assert sum(row.cost.macs for row in rows) == total.macs


def test_owners_are_found_by_path() -> None:
    owners = open_spec(SPEC).analysis.elaborated.owners
    assert owners["two", "1", "conv"] == owners["three", "1", "conv"] == ("one", "1", "conv")
    assert owners["turns", "2"] == ("conv",)
    assert ("one", "1", "conv") not in owners


def test_tables_and_text_tell_whose_weights_they_are() -> None:
    net = open_spec(SPEC)
    told = {row.name: row.what for row in net.report("layer").rows}
    assert told["two.0.conv"].endswith("weights of one.0.conv")
    assert {row.name: row.what for row in net.report("stage").rows}["turns"] == "conv again x 3"
    assert "three = one again" in show(net.analysis)


def test_a_difference_is_told() -> None:
    own = "{name: two, block: unit, channels: 4, repeat: 2}"
    pair = (SPEC, SPEC.replace("{name: two, reuse: one}", own))
    changes = differences(*(open_spec(spec).analysis.elaborated for spec in pair))
    assert "weights those of one -> its own" in [change.text() for change in changes]


def test_a_figure_names_what_is_meant() -> None:
    svg = open_spec(SPEC).figure().svg()
    assert "one again" in svg
    assert "conv again" in svg


def test_a_backbone_may_end_in_a_step_again() -> None:
    spec = SPEC.replace("  - {name: conv,", "  - max_pool: {kernel: 2}\n  - {name: conv,")
    maps = open_spec(spec, features=True).analysis.elaborated.outputs
    assert [shape[1:] for shape in maps.values()] == [(4, 4), (2, 2)]
    assert next(iter(maps)) == "two"
