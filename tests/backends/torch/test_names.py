"""Any name a spec may give is good for PyTorch: children keep theirs where that can be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.errors import UnsupportedError
from rescompile.language.names import CALL_KEYS
from rescompile.reserved import ATTRIBUTES
from rescompile.verify.verification import Level, Options, verify
from rescompile.worker.client import Worker

Write = Callable[..., Path]
# What files import, define or ask of Python; what they call values of their own; what the compiler
# does; attributes of nn.Module; and functions of Python's that nothing asks for.
WORDS = (
    *("F", "Tensor", "math", "nn", "torch", "make_divisible", "StochasticDepth"),
    *("bool", "float", "list", "range", "super"),
    *(
        "blocks",
        "first",
        "i",
        "layers",
        "members",
        "module",
        "name",
        "num_classes",
        "repeat",
        "rest",
        "self",
        "stage",
        "width",
        "x",
    ),
    *("shortcut", "gate", "use_shortcut", "classes", "outer_channels", "running_channels"),
    *("odd", "make_leaf_stage", "Unit", "norm", "T_destination", "append", "len"),
)
HEAD = "rescompile: 1\nname: odd\ninput: {channels: 3, height: 9, width: 9}\nclasses: 3\n"
# As a parameter that varies, in a block of each form that repeats it, has loops and conditions.
PARAMETER = """
blocks:
  unit:
    parameters:
      W: {type: int}
      more: {type: int, default: 1, once: true}
    let: {wider: $W * 2 + ceil($W / 2)}
    body:
      - name: path
        group:
          - conv: {channels: $W, kernel: 3}
          - group:
              - {conv: {channels: $wider, kernel: 1}, when: $W > 2}
              - {activation: {kind: tanh}}
          - {block: steps, W: $W + $more}
      - concat: [[], [{conv: {channels: $W + $more, kernel: 1}, name: last}]]
  steps:
    parameters: {W: {type: int}}
    inline:
      - repeat: 2
        steps:
          - conv: {channels: $W + $index, kernel: 1}
          - concat: [[], [{conv: {channels: $W, kernel: 1}}]]
      - {block: row, W: $W, repeat: 2, when: $W > 3}
  row:
    parameters: {W: {type: int}}
    sequence:
      - conv: {channels: $W, kernel: 1}
      - {block: leaf, W: $index * 2 + 1, repeat: 2}
  leaf:
    parameters: {W: {type: int}}
    body:
      - conv: {channels: $W + 1, kernel: 1}
        name: only
stages:
  - {name: a, block: unit, W: 2, more: 3, repeat: 2}
  - {name: b, block: unit, W: 4, repeat: 2, children: "{name}_{n}"}
  - {name: c, block: leaf, W: $index + 2, repeat: 3}
"""
# As a value of each block, by another parameter.
LET = """
blocks:
  unit:
    parameters: {n: {type: int}}
    let: {W: $n + 1}
    body:
      - name: path
        group:
          - conv: {channels: $W, kernel: 3}
          - {block: steps, n: $W}
          - repeat: 2
            steps: [{conv: {channels: $W + $index, kernel: 1}}]
      - concat: [[], [{conv: {channels: $W, kernel: 1}, name: last}]]
  steps:
    parameters: {n: {type: int}}
    let: {W: $n * 2}
    inline:
      - {conv: {channels: $W, kernel: 1}, when: $n > 3}
stages:
  - {name: a, block: unit, n: 2, repeat: 2}
  - {name: b, block: unit, n: 4, repeat: 2}
"""
# As a block of one form, which blocks of the others call.
BLOCK = """
blocks:
  W:
    parameters: {n: {type: int}}
    FORM:
      - {conv: {channels: $n, kernel: 1}NAME}
      - {conv: {channels: $n, kernel: 3}NAME2}
  around:
    parameters: {n: {type: int}, W: {type: int, default: 3}, m: {type: int, default: 2}}
    inline:
      - {block: W, n: $n * $W}
      - {conv: {channels: $m, kernel: 1}, when: $n > 2}
      - {block: W, n: $m}
stages:
  - name: V
    group:
      - {block: around, n: 2, m: 4}
      - {block: around, n: 3, W: 2}
      - {block: W, n: $classes}
"""
# As a step whose value is kept, a branch, a group that takes statements, and a flag's neighbour.
STEPS = """
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
          branch: [{conv: {channels: 4, kernel: 1}, name: c1}]
  branched:
    body:
      - concat:
          W: [{conv: {channels: 2, kernel: 1}}, {conv: {channels: 2, kernel: 1}}]
          other: [{norm: {}}, {conv: {channels: 2, kernel: 1}}]
      - concat:
          - - {conv: {channels: 2, kernel: 1}, name: c1}
            - concat: [[], [{conv: {channels: 2, kernel: 1}, name: c2}]]
          - []
  nest:
    parameters: {n: {type: int}}
    sequence:
      - {conv: {channels: 4, kernel: 3}}
      - name: W
        group:
          - {conv: {channels: $n, kernel: 1}}
          - {conv: {channels: 5, kernel: 1}, when: $n > 2}
      - {block: inner, n: 3}
  inner:
    parameters: {n: {type: int}}
    inline: [{conv: {channels: $n, kernel: 1}}]
stages:
  - {name: a, block: kept, n: 1}
  - {name: b, block: kept, n: 2}
  - {name: c, block: branched}
  - {name: d, block: nest, n: 2}
  - {name: e, block: nest, n: 3}
