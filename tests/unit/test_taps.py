"""Outputs inside of groups: their values, and what figures and reports tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rescompile.api import Architecture, open_spec
from rescompile.ir.taps import ends, is_group, taps
from rescompile.reference import run
from rescompile.reference.weights import random_weights
from rescompile.registry import backend_names

SPEC = Path(__file__).parents[1] / "regressions/outputs_inside_of_a_group.yaml"
SHAPES = [(6, 16, 16), (8, 16, 16), (5, 8, 8), (5, 8, 8), (8, 16, 16)]


@pytest.fixture(scope="module")
def net() -> Architecture:
    return open_spec(SPEC)


def test_shapes_and_values_have_the_order_of_the_spec(net: Architecture) -> None:
    made = net.lowered
    assert list(made.outputs.values()) == SHAPES
    x = np.random.default_rng(0).standard_normal((2, 3, 16, 16))
    values = run(made, random_weights(made, 1), x).outputs
    assert [value.shape[1:] for value in values] == SHAPES
    found = run(made, random_weights(made, 1), x, keep=True).values
    paths = [("body", "6"), ("first",), ("body", "deep"), ("last",), ("body", "1")]
    for value, path in zip(values, paths, strict=True):
        assert np.array_equal(value, found[path])


def test_a_block_ends_at_its_last_member(net: Architecture) -> None:
    (group,) = (item for item in net.lowered.root.items if is_group(item))
    told = [(tap.output, tap.stop, tap.members) for tap in ends(group, net.lowered.root.ends)]
    assert told == [
        *(("body.0", 1, 1), ("body.1", 2, 2), ("body.2", 3, 3)),
        *(("body.4", 4, 5), ("body.6", 5, 7), ("body.deep", 6, 8)),
    ]
    (found,) = taps(net.lowered).values()
    assert [tap.output for tap in found] == ["body.1", "body.6", "body.deep"]


def test_a_figure_and_a_report_tell_them(net: Architecture) -> None:
    shown = net.figure().svg()
    for name in ("body.6", "first", "body.deep", "last", "body.1"):
        assert f">output {name}<" in shown
    assert "outputs body.6 6 x 16 x 16, first 8 x 16 x 16, body.deep 5 x 8 x 8" in " ".join(
        net.report().text().split()
    )


def test_the_group_itself_may_be_returned_too() -> None:
    net = open_spec(SPEC, set={"outputs": ["body", "body.6", "last"]})
    assert list(net.lowered.outputs.values()) == [(5, 8, 8), (6, 16, 16), (5, 8, 8)]
    for backend in backend_names():
        assert "    body = x\n" in net.source(backend)
