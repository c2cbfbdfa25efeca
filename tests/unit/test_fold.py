"""Folding: what never varies becomes a constant, what is never used disappears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.expr.dims import Var, text
from rescompile.ir.elaborate import elaborate
from rescompile.ir.fold import fold
from rescompile.ir.nodes import Call, Layer, Residual, Where
from rescompile.ir.structure import Block, Param
from rescompile.ir.trace import Elaborated
from rescompile.ir.walk import walk
from rescompile.language.load import find, load
from rescompile.lower import lower
from rescompile.ops import Conv
from rescompile.registry import backend_names

Write = Callable[..., Path]
BLOCK = """
blocks:
  unit:
    parameters:
      channels: {type: int}
      stride: {default: 1}
      act: {type: bool, default: true}
    body:
      - conv: {channels: $channels, kernel: 3, stride: $stride}
      - activation: {}
        when: $act
stages:
"""
RESIDUAL = """
blocks:
  unit:
    parameters: {channels: {type: int}, stride: {default: 1}}
    body:
      - residual:
          branch: [{conv: {channels: $channels, kernel: 3, stride: $stride}}]
          shortcut: projection
stages:
"""


def folded(write: Write, text: str) -> Elaborated:
    return fold(elaborate(lower(load(write(text)))))


def unit(write: Write, text: str) -> Block:
    return folded(write, text).network.blocks["unit"]


def layers(block: Block) -> list[str]:
    return [node.op.word for node in block.body if isinstance(node, Layer)]


def test_a_parameter_of_one_value_becomes_a_constant(write: Write) -> None:
    calls = "  - {name: a, block: unit, channels: 8}\n  - {name: b, block: unit, channels: 16}\n"
    block = unit(write, BLOCK + calls)
    conv = block.body[0]
    assert isinstance(conv, Layer)
    assert isinstance(conv.op, Conv)
    assert [p.name for p in block.parameters] == ["channels"]
    assert conv.op.stride == (1, 1)
    assert conv.op.channels == Var("channels")


def test_arguments_follow_the_parameters(write: Write) -> None:
    calls = "  - {name: a, block: unit, channels: 8}\n  - {name: b, block: unit, channels: 16}\n"
    body = folded(write, BLOCK + calls).network.body
    assert [node.args for node in body if isinstance(node, Call)] == [
        (("channels", 8),),
        (("channels", 16),),
    ]


@pytest.mark.parametrize(("act", "words"), [("true", ["conv", "relu"]), ("false", ["conv"])])
def test_a_condition_that_never_varies_disappears(write: Write, act: str, words: list[str]) -> None:
    block = unit(write, BLOCK + f"  - {{name: a, block: unit, channels: 8, act: {act}}}\n")
    assert layers(block) == words
    assert block.parameters == ()


def test_a_condition_that_varies_stays(write: Write) -> None:
    calls = "  - {name: a, block: unit, channels: 8}\n"
    calls += "  - {name: b, block: unit, channels: 8, act: false}\n"
    block = unit(write, BLOCK + calls)
    activation = block.body[1]
    assert isinstance(activation, Layer)
    assert activation.when == Var("act")
    assert [p.name for p in block.parameters] == ["act"]


def test_an_unused_parameter_is_dropped_even_if_it_varies(write: Write) -> None:
    calls = "  - {name: a, block: unit, channels: 8}\n  - {name: b, block: unit, channels: 16}\n"
    network = lower(load(write(BLOCK + calls)))
    unit = network.blocks["unit"]
    stages = []
    for i, stage in enumerate(network.stages):
        (call,) = stage.body
        assert isinstance(call, Call)
        stages.append(replace(stage, body=(replace(call, args=(*call.args, ("idle", i))),)))
    idle = replace(unit, parameters=(*unit.parameters, Param("idle", int, 0)))
    made = fold(elaborate(replace(network, stages=tuple(stages), blocks={"unit": idle})))
    assert [p.name for p in made.network.blocks["unit"].parameters] == ["channels"]


@pytest.mark.parametrize(
    ("calls", "kind", "where", "own"),
    [
        (["channels: 3"], "identity", Where.ALWAYS, False),
        (["channels: 8"], "projection", Where.ALWAYS, True),
        (["channels: 8", "channels: 8"], "projection", Where.SHAPE_CHANGES, True),
    ],
)
def test_a_shortcut_that_is_decided_loses_its_condition(
    write: Write, calls: list[str], kind: str, where: Where, own: bool
) -> None:
    lines = [f"  - {{name: x{i}, block: unit, {call}}}\n" for i, call in enumerate(calls)]
    (node,) = unit(write, RESIDUAL + "".join(lines)).body
    assert isinstance(node, Residual)
    assert (node.kind, node.where, bool(node.shortcut)) == (kind, where, own)


def test_blocks_that_nobody_calls_are_dropped(write: Write) -> None:
    assert folded(write, BLOCK + "  - activation: {}\n").network.blocks == {}


@pytest.mark.parametrize("name", ["resnet34", "resnet20_cifar", "densenet121", "mobilenet_v2"])
def test_folding_changes_no_operation(name: str) -> None:
    network = lower(load(find(name)))
    before = [(path, trace.op, trace.x, trace.y) for path, trace in elaborate(network).flat()]
    after = [(path, trace.op, trace.x, trace.y) for path, trace in fold(elaborate(network)).flat()]
    assert before == after


def test_an_expression_over_a_constant_is_folded(write: Write) -> None:
    source = BLOCK.replace("$channels, kernel", "$channels * 2 + $stride, kernel")
    calls = "  - {name: a, block: unit, channels: 8}\n  - {name: b, block: unit, channels: 16}\n"
    conv = unit(write, source + calls).body[0]
    assert isinstance(conv, Layer)
    assert isinstance(conv.op, Conv)
    assert text(conv.op.channels) == "$channels * 2 + 1"


FIRST = """
blocks:
  unit:
    parameters: {channels: {type: int}, more: {type: int, default: 5, once: true}}
    body: [{conv: {channels: $channels + $more, kernel: 1}, name: conv}]
