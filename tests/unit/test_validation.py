"""What is compared before a file is written, and how a difference is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from rescompile.api import Architecture, open_spec
from rescompile.emit.validation import validate
from rescompile.emit.validation.graph import Graph
from rescompile.errors import InternalError
from rescompile.ir.structure import JoinKind
from rescompile.ops import AvgPool, Conv, GlobalAvgPool, LeakyRelu, MaxPool, Permute, Relu, Same
from rescompile.registry import get_backend

SPEC = """\
rescompile: 1
name: small
input: {channels: 3, height: 16, width: 16}
classes: 5
stem:
  - {conv: {channels: 8, kernel: 3}, name: conv1}
  - {activation: {}, name: relu1}
  - {conv: {channels: 8, kernel: 3}, name: conv2}
  - {activation: {}, name: relu2}
  - residual:
      branch: [{conv: {channels: 8, kernel: 3}, name: conv3}]
      shortcut: identity
head:
  - {max_pool: {kernel: 3, stride: 2, padding: 1}, name: pool}
  - flatten: {}
  - {linear: {features: $classes}, name: fc}
"""


@pytest.fixture
def net(tmp_path: Path) -> Architecture:
    path = tmp_path / "small.yaml"
    path.write_text(SPEC)
    return open_spec(path)


def refusal(net: Architecture, backend: str, *changes: tuple[str, str]) -> str:
    """What is said of the emitted source with pieces of it replaced."""
    target = get_backend(backend)
    source = target.emit(net.request)
    for old, new in changes:
        assert old in source, source
        source = source.replace(old, new)
    with pytest.raises(InternalError) as caught:
        validate(target, net.lowered, source)
    return str(caught.value)


def test_the_first_step_that_differs_is_named_with_what_it_takes(net: Architecture) -> None:
    said = refusal(net, "torch", ("MaxPool2d(3, stride=2, padding=1)", "MaxPool2d(2)"))
    assert "pool is max_pool, kernel (3, 3), stride (2, 2)" in said
    assert "the code has max_pool, kernel (2, 2), stride (2, 2), padding (0, 0)" in said
    assert "of add" in said


def test_work_in_place_on_a_value_that_another_step_needs(net: Architecture) -> None:
    said = refusal(net, "torch", ("x = x + self.conv3(x)", "x = self.conv3(x) + self.relu(x)"))
    assert "overwrites a value that conv needs" in said


def test_a_sum_with_what_was_overwritten(net: Architecture) -> None:
    """The conv2 before relu2 is overwritten by it: there is no other value to add."""
    said = refusal(
        net,
        "torch",
        ("x = self.relu(self.conv2(x))", "y = self.conv2(x)\n        x = self.relu(y)"),
        ("x = x + self.conv3(x)", "x = y + self.conv3(y) + y"),
    )
    assert "the code has add" in said


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_names_that_nobody_bound(net: Architecture, backend: str) -> None:
    changes = {"torch": ("8, 8, 3", "8, width, 3"), "keras": ("conv(x, 8", "conv(x, width")}
    assert "NameError: name 'width' is not defined" in refusal(net, backend, changes[backend])


def test_weights_that_the_spec_does_not_have(net: Architecture) -> None:
    said = refusal(
        net,
        "torch",
        ("        self.pool =", "        self.spare = nn.Linear(1, 1)\n        self.pool ="),
    )
    assert "there is a weight 'spare.bias' that the spec does not have" in said


def test_weights_of_another_name(net: Architecture) -> None:
    said = refusal(net, "keras", ('name="conv3"', 'name="convolution3"'))
    assert "there is no weight 'conv3.weight'" in said


def test_what_weights_start_as(net: Architecture) -> None:
    said = refusal(net, "torch", ("nn.init.zeros_(module.bias)", "pass"))
    assert "the weight 'fc.bias' is [5], uniform nan, not [5], constant 0" in said


def test_two_layers_of_one_name(net: Architecture) -> None:
    said = refusal(net, "keras", ('name="conv3"', 'name="conv2"'))
    assert "two layers are called 'conv2'" in said


def test_an_initialiser_that_two_layers_share(net: Architecture) -> None:
    made = 'keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")'
    said = refusal(
        net,
        "keras",
        (f"kernel_initializer={made}", "kernel_initializer=INIT"),
        ("def conv(", f"INIT = {made}\n\n\ndef conv("),
    )
    assert "two layers share an initialiser" in said


def test_code_that_imports_something_else(net: Architecture) -> None:
    said = refusal(
        net, "torch", ("from torch import Tensor, nn", "import os\nfrom torch import Tensor, nn")
    )
    assert "ImportError: the code imports os" in said


def test_the_kernel_behind_a_flatten_has_its_rows_where_its_weights_go(net: Architecture) -> None:
    said = refusal(
        net,
        "keras",
        ("layers.Flatten(", 'layers.Permute((3, 1, 2), name="moved")(x)\n    x = layers.Flatten('),
    )
    assert "the rows of fc are in another order than their weights" in said


def test_channels_first_is_no_way_to_run_a_file(net: Architecture) -> None:
    said = refusal(net, "keras", ('name="pool"', 'data_format="channels_first", name="pool"'))
    assert "pool: channels are not last" in said


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


@pytest.mark.parametrize("backend", ["keras", "torch"])
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
