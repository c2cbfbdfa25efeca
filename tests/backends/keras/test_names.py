"""Any name that a spec may give is good for Keras: layers keep theirs, all others give way.

The names that are tried are those of an emitted file itself: what it imports, defines, binds and
asks of Python, as its syntax tree has them. A name is put in every place where a spec has one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.errors import SpecError

HEAD = "rescompile: 1\nname: odd\ninput: {channels: 4, height: 13, width: 13}\nclasses: 3\n"
# W is a parameter and a value of blocks that repeat, loop, count and choose.
VALUE = """
blocks:
  unit:
    parameters: {W: {type: int}, more: {type: int, default: 1, once: true}}
    let: {wider: "make_divisible($W * 2 + ceil($W / 2), 4)"}
    body:
      - name: path
        group:
          - conv: {channels: $W, kernel: 3}
          - norm: {}
          - group:
              - {conv: {channels: $wider, kernel: 1}, when: $W > 2}
              - {activation: {kind: tanh}}
          - {block: steps, W: $W + $more}
          - {conv: {channels: $W, kernel: 1}}
          - {norm: {}}
      - residual:
          shortcut: projection
          when: $W > 2
          branch: [{conv: {channels: $W + $more, kernel: 1}, name: c}]
      - {name: after, group: [{block: lets, n: $W}]}
  steps:
    parameters: {W: {type: int}}
    inline:
      - repeat: 2
        steps:
          - conv: {channels: $W + $index, kernel: 1}
          - repeat: $index + 1
            steps: [{conv: {channels: $W + $index, kernel: 1}}]
      - {block: row, W: $W, repeat: 2, when: $W > 3}
  row:
    parameters: {W: {type: int}}
    sequence:
      - conv: {channels: $W, kernel: 1}
      - {block: leaf, W: $index * 2 + 1, repeat: 2}
      - {block: leaf, W: $index + 4, repeat: 2}
  leaf:
    parameters: {W: {type: int}}
    body: [{conv: {channels: $W + 1, kernel: 1}, name: only}]
  lets:
    parameters: {n: {type: int}}
    let: {W: $n + 1}
    inline:
      - {conv: {channels: $W + $in_channels, kernel: 1}, when: $n > 2}
      - repeat: 2
        steps: [{conv: {channels: $W + $index, kernel: 1}}]
stages:
  - {name: a, block: unit, W: 2, more: 3, repeat: 2}
  - {name: b, block: unit, W: 4, repeat: 2, children: "{name}_{n}"}
  - {name: c, block: leaf, W: $index + 2, repeat: 3}
head: [{global_avg_pool: {}}, {linear: {features: 5}}, {linear: {features: $classes}}]
"""
# W is a block that repeats, is called from others, and from the network.
BLOCK = """
blocks:
  W:
    parameters: {n: {type: int}}
    FORM:
      - {conv: {channels: $n, kernel: 1}NAME1}
      - {max_pool: {kernel: 3, stride: 2, padding: 1, ceil_mode: true}NAME2}
  around:
    parameters: {n: {type: int}, m: {type: int, default: 2}}
    inline:
      - {block: W, n: $n}
      - {conv: {channels: $m + $in_channels, kernel: 1}, when: $n > 2}
      - {block: W, n: $mTIMES}
stages:
  - name: g
    group:
      - {block: around, n: 2, m: 4}
      - {block: around, n: 3}
      - {block: W, n: $classes}
"""
# W is a step whose value is kept, a branch, a group and a stage.
STEP = """
blocks:
  kept:
    parameters: {n: {type: int}}
    body:
      - {conv: {channels: 4, kernel: 3}, name: W}
      - {activation: {}}
      - {conv: {channels: 4, kernel: 3}, name: between}
      - add: [[{from: W}], []]
      - residual:
          shortcut: identity
          when: $n > 1
          branch: [{conv: {channels: 4, kernel: 1}, name: c1}, {norm: {}}]
  branched:
    body:
      - concat:
          W: [{conv: {channels: 2, kernel: 1}}, {conv: {channels: 2, kernel: 1}}]
          other: [{norm: {}}, {conv: {channels: 2, kernel: 1}}]
      - {layer_scale: {init: 0.5}}
      - multiply: [[], [{global_avg_pool: {keepdims: true}}, {activation: {kind: sigmoid}}]]
  nest:
    parameters: {n: {type: int}}
    sequence:
      - {conv: {channels: 4, kernel: 3}}
      - name: W
        group:
          - {conv: {channels: $n, kernel: 1}}
          - {conv: {channels: 5, kernel: 1}, when: $n > 2}
      - {channel_shuffle: {groups: 1}}
      - {avg_pool: {kernel: 3, stride: 2, padding: 1, count_include_pad: false}}