stages:
  - {name: a, block: unit, channels: 2, more: $index + 3, repeat: 3}
  - {name: b, block: unit, channels: $index + 1, more: $index, repeat: 3}
"""


@pytest.mark.parametrize("backend", backend_names())
def test_what_only_the_first_repetition_gets_does_not_count_up(write: Write, backend: str) -> None:
    net = open_spec(write(FIRST))
    calls = [node for node in walk(net.analysis.network.body) if isinstance(node, Call)]
    assert [dict(call.args)["more"] for call in calls] == [3, 0]
    assert net.source(backend)


ONE_TURN = """
blocks:
  again:
    parameters: {times: {type: int}}
    body:
      - {name: first, conv: {channels: 4, kernel: 1}}
      - {name: second, reuse: first, repeat: $times}
stages:
  - {conv: {channels: 4, kernel: 1}}
  - {name: called, block: unit, channels: 8 * 2 ** $index, repeat: 1}
  - name: loop
    group:
      - repeat: 1
        steps:
          - {conv: {channels: 4 + $index, kernel: 1}}
          - {activation: {}, when: $index > 0}
          - {repeat: 2, steps: [{conv: {channels: 5 - $index, kernel: 1}}]}
  - {name: once, block: again, times: 1}
"""


@pytest.mark.parametrize("backend", backend_names())
def test_one_turn_is_no_loop(write: Write, backend: str) -> None:
    spec = BLOCK.replace("stages:\n", ONE_TURN.replace("\nblocks:\n", ""))
    source = open_spec(write(spec)).source(backend)
    assert "range(1)" not in source
    assert source.count("range(2)") == 1


def test_steps_that_stand_once_are_no_repetition(write: Write) -> None:
    """Nobody writes a loop of one turn, whose number is 0."""
    text = (
        "blocks:\n  unit:\n    parameters: {{turns: {{type: int}}}}\n    sequence:\n"
        "      - repeat: $turns\n        steps: [{{conv: {{channels: {channels}, kernel: 1}}}}]\n"
        "stages:\n  - {{name: a, block: unit, turns: {turns}}}\n"
    )
    assert layers(unit(write, text.format(channels=8, turns=1))) == ["conv"]
    assert layers(unit(write, text.format(channels=8, turns=2))) == []
    assert layers(unit(write, text.format(channels="8 + $index", turns=1))) == ["conv"]
