"""Steps that are left out, in every call or in some: what is around them, and branches of them."""

from __future__ import annotations

import re

import pytest

from rescompile.api import open_spec
from rescompile.errors import SpecError
from rescompile.registry import backend_names

from ..conftest import Write

IDLE = """\
blocks:
  spliced:
    parameters: {k: {type: int}}
    inline: [{activation: {}, when: $k > 9}]
  nothing:
    parameters: {k: {type: int}}
    body: [{activation: {}, when: $k > 9}]
  sequence:
    parameters: {k: {type: int}}
    sequence:
      - conv: {channels: 8, kernel: 3}
      - group: [{activation: {}, when: $k > 8}]
        when: $k > 1
      - group: [{activation: {}, when: $k > 8}]
        when: $k <= 1
      - conv: {channels: 8, kernel: 3}
        when: $k > 1
      - {block: spliced, k: $k, when: $k > 1}
      - {block: nothing, k: $k, when: $k > 1}
      - steps: [{activation: {}, when: $k > 8}]
        repeat: $k
  unit:
    parameters: {k: {type: int}}
    body:
      - conv: {channels: 8, kernel: 3}
      - group: [{activation: {}, when: $k > 8}]
        when: $k > 1
        name: sometimes
      - group: [{activation: {}, when: $k > 8}]
      - {block: nothing, k: $k, when: $k > 1}
      - {block: sequence, k: $k, name: several, repeat: 2}
stages:
  - {block: unit, k: 1}
  - {block: unit, k: 2}
head: []
"""


@pytest.mark.parametrize("backend", backend_names())
def test_what_is_around_steps_that_are_never_taken(write: Write, backend: str) -> None:
    open_spec(write(IDLE)).source(backend)  # is proved to be the network


@pytest.mark.parametrize("backend", backend_names())
def test_of_two_ways_one_does_nothing(write: Write, backend: str) -> None:
    """`if` and `else`, where what stands under `if` comes to nothing."""
    body = """\
blocks:
  unit:
    parameters: {k: {type: int}}
    sequence:
      - conv: {channels: 8, kernel: 3}
      - group: [{activation: {}, when: $k > 8}]
        when: $k > 1
      - conv: {channels: 8, kernel: 1}
        when: not $k > 1
stages:
  - {block: unit, k: 1}
  - {block: unit, k: 2}
head: []
"""
    open_spec(write(body)).source(backend)


def block(step: str) -> str:
    """A block with a step, called twice; it has the parameters that the step reads."""
    types = {"k": "{type: int}", "kind": "{type: str, default: none}"}
    read = {name: type for name, type in types.items() if re.search(rf"\${name}\b", step)}
    given = [", k: 2", ", k: 1"] if "k" in read else ["", ""]
    parameters = ", ".join(f"{name}: {type}" for name, type in read.items())
    return f"""\
blocks:
  unit:
    parameters: {{{parameters}}}
    body:
      - conv: {{channels: 8, kernel: 3}}
      - {step}
stages:
  - {{block: unit{given[0]}}}
  - {{block: unit{given[1]}}}
head: []
"""


CONV = "conv: {channels: 8, kernel: 3}"
NEVER = f"{{{CONV}, when: false}}"
SOMETIMES = f"{{{CONV}, when: $k > 1}}"