"""
# As children that share a module.
ALIKE = """
stages:
  - {conv: {channels: 3, kernel: 3}}
  - {activation: {kind: tanh}, name: W1}
  - {conv: {channels: 3, kernel: 3}}
  - {activation: {kind: tanh}, name: W2}
"""


def block_of(form: str) -> str:
    """A spec with a block of a form."""
    names = [f", name: c{i}" if form == "body" else "" for i in (1, 2)]
    return BLOCK.replace("FORM", form).replace("NAME2", names[1]).replace("NAME", names[0])


FORMS = {form: block_of(form) for form in ("body", "sequence", "inline")}
PLACES = {"parameter": PARAMETER, "let": LET, "step": STEPS, "alike": ALIKE, **FORMS}


def specs(write: Write, word: str) -> Iterator[Path]:
    """A spec for each place where the word may stand; in a call its keys mean something else."""
    for place, text in PLACES.items():
        if place not in ("parameter", *FORMS) or word not in CALL_KEYS:
            yield write(re.sub(r"\b[VW](?=[12]?\b)", word, text), place, head=HEAD)


@pytest.mark.parametrize("word", WORDS)
def test_any_name_is_good(write: Write, word: str) -> None:
    """The emitted file is proved to be the spec before it is given away."""
    for path in specs(write, word):
        open_spec(str(path)).source("torch")


@pytest.mark.parametrize("word", ["torch", "i"])
def test_it_is_good_in_pytorch_too(write: Write, torch: Worker, word: str) -> None:
    for path in specs(write, word):
        certificate = verify(str(path), [torch], Options(Level.FORWARD))
        assert certificate.good, certificate.text()


CHILD = """
stages:
  - {conv: {channels: 3, kernel: 3}}
  - name: %s
    group:
      - {conv: {channels: 3, kernel: 3}, name: %s}
"""


@pytest.mark.parametrize("word", ["class", *sorted(ATTRIBUTES)])
def test_a_child_that_code_has_a_use_for_is_called_otherwise(write: Write, word: str) -> None:
    """So it is in files of weights, whatever the backend."""
    net = open_spec(str(write(CHILD % (word, word), head=HEAD)))
    (first, _), (second, _) = net.analysis.elaborated.flat()
    assert (first, second) == (("conv",), (f"{word}_", f"{word}_"))
    source = net.source("torch")
    assert f"self.{word}_ = nn.Sequential(" in source
    assert f'self.{word}_.add_module("{word}_", ' in source or f"self.{word}_(x)" in source


def test_a_name_that_a_pattern_makes_is_refused_with_its_place(write: Write) -> None:
    text = """
blocks: {unit: {body: [{conv: {channels: 3, kernel: 1}}]}}
stages: [{name: a, block: unit, repeat: 17, children: "bfloat{i}"}]
"""
    with pytest.raises(UnsupportedError) as refused:
        open_spec(str(write(text, head=HEAD))).source("torch")
    (reason,) = refused.value.reasons
    assert reason.startswith("a.bfloat16: 'bfloat16' is an attribute of nn.Module; choose another")


def test_names_are_changed_only_where_they_must(write: Write) -> None:
    source = open_spec(str(write(PARAMETER.replace("W", "x"), head=HEAD))).source("torch")
    assert "def __init__(self, in_channels: int, x: int, more: int = 1)" in source
    source = open_spec(str(write(PARAMETER.replace("W", "range"), head=HEAD))).source("torch")
    assert "def __init__(self, in_channels: int, range_: int, more: int = 1)" in source
    assert "range_ + i" in source
    source = open_spec(str(write(PARAMETER.replace("W", "i"), head=HEAD))).source("torch")
    assert "for j in range(2):" in source


def test_classes_of_a_block_are_its_own(write: Write) -> None:
    text = """
blocks:
  heads:
    parameters: {classes: {type: int}}
    sequence: [{global_avg_pool: {}}, {linear: {features: $classes}}]
stages:
  - concat:
      - [{block: heads, classes: $classes, name: a}]
      - [{block: heads, classes: 7, name: b}]
"""
    source = open_spec(str(write(text, head=HEAD))).source("torch")
    assert "nn.Linear(in_channels, classes)" in source
    assert "self.a = Heads(in_channels, classes=num_classes)" in source
    assert "self.b = Heads(in_channels, classes=7)" in source


LOOPS = """
stages:
  - name: a
    group:
      - repeat: 2
        steps:
          - conv: {channels: $index + 2, kernel: 3}
          - concat: [[], [{conv: {channels: 2, kernel: 1}}]]
          - repeat: 3
            steps:
              - concat: [[], [{conv: {channels: $index + 4, kernel: 1}}]]
          - concat: [[], [{conv: {channels: $index + 1, kernel: 1}}]]
  - name: b
    group:
      - repeat: 2
        steps:
          - concat: [[], [{conv: {channels: 2, kernel: 1}}]]
          - repeat: 3
            steps:
              - concat: [[], [{conv: {channels: 2, kernel: 1}}]]
          - concat: [[], [{conv: {channels: 2, kernel: 1}}]]
"""


def test_a_loop_in_a_loop_has_variables_of_its_own(write: Write, torch: Worker) -> None:
    path = write(LOOPS, head=HEAD)
    certificate = verify(str(path), [torch], Options(Level.FORWARD))
    assert certificate.good, certificate.text()
