"""Lowering: what steps, joins, shortcuts and blocks become in the IR."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rescompile.errors import SpecError
from rescompile.expr.dims import text
from rescompile.ir.elaborate import elaborate
from rescompile.ir.nodes import Call, Group, Join, Layer, Node, Residual, Where
from rescompile.ir.structure import Form, Network
from rescompile.language.load import load
from rescompile.lower import lower
from rescompile.ops import AvgPool, Conv, LeakyRelu, PadChannels, Relu, Same

Write = Callable[..., Path]
Lower = Callable[[str], Network]
RESIDUAL = """
blocks:
  unit:
    parameters: {channels: {type: int}, stride: {default: 1}}
    body:
      - residual:
          preactivation: [{norm: {}}]
          branch: [{conv: {channels: $channels, kernel: 3, stride: $stride}}]
          shortcut: SHORTCUT
stages:
  - {name: layer1, block: unit, repeat: 2, channels: 8, stride: 2}
"""


@pytest.fixture
def lowered(write: Write) -> Lower:
    return lambda text: lower(load(write(text)))


def conv(node: Node) -> Conv:
    assert isinstance(node, Layer)
    assert isinstance(node.op, Conv)
    return node.op


def residual(network: Network) -> Residual:
    (node,) = network.blocks["unit"].body
    assert isinstance(node, Residual)
    return node


@pytest.mark.parametrize(
    ("options", "padding"),
    [
        ("kernel: 3", (1, 1, 1, 1)),
        ("kernel: 7, stride: 2", (3, 3, 3, 3)),
        ("kernel: 3, dilation: 2", (2, 2, 2, 2)),
        ("kernel: 4", (1, 1, 1, 1)),
        ("kernel: [1, 7]", (0, 0, 3, 3)),
        ("kernel: 3, padding: 0", (0, 0, 0, 0)),
        ("kernel: 3, padding: [1, 2]", (1, 1, 2, 2)),
        ("kernel: 3, padding: [0, 1, 2, 3]", (0, 1, 2, 3)),
        ("kernel: 3, padding: same", Same.SAME),
    ],
)
def test_padding(lowered: Lower, options: str, padding: object) -> None:
    network = lowered(f"stages:\n  - conv: {{channels: 8, {options}}}\n")
    assert conv(network.body[0]).padding == padding


def test_defaults_are_filled_in(lowered: Lower) -> None:
    defaults = "{bias: true, padding: none, activation: {kind: leaky_relu, slope: 0.2}}"
    steps = "  - conv: {channels: 8, kernel: 3}\n  - activation: {}\n"
    first, second = lowered(f"defaults: {defaults}\nstages:\n{steps}").body
    assert conv(first).bias
    assert conv(first).padding == (0, 0, 0, 0)
    assert isinstance(second, Layer)
    assert second.op == LeakyRelu(0.2)


def test_automatic_names(lowered: Lower) -> None:
    steps = [
        "conv: {channels: 8, kernel: 3}",
        "activation: {}",
        "conv: {channels: 8, kernel: 3}\n    name: conv1",
        "conv: {channels: 8, kernel: 3}",
        "global_avg_pool: {}",
    ]
    network = lowered("stages:\n" + "".join(f"  - {step}\n" for step in steps))
    found = [node.name for node in network.body if isinstance(node, Layer)]
    assert found == ["conv2", "relu", "conv1", "conv3", "avgpool"]


def test_expressions_stay_symbolic(lowered: Lower) -> None:
    block = "{parameters: {c: {}}, body: [{conv: {channels: $c * 4, kernel: 3}}]}"
    network = lowered(f"blocks: {{unit: {block}}}\nstages: [{{name: x, block: unit, c: 2}}]\n")
    assert text(conv(network.blocks["unit"].body[0]).channels) == "$c * 4"


def test_a_join_in_a_group_becomes_a_block(lowered: Lower) -> None:
    network = lowered(
        """
stages:
  - name: features
    group:
      - conv: {channels: 8, kernel: 3}
      - concat: [[], [{conv: {channels: 4, kernel: 3}}]]
"""
    )
    (group,) = network.body
    assert isinstance(group, Group)
    call = group.body[1]
    assert isinstance(call, Call)
    block = network.blocks[call.block]
    assert (call.block, block.form) == ("mine_concat", Form.MODULE)
    assert isinstance(block.body[0], Join)
    assert elaborate(network).output == (12, 32, 32)


def test_words_make_variants_of_a_block(lowered: Lower) -> None:
    network = lowered(
        """