EMPTY = {
    "a residual's branch of a norm of no kind": (
        "residual: {branch: [norm: {kind: none}], shortcut: identity}"
    ),
    "of an activation by a word": (
        "residual: {branch: [norm: {kind: $kind}, activation: {kind: none}], shortcut: identity}"
    ),
    "a residual's branch": f"residual: {{branch: [{NEVER}], shortcut: identity}}",
    "a residual's branch in one call": f"residual: {{branch: [{SOMETIMES}], shortcut: identity}}",
    "a residual's branch that is dropped": (
        f"residual: {{branch: [{SOMETIMES}], shortcut: identity, drop: 0.2}}"
    ),
    "a residual's branch of no kind that is dropped": (
        "residual: {branch: [norm: {kind: none}], shortcut: identity, drop: 0.2}"
    ),
    "a group in a residual's branch": (
        f"residual: {{branch: [group: [{NEVER}]], shortcut: identity}}"
    ),
    "a shortcut": f"residual: {{branch: [{CONV}], shortcut: [{NEVER}]}}",
    "a shortcut of a step and a group": (
        f"residual: {{branch: [{CONV}], shortcut: [{NEVER}, group: [{NEVER}]]}}"
    ),
    "a shortcut of no kind": f"residual: {{branch: [{CONV}], shortcut: [norm: {{kind: none}}]}}",
    "a join's branch": f"add: [[{CONV}], [{NEVER}]]",
    "a join's branch in one call": f"add: [[{CONV}], [{SOMETIMES}]]",
    "a join's branch of no kind": f"add: [[{CONV}], [activation: {{kind: none}}]]",
    "a join's named branch": f"add: {{one: [{CONV}], two: [{NEVER}, {NEVER}]}}",
    "a join's named branch of no kind": (
        f"add: {{one: [{CONV}], two: [norm: {{kind: none}}, norm: {{kind: none}}]}}"
    ),
    "a join's named branch of one step": f"add: {{one: [{CONV}], two: {{norm: {{kind: none}}}}}}",
    "a product's": f"multiply: [[{CONV}], [{NEVER}]]",
    "a concatenation's": f"concat: [[{CONV}], [{NEVER}]]",
    "a join's in a sequence": f"group: [{{add: [[{CONV}], [{NEVER}]]}}]",
}


@pytest.mark.parametrize("step", EMPTY.values(), ids=EMPTY)
def test_a_branch_without_a_step_is_no_identity(write: Write, step: str) -> None:
    with pytest.raises(SpecError) as caught:
        _ = open_spec(write(block(step))).analysis
    (found,) = caught.value.diagnostics
    assert found.code == "E212"
    assert found.location is not None
    assert found.location.line == 10


@pytest.mark.parametrize(
    "step",
    [
        f"add: [[{CONV}], []]",
        f"add: {{one: [{CONV}], two: []}}",
        f"residual: {{branch: [{CONV}], shortcut: []}}",
        f"residual: {{branch: [{CONV}, {NEVER}], shortcut: [{NEVER}, {CONV}]}}",
        f"residual: {{branch: [{SOMETIMES}], shortcut: identity, when: $k > 1}}",
        "residual: {branch: [dropout: {rate: 0.5}], shortcut: identity}",
        "add: [[{add: [[], []]}], []]",
        f"concat: [[{CONV}], [{SOMETIMES}]]",
        f"residual: {{branch: [{CONV}], shortcut: [{SOMETIMES}]}}",
    ],
)
def test_an_empty_branch_that_is_meant(write: Write, step: str) -> None:
    made = open_spec(write(block(step)))
    for backend in backend_names():
        made.source(backend)


def test_kinds_by_default_may_be_words(write: Write) -> None:
    text = """\
parameters: {{act: {act}, kind: {kind}, n: 4}}
defaults: {{activation: {{kind: $act}}, norm: {{kind: $kind, groups: $n}}}}
stages:
  - residual: {{branch: [conv: {{channels: 8, kernel: 3}}], shortcut: projection}}
  - norm: {{}}
  - activation: {{}}
head: []
"""
    made = open_spec(write(text.format(act="elu", kind="group")))
    words = [trace.op.word for _, trace in made.analysis.elaborated.flat()]
    assert words == ["conv", "group_norm", "conv", "group_norm", "elu"]
    for backend in backend_names():
        made.source(backend)
    for act, kind, line in (("wrong", "group", 6), ("elu", "wrong", 6)):
        with pytest.raises(SpecError) as caught:
            _ = open_spec(write(text.format(act=act, kind=kind))).analysis
        assert {found.code for found in caught.value.diagnostics} == {"E207"}
        assert {found.location and found.location.line for found in caught.value.diagnostics} == {
            line
        }


def test_a_projection_says_how_many_groups_its_norm_lacks(write: Write) -> None:
    text = "defaults: {norm: {kind: group}}\nstages:\n"
    text += "  - residual: {branch: [conv: {channels: 8, kernel: 3}], shortcut: projection}\n"
    with pytest.raises(SpecError) as caught:
        _ = open_spec(write(text)).analysis
    (found,) = caught.value.diagnostics
    assert (found.code, found.location and found.location.line) == ("E111", 5)
