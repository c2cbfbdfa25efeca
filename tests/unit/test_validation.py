"""What is compared before a file is written, and how a difference is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.emit.validation.graph import Graph
from rescompile.ir.nodes import JoinKind
from rescompile.ops import AvgPool, Conv, GlobalAvgPool, LeakyRelu, MaxPool, Permute, Relu, Same
from rescompile.registry import backend_names


class TestGraph:
    def test_operations_have_one_form(self) -> None:
        graph = Graph()
        x = graph.input((4, 8, 8))
        same = graph.apply(Conv(4, (3, 3), padding=Same.SAME), x, "a")
        assert same == graph.apply(Conv(4, (3, 3), padding=(1, 1, 1, 1)), x, "a")
        assert same != graph.apply(Conv(4, (3, 3), padding=(1, 1, 1, 1)), x, "b")
        assert graph.apply(Permute(True), x) == x
        vector = graph.apply(GlobalAvgPool(), x)
        assert graph[vector].shape == (4,)

    def test_floats_agree_up_to_rounding(self) -> None:
        graph = Graph()
        x = graph.input((4, 8, 8))
        assert graph.apply(LeakyRelu(0.1 + 0.2), x) == graph.apply(LeakyRelu(0.3), x)
        assert graph.apply(LeakyRelu(0.3), x) != graph.apply(LeakyRelu(0.3001), x)

    def test_sums_commute_and_concatenations_do_not(self) -> None:
        graph = Graph()
        x = graph.input((4, 8, 8))
        y = graph.apply(Relu(), x)
        for kind, commutes in (
            (JoinKind.ADD, True),
            (JoinKind.MULTIPLY, True),
            (JoinKind.CONCAT, False),
        ):
            assert (graph.combine(kind, [x, y]) == graph.combine(kind, [y, x])) is commutes

    def test_shapes_that_do_not_fit_are_not_added(self) -> None:
        graph = Graph()
        x = graph.input((4, 8, 8))
        y = graph.apply(MaxPool((2, 2), (2, 2)), x)
        with pytest.raises(ValueError, match="do not fit together"):
            graph.combine(JoinKind.ADD, [x, y])

    def test_ceil_mode_matters_where_a_window_reaches_over_the_edge(self) -> None:
        graph = Graph()
        odd, even = graph.input((4, 7, 7)), graph.apply(Conv(4, (2, 2)), 0, "a")
        for x, matters in ((odd, True), (even, False)):
            pools = [
                graph.apply(MaxPool((2, 2), (2, 2), ceil_mode=ceil), x) for ceil in (True, False)
            ]
            assert (pools[0] != pools[1]) is matters

    def test_padding_counts_in_a_mean_only_where_it_says_so(self) -> None:
        graph = Graph()
        x = graph.input((4, 8, 8))
        pads = (1, 1, 1, 1)
        counted = [
            graph.apply(AvgPool((3, 3), (1, 1), pads, count_include_pad=include), x)
            for include in (True, False)
        ]
        assert counted[0] != counted[1]


@pytest.mark.parametrize("backend", backend_names())
class TestEmitted:
    """What the proof of a build must see in emitted source, and find as the spec has it."""

    def test_a_width_down_by_a_tenth_exactly(self, backend: str, tmp_path: Path) -> None:
        (tmp_path / "small.yaml").write_text("""\
rescompile: 1
name: small
input: {channels: 3, height: 8, width: 8}
blocks:
  unit:
    parameters: {c: {type: int}}
    body:
      - conv: {channels: "make_divisible($c, 72)", kernel: 1}
      - conv: {channels: $c, kernel: 1}
stages:
  - {name: a, block: unit, c: 80}
  - {name: b, block: unit, c: 81}
""")
        source = open_spec(str(tmp_path / "small.yaml")).source(backend)
        assert "def make_divisible(" in source

    def test_the_epsilon_of_a_group_norm(self, backend: str, tmp_path: Path) -> None:
        (tmp_path / "small.yaml").write_text("""\
rescompile: 1
name: small
input: {channels: 4, height: 8, width: 8}
stages:
  - norm: {kind: group, groups: 2, epsilon: 0.125}
""")
        assert "0.125" in open_spec(str(tmp_path / "small.yaml")).source(backend)