blocks:
  unit: {parameters: {act: {type: str, default: relu}}, sequence: [{activation: {kind: $act}}]}
stages:
  - {name: a, block: unit}
  - {name: b, block: unit, act: silu}
  - {name: c, block: unit, act: relu}
"""
    )
    calls = [node.block for node in network.body if isinstance(node, Call)]
    assert calls == ["unit", "unit_silu", "unit"]
    assert network.blocks["unit"].body[0] == Layer(Relu())


@pytest.mark.parametrize(
    ("own", "code"),
    [("parameters: {act: {type: int, default: 4}}", "E207"), ("let: {act: $in_channels}", "E207")],
)
def test_a_word_of_the_network_is_hidden_by_a_number_of_the_block(
    lowered: Lower, own: str, code: str
) -> None:
    steps = "[{conv: {channels: $act, kernel: 1}}, {activation: {kind: $act}}]"
    with pytest.raises(SpecError) as wrong:
        lowered(
            f"""
parameters: {{act: relu}}
blocks:
  unit:
    {own}
    sequence: {steps}
stages: [{{name: a, block: unit}}, {{activation: {{kind: $act}}}}]
"""
        )
    assert [one.code for one in wrong.value.diagnostics] == [code]


def test_projection_is_symbolic_and_conditional(lowered: Lower) -> None:
    node = residual(lowered(RESIDUAL.replace("SHORTCUT", "projection")))
    assert node.where is Where.SHAPE_CHANGES
    (group,) = node.shortcut
    assert isinstance(group, Group)
    assert group.name == "shortcut"
    projection = conv(group.body[0])
    assert text(projection.channels) == "$channels"
    assert projection.kernel == (1, 1)
    assert [text(stride) for stride in projection.stride] == ["$stride", "$stride"]


@pytest.mark.parametrize(
    ("shortcut", "where", "words"),
    [
        ("projection_always", Where.ALWAYS, ["conv", "batch_norm"]),
        ("avg_projection", Where.SHAPE_CHANGES, ["avg_pool", "conv", "batch_norm"]),
        ("{kind: projection, norm: false}", Where.SHAPE_CHANGES, ["conv"]),
        ("pad", Where.SHAPE_CHANGES, ["avg_pool", "pad_channels"]),
        ("identity", Where.ALWAYS, []),
    ],
)
def test_shortcuts(lowered: Lower, shortcut: str, where: Where, words: list[str]) -> None:
    node = residual(lowered(RESIDUAL.replace("SHORTCUT", shortcut)))
    found = [
        layer.op.word
        for group in node.shortcut
        if isinstance(group, Group)
        for layer in group.body
        if isinstance(layer, Layer)
    ]
    assert (node.where, found) == (where, words)


def test_without_a_shortcut_the_steps_stand_alone(lowered: Lower) -> None:
    body = lowered(RESIDUAL.replace("SHORTCUT", "none")).blocks["unit"].body
    assert all(isinstance(node, Layer) for node in body)


def test_option_a_pads_on_both_sides_or_after(lowered: Lower) -> None:
    for shortcut, before in (("pad", "$extra_channels // 2"), ("{kind: pad, pad: after}", "0")):
        network = lowered(RESIDUAL.replace("SHORTCUT", shortcut))
        (group,) = residual(network).shortcut
        assert isinstance(group, Group)
        pool, pad = group.body
        assert isinstance(pool, Layer)
        assert isinstance(pool.op, AvgPool)
        assert pool.op.kernel == (1, 1)
        assert isinstance(pad, Layer)
        assert isinstance(pad.op, PadChannels)
        assert text(pad.op.before) == before
        ((name, extra),) = network.blocks["unit"].lets
        assert (name, text(extra)) == ("extra_channels", "$channels - $in_channels")


def test_the_tap_is_the_input_unless_said(lowered: Lower) -> None:
    plain = RESIDUAL.replace("SHORTCUT", "projection")
    tap = "shortcut: projection\n          tap: preactivation"
    tapped = plain.replace("shortcut: projection", tap)
    assert not residual(lowered(plain)).tap_pre
    assert residual(lowered(tapped)).tap_pre
