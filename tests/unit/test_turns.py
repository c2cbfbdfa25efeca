"""Steps that repeat where they have names: what each turn is called, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from rescompile.api import Architecture, open_spec
from rescompile.errors import SpecError
from rescompile.reference.weights import parameters

HEAD = "rescompile: 1\nname: mine\ninput: {channels: 2, height: 8, width: 8}\n"


def made(tmp_path: Path, text: str) -> Architecture:
    path = tmp_path / "mine.yaml"
    path.write_text(HEAD + text)
    return open_spec(path)


def weights(net: Architecture) -> list[str]:
    every = parameters(net.analysis.elaborated)
    return [".".join(path[:-1]) for path, p, _ in every if p.leaf == "weight"]


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(SpecError) as error:
        _ = made(tmp_path, text).analysis
    (found, *_) = error.value.diagnostics
    return f"{found.code} {found.message}"


def test_names_have_the_numbers_of_turns(tmp_path: Path) -> None:
    text = """
stages:
  - repeat: 2
    index: row
    steps:
      - {name: "a{i}", conv: {channels: 2, kernel: 1}}
      - repeat: 2
        steps:
          - {name: "b{$row + 1}_{n}", conv: {channels: 2 + $row, kernel: 1}}
          - {name: "c.{$row}.{i}", conv: {channels: 4 * $index + 1, kernel: 1}}
"""
    net = made(tmp_path, text)
    names = ["a0", "b1_1", "c.0.0", "b1_2", "c.0.1", "a1", "b2_1", "c.1.0", "b2_2", "c.1.1"]
    assert weights(net) == names
    found = net.analysis.elaborated
    assert [t.y[0] for _, t in found.flat()] == [2, 2, 1, 2, 5, 2, 3, 1, 3, 5]


def test_what_a_turn_does_not_take_need_not_make_sense(tmp_path: Path) -> None:
    text = """
stages:
  - repeat: 3
    steps:
      - {name: "a{i}", when: $index != 1, conv: {channels: 2 // ($index - 1), kernel: 1}}
"""
    assert "E201" in refused(tmp_path, text)  # -2 is no number of channels
    assert weights(made(tmp_path, text.replace("$index != 1", "$index > 1"))) == ["a2"]


LANES = """
blocks:
  swap:
    parameters: {count: {type: int}}
    inputs: [{name: "x{i}", repeat: $count}]
    outputs: [{name: "y{i}", repeat: $count}]
    body:
      - repeat: $count
        steps:
          - {from: "x{$count - 1 - $index}"}
          - {name: "into.{i}", conv: {channels: $index + 1, kernel: 1}}
          - {name: "y{i}", activation: {}}
stages:
  - {name: a, conv: {channels: 3, kernel: 1}}
  - {name: b, conv: {channels: 5, kernel: 1}}
"""


def test_as_many_values_as_a_call_says_flow_on(tmp_path: Path) -> None:
    text = """
  - {name: first, block: swap, from: [a, b], count: 2}
  - repeat: 2
    steps: [{name: "more_{n}", block: swap, count: 2}]
  - {name: three, block: swap, from: [more_2.y0, more_2.y1, a], count: 3}
  - {from: three.y0}
  - concat: [[], [{from: three.y1}], [{from: three.y2}]]
"""
    net = made(tmp_path, LANES + text)
    shapes = {
        ".".join(p[:-1]): w.shape[:2]
        for p, w, _ in parameters(net.analysis.elaborated)
        if w.leaf == "weight"
    }
    assert shapes["first.into.0"] == (1, 5)
    assert shapes["first.into.1"] == (2, 3)
    assert shapes["more_1.into.0"] == (1, 2)
    assert shapes["more_2.into.1"] == (2, 1)
    assert [shapes[f"three.into.{i}"] for i in range(3)] == [(1, 3), (2, 2), (3, 1)]
    assert sorted(net.analysis.elaborated.network.blocks) == ["swap_2", "swap_3"]


def test_a_name_may_be_a_word_that_a_call_gives(tmp_path: Path) -> None:
    text = """
blocks:
  twice:
    parameters: {side: {type: str}}
    inline:
      - {name: "{$side}_conv", conv: {channels: 2, kernel: 1}}
      - add: [[], [{from: "{$side}"}]]
stages:
  - {name: left, conv: {channels: 2, kernel: 1}}
  - {name: right, conv: {channels: 2, kernel: 1}}
  - {block: twice, side: left}
"""
    net = made(tmp_path, text)
    assert weights(net) == ["left", "right", "left_conv"]
    assert weights(made(tmp_path, text.replace("side: left}", "side: right}")))[-1] == "right_conv"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('  - {name: "c{i}", norm: {}}\n', "E207 nothing repeats here that `{i}` would count"),
        ('  - {name: "c{$b}", norm: {}}\n', "E207 unknown name '$b'"),
        (
            '  - repeat: 2\n    steps: [{name: "c{$index - 1}", norm: {}}]\n',
            "E204 `{$index - 1}` is -1 here",
        ),
        (
            '  - repeat: 2\n    steps: [{name: "c", norm: {}}]\n',
            "E106 the name 'c' stands twice in one scope",
        ),
        (
            "  - {name: s, block: swap, from: [a, b], count: 3}\n",
            "E208 block 'swap' takes 3 values, and this call gives 2",
        ),
        (
            "  - {name: s, block: swap, count: 2}\n",
            "E208 block 'swap' takes 2 values, and this call gives 0",
        ),
        (
            "  - {name: s, block: swap, from: [a, b], count: 2}\n"
            "  - {name: t, block: swap, count: 3}\n",
            "E208 block 'swap' takes 3 values, and this call gives 0",
        ),
        (
            "  - group: [{repeat: 2, index: row, steps: [{norm: {}}]}]\n",
            "E208 what repeats inside a sequence has no name for its number",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert refused(tmp_path, LANES + text) == said
