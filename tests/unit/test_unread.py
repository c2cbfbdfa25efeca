"""What nothing reads is an error in one's own file, and what no step takes is a warning."""

from __future__ import annotations

import pytest

from rescompile.api import open_spec
from rescompile.conformance.networks import compiled
from rescompile.errors import SpecError
from rescompile.language.load import zoo

from ..conftest import Write

HEAD = "rescompile: 1\nname: mine\ninput: {channels: 3, height: 32, width: 32}\n"
CONV = "  - conv: {channels: 8, kernel: 3}\n"
UNIT = """
blocks:
  unit:
    parameters: {channels: {}, stride: {default: 1}}
    body:
      - conv: {channels: $channels, kernel: 3, stride: $stride}
"""
CALL = "stages:\n  - {name: layer1, block: unit, channels: 8}\n"


def errors(write: Write, text: str, head: str = HEAD) -> list[str]:
    """The codes and messages of what is wrong with a spec."""
    with pytest.raises(SpecError) as raised:
        _ = open_spec(write(text, head=head)).analysis
    return [f"{one.code}: {one.message}" for one in raised.value.diagnostics]


def warnings(write: Write, text: str, name: str = "mine", head: str = HEAD) -> list[str]:
    found = open_spec(write(text, name=name, head=head)).warnings()
    return [f"{one.code}: {one.label}" for one in found]


READS = {
    "in a step": "stages: [{conv: {channels: $width, kernel: 3}}]\n",
    "in a pair": "stages: [{conv: {channels: 8, kernel: [3, $width]}}]\n",
    "in a condition": "stages: [{activation: {}, when: $width > 3}]\n",
    "in an argument": UNIT + CALL.replace("8}", "$width}"),
    "in a repetition": UNIT + CALL.replace("8}", "8, repeat: $width}"),
    "in a block": UNIT.replace("channels: $channels,", "channels: $channels * $width,") + CALL,
    "in a let": UNIT.replace("body:", "let: {wide: $width}\n    body:").replace(
        "channels: $channels,", "channels: $channels * $wide,"
    )
    + CALL,
    "in a default": UNIT.replace("default: 1", "default: $width") + CALL,
    "in the number of inputs": """
blocks:
  fuse:
    inputs: [{name: "x{i}", repeat: $width - 3}]
    body: [add: [[from: x0], [from: x1]]]
stages:
  - {conv: {channels: 8, kernel: 3}, name: first}
  - {conv: {channels: 8, kernel: 3}, name: second}
  - {block: fuse, name: fused, from: [first, second]}
""",
    "in the steps of a shortcut": """
shortcut: [{conv: {channels: $width, kernel: 1}}]
stages:
  - residual:
      branch:
        - conv: {channels: 5, kernel: 3}
      shortcut: $shortcut
""",
}


@pytest.mark.parametrize("place", READS)
def test_a_parameter_is_read_wherever_it_may_stand(place: str, write: Write) -> None:
    assert open_spec(write(f"parameters: {{width: 5}}\n{READS[place]}", head=HEAD)).analysis


def test_a_word_is_read_where_it_is_a_kind(write: Write) -> None:
    text = f"parameters: {{act: gelu}}\nstages:\n{CONV}  - activation: {{kind: $act}}\n"
    assert open_spec(write(text, head=HEAD)).analysis


def test_what_an_uncalled_block_reads_is_not_read(write: Write) -> None:
    text = "parameters: {width: 5}\n" + UNIT.replace("$channels,", "$channels * $width,")
    found = errors(write, text + f"stages:\n{CONV}")
    assert found == ["E107: nothing reads the parameter 'width' of the network"]


def test_a_parameter_that_all_blocks_hide_is_not_read(write: Write) -> None:
    found = errors(write, "parameters: {stride: 2}\n" + UNIT + CALL)
    assert found == ["E107: nothing reads the parameter 'stride' of the network"]


def test_a_block_reads_what_the_shortcut_handed_to_it_reads(write: Write) -> None:
    text = """
blocks:
  unit:
    parameters: {channels: {}, wide: {}, around: {type: shortcut}}
    body:
      - residual:
          branch:
            - conv: {channels: $channels, kernel: 3}
          shortcut: $around
stages:
  - name: layer1
    block: unit
    channels: 8
    wide: 4
    around: [{conv: {channels: 2 * $wide, kernel: 1}}]
"""
    assert open_spec(write(text, head=HEAD)).report().total.parameters == 3 * 9 * 8 + 3 * 8


def test_a_let_is_read_below_it_alone(write: Write) -> None:
    text = UNIT.replace("$channels,", "$two,") + CALL
    read = text.replace("body:", "let: {one: $channels, two: $one * 2}\n    body:")
    assert open_spec(write(read, head=HEAD)).analysis
    unread = read.replace("$one * 2", "$channels * 2")
    assert errors(write, unread) == ["E107: block 'unit' does not read its value 'one'"]


def test_a_name_that_is_wrong_hides_the_one_that_it_was_to_be(write: Write) -> None:
    text = "parameters: {width: 5}\nstages:\n  - conv: {channels: $widht, kernel: 3}\n"
    assert errors(write, text) == ["E207: unknown name '$widht'"]


