"""Costs and receptive fields, on networks small enough to count by hand, and against facts."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from rescompile.analysis.cost import MACS, Cost, Costs, macs, network_cost
from rescompile.analysis.field import FIELDS, Field, Fields
from rescompile.analysis.report import report
from rescompile.ir import ops
from rescompile.ir.elaborate import elaborate
from rescompile.ir.expr import Var
from rescompile.ir.ops import OPS, Conv, GlobalAvgPool, Linear, Relu, Shape, Sigmoid
from rescompile.ir.structure import (
    Block,
    Branch,
    Call,
    Form,
    Join,
    JoinKind,
    Layer,
    Network,
    Node,
    Param,
    Residual,
    Stage,
    Where,
)
from rescompile.ir.trace import Elaborated
from rescompile.lower import lower
from rescompile.spec.load import find, load, zoo

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "costs.json").read_text())["networks"]


def stages(block: str, *repeats: int, first: int = 64) -> str:
    lines = [
        f"  - {{name: layer{i + 1}, block: {block}, repeat: {repeat}, channels: {first << i}"
        f"{', stride: 2' if i else ''}}}"
        for i, repeat in enumerate(repeats)
    ]
    return "\n".join(["stages:", *lines, ""])


CIFAR = """\
input: {height: 32, width: 32}
classes: 10
shortcut: pad
stem:
  - conv: {channels: 16, kernel: 3}
  - norm: {}
  - activation: {}
