"""Costs and receptive fields, on networks small enough to count by hand, and against facts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from rescompile import ops
from rescompile.cost.cost import Cost, Costs, network_cost
from rescompile.cost.receptive_field import ReceptiveField, ReceptiveFields
from rescompile.cost.report import report
from rescompile.expr.dims import Var
from rescompile.ir.elaborate import elaborate
from rescompile.ir.nodes import Branch, Call, Join, JoinKind, Layer, Node, Residual, Where
from rescompile.ir.structure import Block, Form, Network, Param, Stage
from rescompile.ir.trace import Elaborated
from rescompile.language.load import find, load, zoo
from rescompile.lower import lower
from rescompile.ops import OPS, Conv, GlobalAvgPool, Linear, Relu, Shape, Sigmoid

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "costs.json").read_text())["networks"]


# Facts have names of their own: options in capitals, v1 for the paper's bottleneck, CIFAR first.
RENAMED = (
    (r"(?:resnet|plain)(\d+)_cifar", r"cifar_resnet\1"),
    (r"(resnet(?:50|101|152))", r"\1_v1"),
    (r"(resnet\d+)_v1_5", r"\1_v1.5"),
    (r"resnet34_a", "resnet34_A"),
    (r"resnet34_c", "resnet34_C"),
)
# Of what the facts tell, the relatives of a shipped network that are not shipped themselves.
VARIANTS = {"resnet18_A": "pad", "resnet18_C": "projection_always"}
CONV3 = Conv(8, (3, 3), (1, 1), (1, 1, 1, 1))
CONV1 = Conv(8, (1, 1))


def made(*nodes: Node, x: Shape = (8, 16, 16), **blocks: Block) -> Elaborated:
    return elaborate(Network("net", {"input": x}, (Stage("all", nodes),), blocks))


def layer(op: ops.Op, name: str) -> Layer:
    return Layer(op, name)


def cost(*nodes: Node, x: Shape = (8, 16, 16), **blocks: Block) -> Cost:
    return network_cost(made(*nodes, x=x, **blocks))


def field(*nodes: Node, x: Shape = (8, 16, 16)) -> ReceptiveField:
    return ReceptiveFields().total(made(*nodes, x=x).root.items)


def gate(name: str) -> Branch:
    body = (
        layer(GlobalAvgPool(keepdims=True), f"{name}_pool"),
        layer(CONV1, f"{name}_conv"),
        layer(Sigmoid(), f"{name}_sigmoid"),
    )
    return Branch(body)


def fact_of(name: str) -> str:
    """What the facts call a network of the zoo."""
    for pattern, fact in RENAMED:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, fact, name)
    return name


def shipped(name: str) -> Elaborated:
    return elaborate(lower(load(find(name))))


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


def test_transposed_convolution_by_hand() -> None:
    up = ops.ConvTranspose(12, (3, 2), (2, 2), (1, 0), (1, 0), groups=4, bias=True)
    found = cost(layer(up, "up"), x=(8, 5, 6))
    assert found.parameters == 8 * (12 // 4) * 3 * 2 + 12
    assert found.conv_macs == 8 * 5 * 6 * (12 // 4) * 3 * 2  # each input pixel meets each weight
    assert found.activation_bytes == 4 * 12 * 10 * 12
    assert (found.layers, found.linear_macs) == (1, 0)


def test_a_convolution_over_channels_by_hand() -> None:
    found = cost(layer(ops.ChannelConv(5, bias=True), "eca"), x=(64, 1, 1))
    assert (found.parameters, found.conv_macs, found.layers) == (6, 64 * 5, 1)


def test_a_pool_by_attention_multiplies_a_matrix_by_the_weights_of_positions() -> None:
    found = cost(layer(ops.GlobalAttentionPool(), "pool"), x=(9, 5, 6))
    assert (found.parameters, found.macs, found.layers) == (0, 8 * 5 * 6, 0)


def test_linear_by_hand() -> None:
    found = cost(layer(Linear(10), "fc"), x=(7,))
    assert (found.parameters, found.linear_macs, found.conv_macs) == (80, 70, 0)
    assert (found.macs, found.activation_bytes, found.weights_bytes) == (70, 40, 320)


def test_running_statistics_are_not_trainable() -> None:
    found = cost(layer(ops.BatchNorm(), "norm"))
    assert (found.parameters, found.other_parameters, found.weights_bytes) == (16, 16, 128)
    assert (found.macs, found.weighted_layers) == (0, 0)


def test_every_other_operation_is_free() -> None:
    layers = {Conv, ops.StdConv, ops.ConvTranspose, ops.ChannelConv, Linear}
    for op in set(OPS) - {*layers, ops.GlobalAttentionPool}:
        assert op.macs is ops.Op.macs
    assert Relu().macs((8, 4, 4), (8, 4, 4)) == 0


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


def test_a_gate_is_no_depth_however_deep_it_is() -> None:
    deep = Branch((layer(CONV3, "x"), layer(CONV3, "y"), *gate("g").body))  # to 8 x 1 x 1
    short = Branch((layer(CONV1, "c"),))
    for branches in ((deep, short), (short, deep)):
        found = cost(Join(JoinKind.MULTIPLY, branches, "multiply"))
        assert (found.layers, found.weighted_layers) == (1, 4)
    attention = Branch((layer(CONV3, "x"), layer(Sigmoid(), "s")))  # a gate of the map's own size
    for branches in ((attention, Branch(())), (Branch(()), attention)):
        found = cost(Join(JoinKind.MULTIPLY, branches, "multiply"))
        assert (found.layers, found.weighted_layers) == (0, 1)
    added = cost(Join(JoinKind.ADD, (attention, Branch(())), "add"))
    assert (added.layers, added.weighted_layers) == (1, 1)


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
    assert field(up).stride == (0.5, 0.5)
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


@pytest.mark.parametrize("name", [name for name in zoo() if fact_of(name) in FACTS])
def test_published_figures_of_the_zoo(name: str) -> None:
    agrees(shipped(name), fact_of(name))


def test_the_networks_of_the_resnet_paper_have_facts() -> None:
    pattern = r"cifar_|plain|alexnet|vgg1\d$|resnet(18|34)$|resnet34_[AC]|resnet\d+_v1"
    family = {fact for fact in FACTS if re.match(pattern, fact)}
    assert len(family) == 21
    assert family <= {fact_of(name) for name in zoo()}


@pytest.mark.parametrize(("fact", "shortcut"), VARIANTS.items())
def test_published_figures_of_variants(fact: str, shortcut: str, tmp_path: Path) -> None:
    path = tmp_path / "variant.yaml"
    path.write_text(f"rescompile: 1\nname: variant\nextends: resnet18\nshortcut: {shortcut}\n")
    agrees(elaborate(lower(load(path))), fact)


def test_depth_is_cheap() -> None:
    """A 1202-layer network costs one pass over its repetitions, not over its layers."""
    found = shipped("resnet1202_cifar")
    costs = Costs()
    costs.total(found.root.items)
    assert len(costs._known) == 5
