"""One member for several steps in emitted PyTorch: only where it is right for each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.verify.verification import Options, verify
from rescompile.worker.client import Worker

Write = Callable[..., Path]
CONV = "  - conv: {channels: 4, kernel: 3}\n"


def stages(*steps: str) -> str:
    """Stages in which a convolution stands before each step."""
    return "stages:\n" + "".join(f"{CONV}  - {step}\n" for step in steps)


BRANCH = "residual: {shortcut: identity, branch: [{activation: {}, name: %s}]}"
UNIT = """
blocks:
  unit:
    parameters: {n: {type: int}%s}
    %s
stages:
  - {name: a, block: unit, %s}
  - {name: b, block: unit, %s}
"""
NETWORKS = {
    "pools that differ in kernel": stages(
        *["max_pool: {kernel: 3, stride: 1, padding: 1}"] * 2, *["max_pool: {kernel: 2}"] * 2
    ),
    "activations that differ in slope": stages(
        *["activation: {kind: leaky_relu, slope: 0.1}"] * 2,
        *["activation: {kind: leaky_relu, slope: 0.3}"] * 2,
    ),
    "in place and not": stages(
        "{activation: {}, name: act1}",
        "{activation: {}, name: act2}",
        "{%s, name: add1}" % (BRANCH % "act3"),
        "{%s, name: add2}" % (BRANCH % "act4"),
    ),
    "under other conditions": """
blocks:
  unit:
    parameters: {n: {type: int}}
    body:
      - {activation: {kind: tanh}, when: $n > 1}
      - {conv: {channels: 4, kernel: 3}}
      - {activation: {kind: tanh}, when: $n > 2}
      - {conv: {channels: 4, kernel: 3}}
      - {activation: {kind: tanh}}
stages:
  - {name: a, block: unit, n: 1}
  - {name: b, block: unit, n: 2}
  - {name: c, block: unit, n: 3}
""",
    "alike but for a number behind a word of Python": stages(
        "{activation: {kind: tanh}, name: for1}", "{activation: {kind: tanh}, name: for2}"
    ),
    "alike but for a number behind a method of nn.Module": stages(
        "{activation: {kind: tanh}, name: train1}", "{activation: {kind: tanh}, name: train2}"
    ),
    "channels that count up": UNIT
    % (
        "",
        "body: [{conv: {channels: $n, kernel: 3}, name: c}, {conv: {channels: $n, kernel: 1}}]",
        "n: $index + 4, repeat: 3",
        "n: $index + 2, repeat: 2",
    ),
    "a shortcut of one step with a condition": UNIT
    % (
        "",
        "body: [{residual: {branch: [{conv: {channels: 3 * $n, kernel: 3, stride: $n}}], shortcut: "
        "{where: shape_changes, steps: [{conv: {channels: 3 * $n, kernel: 1, stride: $n}, "
        "name: way, when: $n > 1}]}}}]",
        "n: 1",
        "n: 2",
    ),
    "two zero-padded shortcuts in a block": UNIT
    % (
        "",
        "body: [{name: one, residual: {branch: [{conv: {channels: $in_channels + $n, kernel: 3}}], "
        "shortcut: pad}}, {name: two, residual: {branch: "
        "[{conv: {channels: $in_channels + 4 * $n, kernel: 3}}], shortcut: pad}}]",
        "n: 1",
        "n: 2",
    ),
    "a zero-padded shortcut to the classes": """
stages:
  - {name: a, residual: {branch: [{conv: {channels: $classes, kernel: 3}}], shortcut: pad}}
""",
}


@pytest.mark.parametrize("text", NETWORKS.values(), ids=NETWORKS)
def test_each_step_is_what_the_spec_says(write: Write, torch: Worker, text: str) -> None:
    certificate = verify(str(write(text)), [torch], Options(size=16))
    assert certificate.good, certificate.text()


def test_equal_steps_share_one_member(write: Write) -> None:
    pools = "max_pool: {kernel: 2}"
    source = open_spec(str(write(stages(pools, "activation: {}", pools)))).source("torch")
    assert source.count("self.maxpool = nn.MaxPool2d(2)") == 1
    assert source.count("self.maxpool(") == 2


def test_a_parameter_may_be_called_as_the_compiler_calls_channels(write: Write) -> None:
    """Names of the compiler's own give way: what `$outer_channels` says is the parameter."""
    text = """
blocks:
  unit:
    parameters: {outer_channels: {type: int}, running_channels: {type: int}}
    sequence:
      - conv: {channels: $running_channels, kernel: 3}
      - concat:
          - - conv: {channels: $outer_channels, kernel: 3}
          - - conv: {channels: $in_channels, kernel: 3}
      - repeat: 2
        steps:
          - concat: [[], [{conv: {channels: $running_channels, kernel: 3}}]]
stages:
  - {name: a, block: unit, outer_channels: 5, running_channels: 2}
  - {name: b, block: unit, outer_channels: 7, running_channels: 4}
"""
    elaborated = open_spec(str(write(text))).analysis.elaborated
    channels = [trace.op.channels for _, trace in elaborated.flat()]  # type: ignore[attr-defined]
    assert channels == [2, 5, 3, 2, 2, 4, 7, 12, 4, 4]