stages:
  - {name: a, block: kept, n: 1}
  - {name: W, block: kept, n: 2}
  - {name: c, block: branched}
  - {name: d, block: nest, n: 2}
  - {name: e, block: nest, n: 3}
outputs: [W, d, e]
"""


def block_of(form: str) -> str:
    text = BLOCK.replace("FORM", form).replace("TIMES", "" if form == "inline" else ", repeat: 2")
    return re.sub(r"NAME(\d)", r", name: c\1" if form == "body" else "", text)


PLACES = {
    "value": VALUE,
    "step": STEP,
    **{form: block_of(form) for form in ("body", "sequence", "inline")},
}
# What the places above do not use, and names that the emitter could come upon.
MORE = ("self", "module", "torch", "i2", "j", "k", "repeat", "repetitions", "count", "x_", "x2")


def write(folder: Path, place: str, word: str) -> Path:
    path = folder / f"{place}.yaml"
    path.write_text(HEAD + re.sub(r"\bW\b", word, PLACES[place]), "utf-8")
    return path


def words(folder: Path) -> Iterator[str]:
    """Every name in the files that are emitted for the places themselves."""
    for place in PLACES:
        for node in ast.walk(ast.parse(open_spec(write(folder, place, "word")).source("keras"))):
            if isinstance(node, ast.Name):
                yield node.id
            elif isinstance(node, ast.arg):
                yield node.arg
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.alias)):
                yield node.name


@pytest.mark.parametrize("every", [3, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("place", PLACES)
def test_any_name_is_good(tmp_path: Path, place: str, every: int) -> None:
    """The source is executed, and proved to be the network, before it is given."""
    found = sorted({*words(tmp_path), *MORE})[::every]
    refused = []
    for word in found:
        try:
            net = open_spec(write(tmp_path, place, word))
            assert net.analysis
        except SpecError:  # the language has the word for itself
            refused.append(word)
        else:
            net.source("keras")
    assert len(refused) < len(found) / 4, refused


@pytest.mark.parametrize("word", ["x", "name", "start", "inputs", "i", "blocks", "classes", "gate"])
def test_a_network_may_be_called_as_a_variable_is(tmp_path: Path, word: str) -> None:
    path = write(tmp_path, "body", "word")
    path.write_text(path.read_text("utf-8").replace("name: odd", f"name: {word}"), "utf-8")
    assert f"def {word}(input_shape" in open_spec(path).source("keras").replace("(\n    ", "(")


def test_names_change_only_where_they_must(tmp_path: Path) -> None:
    source = open_spec(write(tmp_path, "value", "range")).source("keras")
    assert "def unit(x: KerasTensor, range_: int, more: int = 1, *, name: str)" in source
    source = open_spec(write(tmp_path, "value", "k")).source("keras")
    assert "def unit(x: KerasTensor, k: int, more: int = 1, *, name: str)" in source
    source = open_spec(write(tmp_path, "value", "i")).source("keras")
    assert "def unit(x: KerasTensor, i: int, more: int = 1, *, name: str)" in source
    assert "for j in range(1, blocks):" in source
    source = open_spec(write(tmp_path, "body", "blocks")).source("keras")
    assert "def blocks_block(x: KerasTensor, n: int, *, name: str)" in source
    source = open_spec(write(tmp_path, "value", "blocks")).source("keras")
    assert "blocks: int, repeat: int, more: int = 1" in source


def test_steps_without_names_are_called_as_nothing_of_keras_is() -> None:
    """A pool that pads what may be negative is an operation of Keras', which it calls `pad`."""
    steps = "[{pad: {padding: 1, mode: reflect}}, {max_pool: {kernel: 3, padding: 1}}]"
    source = open_spec(f"{HEAD}stages: {steps}\n").source("keras")
    assert "keras.ops.pad(" in source
    assert 'name="border"' in source
