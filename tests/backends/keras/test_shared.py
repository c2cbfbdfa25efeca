"""Layers that are called more than once, and emitted source that does something else with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.emit.validation import validate
from rescompile.errors import InternalError, UnsupportedError
from rescompile.registry import get_backend

SPEC = Path(__file__).parent / "shared.yaml"
FIRST = '@shared_layers((None, None, x.shape[-1]), name="first")'
AFTER = 'branch2 = After(name="second_after")([branch2, branch1])'
CALL = "branch2 = first_model(branch2)"
MUTANTS = {
    "a model of its own": (CALL, 'branch2 = tower(branch2, name="second")', "first_conv1"),
    "a model that is built again": (
        CALL,
        'branch2 = shared_layers((None, None, 8), name="first")(\n'
        '        lambda x: tower(x, name="first")\n    )(branch2)',
        "two layers are called 'first_conv1'",
    ),
    "in an order that Keras chooses": (AFTER, "", "may be called in another order"),
    "for maps of one size": (FIRST, '@shared_layers(x.shape[1:], name="first")', "made for"),
    "once less": ("range(2)", "range(1)", "first.conv2"),
}


def source() -> str:
    return open_spec(SPEC).source("keras")


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_refused(mutant: str) -> None:
    old, new, said = MUTANTS[mutant]
    net, made = open_spec(SPEC), source()
    assert made.count(old) == 1, made
    with pytest.raises(InternalError, match="is not what the spec says") as caught:
        validate(get_backend("keras"), net.lowered, made.replace(old, new))
    assert said.replace(".", "_") in str(caught.value).replace(".", "_")


@pytest.mark.parametrize("step", ["adaptive_avg_pool: {size: 2}", "depth_to_space: {scale: 2}"])
def test_what_asks_for_sizes_is_not_shared_by_several(step: str) -> None:
    spec = f"""\
rescompile: 1
name: sizes
input: {{channels: 8, height: 16, width: 16}}
blocks:
  part: {{sequence: [{{conv: {{channels: 8, kernel: 3}}}}, {{{step}}}]}}
stages:
  - {{name: start, conv: {{channels: 8, kernel: 1}}}}
  - {{name: large, block: part}}
  - from: start
  - max_pool: {{kernel: 2}}
  - {{name: little, reuse: large}}
outputs: [large, little]
"""
    with pytest.raises(UnsupportedError, match="shared by maps of several sizes"):
        open_spec(spec).source("keras")
    assert open_spec(spec.replace("kernel: 2", "kernel: 1")).source("keras")