"""
VARIANTS = {
    "plain34": "shortcut: none",
    "plain18": "shortcut: none\n" + stages("basic_block", 2, 2, 2, 2),
    "resnet18_B": stages("basic_block", 2, 2, 2, 2),
    "resnet34_A": "shortcut: pad",
    "resnet34_B": "shortcut: projection",
    "resnet34_C": "shortcut: projection_always",
    "resnet50_v1": stages("bottleneck", 3, 4, 6, 3),
    "resnet152_v1": stages("bottleneck", 3, 8, 36, 3),
    "cifar_resnet20": CIFAR + stages("basic_block", 3, 3, 3, first=16),
    "cifar_resnet110": CIFAR + stages("basic_block", 18, 18, 18, first=16),
    "cifar_resnet1202": CIFAR + stages("basic_block", 200, 200, 200, first=16),
}
CONV3 = Conv(8, (3, 3), (1, 1), (1, 1, 1, 1))
CONV1 = Conv(8, (1, 1))


def made(*nodes: Node, x: Shape = (8, 16, 16), **blocks: Block) -> Elaborated:
    return elaborate(Network("net", x, (Stage("all", nodes),), blocks))


def layer(op: ops.Op, name: str) -> Layer:
    return Layer(op, name)


def cost(*nodes: Node, x: Shape = (8, 16, 16), **blocks: Block) -> Cost:
    return network_cost(made(*nodes, x=x, **blocks))


def field(*nodes: Node, x: Shape = (8, 16, 16)) -> Field:
    return Fields().total(made(*nodes, x=x).root.items)


def gate(name: str) -> Branch:
    body = (
        layer(GlobalAvgPool(keepdims=True), f"{name}_pool"),
        layer(CONV1, f"{name}_conv"),
        layer(Sigmoid(), f"{name}_sigmoid"),
    )
    return Branch(body)


def variant(fact: str, folder: Path) -> Elaborated:
    """A relative of the shipped ResNet-34."""
    path = folder / "variant.yaml"
    path.write_text(f"rescompile: 1\nname: variant\nextends: resnet34\n{VARIANTS[fact]}")
    return elaborate(lower(load(path)))


def agrees(elaborated: Elaborated, name: str) -> None:
    total, fact = network_cost(elaborated), FACTS[name]
    found = {
        "input": list(elaborated.network.input),
        "parameters": total.parameters,
        "macs": total.macs,
        "conv_macs": total.conv_macs,
        "layers": total.layers,
    }
    assert {key: found[key] for key in fact} == fact, name


@pytest.mark.parametrize("table", [MACS, FIELDS], ids=["macs", "fields"])
def test_tables_are_complete(table: dict[type[ops.Op], object]) -> None:
    assert set(table) == set(OPS)


def test_convolution_by_hand() -> None:
    conv = Conv(12, (3, 5), (2, 1), (1, 1, 2, 2), groups=4, bias=True)
    found = cost(layer(conv, "conv"))
    out = 12 * 8 * 16
    assert found == Cost(
        parameters=12 * (8 // 4) * 3 * 5 + 12,
        conv_macs=out * (8 // 4) * 3 * 5,
        activation_bytes=4 * out,
        layers=1,
        weighted_layers=1,
    )
    assert found.flops == 2 * found.macs == 2 * found.conv_macs


def test_linear_by_hand() -> None:
    found = cost(layer(Linear(10), "fc"), x=(7,))
    assert (found.parameters, found.linear_macs, found.conv_macs) == (80, 70, 0)
    assert (found.macs, found.activation_bytes, found.weights_bytes) == (70, 40, 320)


def test_running_statistics_are_not_trainable() -> None:
    found = cost(layer(ops.BatchNorm(), "norm"))
    assert (found.parameters, found.other_parameters, found.weights_bytes) == (16, 16, 128)
    assert (found.macs, found.weighted_layers) == (0, 0)


def test_every_other_operation_is_free() -> None:
    for op in set(OPS) - {Conv, Linear}:
        assert MACS[op](None, (8, 4, 4), (8, 4, 4)) == 0
    assert macs(Relu(), (8, 4, 4), (8, 4, 4)) == 0


def test_residual_counts_its_shortcut_but_not_as_depth() -> None:
    branch = (layer(CONV3, "a"), layer(CONV3, "b"))
    one = Conv(8, (1, 1)).parameters((8, 16, 16))[0].shape
    found = cost(Residual(branch, (layer(CONV1, "project"),), Where.ALWAYS, name="add"))
    assert found.parameters == 2 * 8 * 8 * 9 + one[0] * one[1]
    assert (found.layers, found.weighted_layers) == (2, 3)
    assert found.activation_bytes == 4 * 4 * 8 * 16 * 16


def test_an_addition_that_is_switched_off_makes_nothing() -> None:
    branch = (layer(CONV3, "a"),)
    assert cost(Residual(branch, (), when=False)) == cost(*branch)
    added = cost(Residual(branch, ()))
    assert added.activation_bytes == 2 * cost(*branch).activation_bytes


def test_depth_is_the_longest_branch_without_gates() -> None:
    long = Branch((layer(CONV3, "a"), layer(CONV3, "b")))
    short = Branch((layer(CONV1, "c"),))
    found = cost(Join(JoinKind.CONCAT, (short, long), "concat"))
    assert (found.layers, found.weighted_layers) == (2, 3)
    assert found.activation_bytes == 4 * (3 * 8 + 16) * 16 * 16
    squeeze = Join(JoinKind.MULTIPLY, (Branch(()), gate("g")), "multiply")
    assert (cost(squeeze).layers, cost(squeeze).weighted_layers) == (0, 1)
    gated = Join(JoinKind.MULTIPLY, (long, gate("g")), "multiply")
    assert (cost(gated).layers, cost(gated).weighted_layers) == (2, 3)
    product = Join(JoinKind.MULTIPLY, (long, short), "multiply")
    assert (cost(product).layers, cost(product).weighted_layers) == (2, 3)


def test_costs_add_up_over_repeats() -> None:
    body = (layer(Conv(Var("channels"), (3, 3), (1, 1), (1, 1, 1, 1)), "conv"),)
    block = Block("unit", Form.MODULE, body, (Param("channels"),))
    call = Call("unit", (("channels", 8),), "units", repeat=1000)
    found = made(call, unit=block)
    costs = Costs()
    total = costs.total(found.root.items)
    assert total == sum([cost(layer(CONV3, "conv"))] * 1000, Cost())
    assert len(costs._known) == len(found.instances["unit"]) == 1


def test_windows_dilation_and_strides_widen_the_field() -> None:
    dilated = Conv(8, (3, 3), dilation=(2, 2))
    found = field(
        layer(CONV3, "a"), layer(ops.MaxPool((2, 2), (2, 2)), "pool"), layer(dilated, "b")
    )
    assert (found.size, found.stride) == ((1 + 2 + 1 + 2 * 4, 12), (2, 2))
    tall = field(layer(Conv(8, (3, 1), (2, 1)), "a"), layer(Conv(8, (3, 3)), "b"))
    assert (tall.size, tall.stride) == ((3 + 4, 3), (2, 1))


def test_upsampling_divides_the_jump() -> None:
    up = layer(ops.Upsample(2), "up")
    assert field(up).jump == (Fraction(1, 2), Fraction(1, 2))
    assert field(up, layer(CONV3, "a")).size == (2, 2)
    assert field(layer(ops.Upsample(2, ops.Resampling.BILINEAR), "up")).size == (2, 2)


def test_a_join_sees_what_its_widest_branch_sees() -> None:
    wide = Branch((layer(CONV3, "a"), layer(CONV3, "b")))
    join = Join(JoinKind.CONCAT, (Branch((layer(CONV1, "c"),)), wide), "concat")
    assert field(layer(ops.AvgPool((2, 2), (2, 2)), "pool"), join).size == (10, 10)
    squeeze = Join(JoinKind.MULTIPLY, (Branch(()), gate("g")), "multiply")
    assert field(squeeze).size is None


@pytest.mark.parametrize(("tap_pre", "size"), [(True, 11), (False, 9)])
def test_a_shortcut_starts_where_it_is_tapped(tap_pre: bool, size: int) -> None:
    shortcut = (layer(Conv(8, (9, 9), padding=(4, 4, 4, 4)), "wide"),)
    node = Residual((layer(CONV3, "b"),), shortcut, pre=(layer(CONV3, "a"),), tap_pre=tap_pre)
    assert field(node).size == (size, size)


def test_the_whole_image() -> None:
    assert field(layer(GlobalAvgPool(), "pool")).size is None
    flat = (layer(CONV3, "a"), layer(ops.Flatten(), "flatten"))
    assert field(*flat).size == (3, 3)
    assert field(*flat, layer(Linear(2), "fc")).size is None


def test_deeply_nested_joins_are_walked_once() -> None:
    """Walked once for each branch above them they would take 2 ** 60 steps."""
    node: Node = layer(CONV3, "a")
    for i in range(60):
        node = Join(JoinKind.ADD, (Branch((node,)), Branch(())), f"add{i}")
    found = made(node)
    assert len(report(found, "layer").rows) == 61
    assert network_cost(found).layers == 1


def test_published_figures_of_the_zoo() -> None:
    # Where the facts say "resnet50" they mean torchvision's; CIFAR networks are named after it.
    other = {
        "resnet50": "resnet50_v1",
        "resnet50_v1_5": "resnet50_v1.5",
        "resnet20_cifar": "cifar_resnet20",
        "resnet56_cifar": "cifar_resnet56",
    }
    facts = {name: other.get(name, name) for name in zoo()}
    known = [name for name, fact in facts.items() if fact in FACTS]
    assert len(known) >= 14
    for name in known:
        agrees(elaborate(lower(load(find(name)))), facts[name])


@pytest.mark.parametrize("fact", VARIANTS)
def test_published_figures_of_variants(fact: str, tmp_path: Path) -> None:
    agrees(variant(fact, tmp_path), fact)


def test_depth_is_cheap(tmp_path: Path) -> None:
    """A 1202-layer network costs one pass over its repetitions, not over its layers."""
    found = variant("cifar_resnet1202", tmp_path)
    costs = Costs()
    costs.total(found.root.items)
    assert len(costs._known) == 5