def test_bases_and_libraries_may_say_more_than_is_read(write: Write) -> None:
    base = "parameters: {width: 5}\nclasses: 7\n"
    base += "defaults: {activation: {slope: 0.3, kind: leaky_relu}}\n"
    base += UNIT + "stages: [{conv: {channels: $width, kernel: 3}}, {activation: {}}]\n"
    write(base, name="base", head=HEAD.replace("mine", "base"))
    head = "rescompile: 1\nextends: base\nname: mine\n"
    assert warnings(write, "stages: [{conv: {channels: 8, kernel: 3}}]\n", head=head) == []
    lost = errors(write, f"parameters: {{width: 6}}\nstages:\n{CONV}", head=head)
    assert lost == ["E107: nothing reads the parameter 'width' of the network"]


def test_an_override_is_the_files_own_word_though_the_rest_is_the_bases(write: Write) -> None:
    """The slope of the base's kind is no fault of the file that chooses another kind."""
    step = "  - activation: {{kind: {}}}\n    name: act\n"
    write(f"stages:\n{CONV}{step.format('leaky_relu, slope: 0.3')}", name="base", head=HEAD)
    head = "rescompile: 1\nextends: base\nname: mine\n"
    assert open_spec(write("stages: {act: {activation: {kind: relu}}}\n", head=head)).analysis
    found = errors(write, "stages: {act: {activation: {kind: relu, slope: 0.1}}}\n", head=head)
    assert found == ["E107: an activation of kind 'relu' has no `slope`"]


def test_options_of_a_kind_that_only_the_call_knows_are_not_judged(write: Write) -> None:
    text = """
blocks:
  unit:
    parameters: {act: {type: str}}
    body:
      - activation: {kind: $act, slope: 0.3}
stages:
  - {name: one, block: unit, act: leaky_relu}
  - {name: two, block: unit, act: relu}
"""
    assert open_spec(write(text, head=HEAD)).analysis


@pytest.mark.parametrize("name", ["block", "norm", "conv", "activation", "shortcut"])
def test_a_branch_may_be_called_as_what_a_step_does(name: str, write: Write) -> None:
    text = f"""
defaults: {{norm: {{momentum: 0.2}}}}
stages:
  - concat:
      {name}: [{{conv: {{channels: 8, kernel: 3}}}}, {{norm: {{}}}}]
      other: {{conv: {{channels: 8, kernel: 3}}}}
"""
    assert warnings(write, text) == []


WARNED = {
    "a block": (UNIT + f"stages:\n{CONV}", ["F201: nothing calls 'unit'"]),
    "a block that only itself calls": (
        UNIT + "      - {name: again, block: unit, channels: 8}\n" + f"stages:\n{CONV}",
        ["F201: nothing calls 'unit'"],
    ),
    "a block that a block calls": (UNIT + CALL, []),
    "classes": (f"classes: 5\nstages:\n{CONV}", ["F203: no step reads `$classes`"]),
    "a bias that all say themselves": (
        "defaults: {bias: true}\nstages: [{conv: {channels: 8, kernel: 3, bias: false}}]\n",
        ["F202: no step takes `bias`"],
    ),
    "a bias": (f"defaults: {{bias: true}}\nstages:\n{CONV}", []),
    "a padding without convolutions": (
        "defaults: {padding: none}\nstages: [{max_pool: {kernel: 2}}]\n",
        ["F202: no step takes `padding`"],
    ),
    "a norm of another kind": (
        "defaults: {norm: {groups: 4, epsilon: 0.1}}\nstages: [{norm: {}}]\n",
        ["F202: no step takes `norm.groups`"],
    ),
    "a norm of its kind": (
        "defaults: {norm: {groups: 3, epsilon: 0.1}}\nstages: [{norm: {kind: group}}]\n",
        [],
    ),
    "no norm": (
        f"defaults: {{norm: {{momentum: 0.5}}}}\nstages:\n{CONV}",
        ["F202: no step takes `norm.momentum`"],
    ),
    "a norm of a projection alone": (
        """
defaults: {norm: {momentum: 0.5}, init: {conv: {kind: normal}}}
stages:
  - residual:
      branch: [{max_pool: {kernel: 2}}]
      shortcut: projection
""",
        [],
    ),
    "a slope": (
        f"defaults: {{activation: {{slope: 0.2}}}}\nstages:\n{CONV}  - activation: {{}}\n",
        ["F202: no step takes `activation.slope`"],
    ),
    "how linear layers are drawn": (
        f"defaults: {{init: {{linear: {{kind: normal}}}}}}\nstages:\n{CONV}",
        ["F202: no step takes `init.linear`"],
    ),
}


@pytest.mark.parametrize("case", WARNED)
def test_what_no_step_takes_is_warned_of(case: str, write: Write) -> None:
    text, expected = WARNED[case]
    found = [one for one in warnings(write, text) if one.startswith("F2")]
    assert found == expected


def test_a_warning_is_silenced_like_any_other(write: Write) -> None:
    assert warnings(write, f"allow: [F203]\nclasses: 5\nstages:\n{CONV}") == []


@pytest.mark.parametrize("name", sorted(zoo()))
def test_shipped_specs_say_nothing_in_vain(name: str) -> None:
    assert compiled(name).analysis
    assert not [one for one in compiled(name).warnings() if one.code.startswith("F2")]
