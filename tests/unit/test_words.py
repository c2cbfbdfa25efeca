"""Names and words: which one is meant where several of a name could be."""

from __future__ import annotations

import pytest

from rescompile.api import open_spec

from ..conftest import Write

# Networks of 1x1 convolutions from 3 channels, so that the parameters tell the channels.
UNIT = """
blocks:
  unit:
    parameters: {{{parameters}}}
    let: {{{let}}}
    body:
      - conv: {{channels: {channels}, kernel: 1}}
stages:
  - {{name: first, block: unit, {arguments}}}
"""
RESIDUAL = """
blocks:
  unit:
    parameters: {{channels: {{}}, around: {{type: shortcut{default}}}}}
    body:
      - residual:
          branch:
            - conv: {{channels: $channels, kernel: 1}}
          shortcut: $around
stages:
  - {{name: first, block: unit, channels: 8, {arguments}}}
"""
PROJECTED = 3 * 8 + 3 * 8


def parameters(write: Write, text: str) -> int:
    return open_spec(write(text)).report().total.parameters


def unit(names: str, channels: str, arguments: str, let: str = "") -> str:
    return UNIT.format(parameters=names, channels=channels, arguments=arguments, let=let)


def test_a_let_hides_the_networks_parameter_of_its_name(write: Write) -> None:
    text = unit("width: {}", "$wide", "width: 8", "wide: $width * 2")
    assert parameters(
        write, "parameters: {wide: 7}\n" + text + "  - {conv: {channels: $wide, kernel: 1}}\n"
    ) == (3 * 16 + 16 * 7)


def test_a_let_may_be_made_of_the_networks_parameter_of_its_name(write: Write) -> None:
    text = unit("width: {}", "$wide", "width: 8", "wide: $wide * $width")
    assert parameters(write, "parameters: {wide: 7}\n" + text) == 3 * 56


def test_a_default_is_the_networks_not_the_callers(write: Write) -> None:
    inner = "  inner:\n    parameters: {size: {default: $width}}\n    body:\n"
    inner += "      - conv: {channels: $size, kernel: 1}\n"
    text = unit("width: {}", "$width", "width: 8").replace(
        "stages:", "      - {block: inner, name: inner}\n" + inner + "stages:"
    )
    assert parameters(write, "parameters: {width: 5}\n" + text) == 3 * 8 + 8 * 5


def test_a_default_word_is_the_networks_not_the_callers(write: Write) -> None:
    text = """
parameters: {act: gelu}
blocks:
  inner:
    parameters: {kind: {type: str, default: $act}}
    body:
      - activation: {kind: $kind}
  outer:
    parameters: {act: {type: str}}
    body:
      - activation: {kind: $act}
      - {block: inner, name: inner}
stages:
  - {name: first, block: outer, act: tanh}
"""
    shown = open_spec(write(text)).text()
    assert shown.count("= gelu") == shown.count("= tanh") == 1


@pytest.mark.parametrize(
    "name", ["extra_channels", "outer_channels", "running_channels", "extra_channels2"]
)
def test_names_of_our_own_give_way_to_the_specs(name: str, write: Write) -> None:
    text = f"""
blocks:
  unit:
    parameters: {{{name}: {{}}}}
    sequence:
      - conv: {{channels: 2 * ${name}, kernel: 1}}
      - activation: {{}}
      - concat:
          - []
          - - conv: {{channels: $in_channels + ${name}, kernel: 1}}
      - residual:
          branch:
            - conv: {{channels: 8 * ${name}, kernel: 1}}
          shortcut: pad
stages:
  - {{name: first, block: unit, {name}: 2}}
  - {{name: second, block: unit, {name}: 12}}
"""
    first = 3 * 4 + 4 * (3 + 2) + (4 + 5) * 16
    second = 16 * 24 + 24 * (16 + 12) + (24 + 28) * 96
    assert parameters(write, text) == first + second


PADDED = """
blocks:
  unit:
    parameters: {channels: {}}
    body:
      - residual:
          branch:
            - conv: {channels: $channels, kernel: 3, stride: 2}
          shortcut: pad
        name: one
      - residual:
          branch:
            - conv: {channels: 3 * $channels, kernel: 3, stride: 2}
          shortcut: pad
        name: two
stages:
  - {name: first, block: unit, channels: 8}
  - {name: second, block: unit, channels: 28}
"""


def test_two_shortcuts_of_zeros_in_one_block_each_have_their_channels(write: Write) -> None:
    net = open_spec(write(PADDED))
    assert [row.output for row in net.report().rows] == [(24, 8, 8), (84, 2, 2)]


@pytest.mark.parametrize("way", ["argument", "default"])
@pytest.mark.parametrize(
    ("shortcut", "expected"),
    [
        ("[{conv: {channels: $channels, kernel: 1}}]", PROJECTED),
        ("{steps: [{conv: {channels: $channels, kernel: 1}}]}", PROJECTED),
        ("{kind: projection, norm: false}", PROJECTED),
        ("{kind: pad, pad: after}", 3 * 8),
        ("projection", PROJECTED + 2 * 8),
    ],
)
def test_a_shortcut_is_given_in_each_of_its_forms(
    shortcut: str, expected: int, way: str, write: Write
) -> None:
    default = f", default: {shortcut}" if way == "default" else ""
    given = f"around: {shortcut}" if way == "argument" else "when: true"
    text = RESIDUAL.format(default=default, arguments=given)
    assert parameters(write, text) == expected


def test_what_is_dropped_from_a_sum_needs_a_sum(write: Write) -> None:
    """Without a shortcut a dropped branch would leave nothing of a sample."""
    text = RESIDUAL.format(default="", arguments="around: {}").replace(
        "          shortcut", "          drop: 0.2\n          shortcut"
    )
    for kind, count in (("none", 0), ("pad", 1)):
        shown = open_spec(write(text.replace("around: {}", f"around: {kind}"))).text()
        assert shown.count(" = stochastic_depth") == count
