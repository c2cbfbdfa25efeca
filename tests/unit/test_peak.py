"""The peak of memory, on networks small enough to follow by hand."""

from __future__ import annotations

import json

import pytest

from rescompile import ops
from rescompile.api import open_spec
from rescompile.cost.breakdown import Rows
from rescompile.cost.peak import Peak, peak
from rescompile.ir.elaborate import elaborate
from rescompile.ir.nodes import Branch, From, Group, Join, JoinKind, Layer, Node, Residual
from rescompile.ir.structure import Network, Stage

UNIT = 8 * 4 * 4 * 4  # bytes of the image: 8 channels, 4 x 4, float32


def conv(name: str, channels: int = 8) -> Layer:
    return Layer(ops.Conv(channels, (1, 1)), name)


def relu(name: str) -> Layer:
    return Layer(ops.Relu(), name)


def found(*nodes: Node, outputs: tuple[str, ...] = ()) -> Peak:
    stages = tuple(Stage(f"stage{i}", (node,)) for i, node in enumerate(nodes))
    return peak(elaborate(Network("net", {"input": (8, 4, 4)}, stages, {}, outputs=outputs)))


def course(*nodes: Node, outputs: tuple[str, ...] = ()) -> list[float]:
    """What is alive at each step, in sizes of the image."""
    return [step / UNIT for step in found(*nodes, outputs=outputs).course]


def test_a_chain_holds_what_a_step_reads_and_what_it_makes() -> None:
    made = found(conv("a"), conv("b", 24), conv("c", 4))
    assert [step / UNIT for step in made.course] == [2, 4, 3.5]
    assert (made.bytes, made.path) == (4 * UNIT, ("b",))
    assert [(one.path, one.shape) for one in made.alive] == [
        (("a",), (8, 4, 4)),
        (("b",), (24, 4, 4)),
    ]
    assert sum(one.bytes for one in made.alive) == made.bytes


def test_the_image_counts_while_it_is_read() -> None:
    made = found(conv("a"))
    assert [one.path for one in made.alive] == [(), ("a",)]


def test_the_first_of_equal_peaks_is_told() -> None:
    assert found(conv("a"), conv("b")).path == ("a",)


def test_a_shortcut_keeps_its_input_through_the_branch() -> None:
    identity = Residual((conv("b", 16), conv("c")), (), name="sum")
    assert course(conv("a"), identity) == [2, 3, 4, 3]
    plain = Residual((conv("b", 16), conv("c")), (), when=False, name="sum")
    assert course(conv("a"), plain) == [2, 3, 3]


def test_a_projection_is_computed_first_and_frees_nothing() -> None:
    made = found(Residual((conv("b"), conv("c", 16)), (conv("p", 16),), name="sum"))
    assert [step / UNIT for step in made.course] == [3, 4, 5, 6]
    assert made.path == ("sum",)
    assert [one.path for one in made.alive] == [("p",), ("c",), ("sum",)]


def test_what_comes_before_a_branch_is_freed_with_its_last_reader() -> None:
    residual = Residual((conv("b"), conv("c")), (), pre=(relu("pre"),), name="sum")
    assert course(residual) == [2, 3, 3, 3]


def test_branches_wait_for_each_other_and_for_their_concatenation() -> None:
    branches = (Branch((conv("b"),)), Branch((conv("c", 16), conv("d"))))
    join = Join(JoinKind.CONCAT, branches, "both")
    # b: image + b; c: image + b + c; d: b + c + d; the join: b + d and 2 of its own
    assert course(join) == [2, 4, 4, 4]


def test_shares_of_a_split_stand_in_the_value_that_is_split() -> None:
    branches = (Branch((relu("b"),)), Branch(()))
    join = Join(JoinKind.CONCAT, branches, "both", split=True)
    assert course(join) == [1.5, 2.5]  # the image whole, half of it anew; then both and the join


def test_a_gate_is_as_small_as_it_is() -> None:
    gate = Branch((Layer(ops.GlobalAvgPool(keepdims=True), "pool"),))
    join = Join(JoinKind.MULTIPLY, (Branch(()), gate), "product")
    small = 1 / 16
    assert course(join) == [1 + small, 2 + small]


@pytest.mark.parametrize("op", [ops.Dropout(0.5), ops.StochasticDepth(0.5)])
def test_what_passes_its_input_on_makes_nothing(op: ops.Op) -> None:
    assert course(conv("a"), Layer(op, "drop"), conv("b")) == [2, 1, 2]
    assert course(Layer(op, "drop")) == [1]


def test_an_earlier_value_lives_until_it_is_taken_again() -> None:
    later = Join(JoinKind.CONCAT, (Branch(()), Branch((From("a"),))), "both")
    assert course(conv("a"), conv("b"), conv("c"), later) == [2, 2, 3, 4]


def test_what_is_returned_lives_to_the_end() -> None:
    nodes = (conv("a"), conv("b"), conv("c"))
    assert course(*nodes) == [2, 2, 2]
    assert course(*nodes, outputs=("a", "c")) == [2, 2, 3]


def test_a_group_has_its_path() -> None:
    made = found(Group((conv("a", 16), conv("b")), "group"))
    assert made.path == ("group", "a")


def test_a_network_without_a_step_holds_its_image() -> None:
    assert found() == Peak(UNIT, (), found().alive, ())


@pytest.mark.parametrize("name", ["resnet34", "googlenet_aux", "densenet121", "unet"])
def test_the_course_has_a_number_for_each_row_of_the_layer_view(name: str) -> None:
    elaborated = open_spec(name).analysis.elaborated
    assert len(peak(elaborated).course) == sum(1 for _ in Rows(elaborated).by_layer())


def test_resnet34_peaks_in_its_stem() -> None:
    """A map of 64 x 112 x 112, and its normalisation: every later sum holds less."""
    made = peak(open_spec("resnet34").analysis.elaborated)
    assert (made.bytes, made.path) == (2 * 4 * 64 * 112 * 112, ("bn1",))


def test_a_report_tells_the_peak_as_data() -> None:
    data = json.loads(open_spec("resnet34").report("network").json())
    assert data["peak"] == {
        "peak_bytes": 6_422_528,
        "step": "bn1",
        "alive": [
            {"step": "conv1", "shape": [64, 112, 112]},
            {"step": "bn1", "shape": [64, 112, 112]},
        ],
    }
    assert "alive at once" in data["convention"]["peak_bytes"]
