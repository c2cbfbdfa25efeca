"""What the emitted file says, of specs that are hard to say."""

from __future__ import annotations

import re

import pytest

from rescompile.api import open_spec
from rescompile.errors import UnsupportedError

from ...conftest import Write
from ...unit.test_assume import MIX
from ...unit.test_counting import DROPPED, NAMED, STAGES
from ...unit.test_named_values import SKIP
from ...unit.test_naming import STEPS
from ...unit.test_positions_and_split import MLP, SPLIT, TURNED
from ...unit.test_words import PADDED

HALVES = """
blocks:
  unit:
    body:
      - concat: [[], [{conv: {channels: $in_channels // 2, kernel: 1}}]]
        split: true
stem: [{conv: {channels: 8, kernel: 1}}]
stages:
  - {name: a, block: unit, repeat: 3}
  - conv: {channels: 4, kernel: 1}
  - {name: b, block: unit, repeat: 2}
"""

# A tree within branches, and one join after the other.
NESTED = """
blocks:
  unit:
    body: [{conv: {channels: 8, kernel: 3}}, {norm: {}}]
stem: [{conv: {channels: 8, kernel: 1}}]
stages:
  - concat:
      - - add: [[{block: unit}, {activation: {}}], [{conv: {channels: 8, kernel: 1}}, {norm: {}}]]
        - residual: {branch: [{block: unit}, {activation: {}}], shortcut: identity}
      - - {block: unit}
        - {activation: {}}
  - {conv: {channels: 8, kernel: 1}}
  - add: [[{block: unit}, {activation: {}}], [{conv: {channels: 8, kernel: 3}}, {norm: {}}]]
"""


def source(write: Write, text: str) -> str:
    return open_spec(write(text)).source("torch")


def test_channels_are_moved_where_positions_are(write: Write) -> None:
    made = source(write, MLP)
    inner = made[made.index("self.mlp") :]
    order = ["Permute(0, 2, 3, 1)", "nn.LayerNorm(6)", "nn.Linear(6, 12)", "Permute(0, 3, 1, 2)"]
    assert sorted(order, key=inner.index) == order
    assert "LayerNorm2d" not in made


def test_a_split_is_one_statement(write: Write) -> None:
    assert "a, b, c = x.chunk(3, 1)" in source(write, SPLIT)


def test_a_unit_that_passes_half_by_keeps_its_channels(write: Write) -> None:
    """The stage needs no running width: what leaves a unit is what enters it."""
    assert "stage = (Unit(in_channels) for _ in range(blocks))" in source(write, HALVES)


def test_shape_comments_have_the_order_of_the_tensor(write: Write) -> None:
    lines = source(write, TURNED).splitlines()
    assert [line.split("  # ")[1] for line in lines if "  # " in line] == [
        "8 x 32 x 16",
        "32 x 16 x 8",  # permuted
        "32 x 16 x 12",
        "32 x 16 x 6",
        "6 x 32 x 16",
        "5 x 32 x 16",
    ]


def test_code_keeps_a_value_in_a_variable(write: Write) -> None:
    made = source(write, SKIP)
    assert "        skip = self.skip(x)" in made
    assert "skip + x" in made


def test_a_spec_may_name_its_class(write: Write) -> None:
    made = source(write, "class_name: ResNet20\n" + STEPS)
    assert "class ResNet20(nn.Module):" in made
    assert "def mine(in_channels: int = 3) -> ResNet20:" in made


def test_a_class_name_is_that_of_one_spec(write: Write) -> None:
    write("class_name: Base\n" + STEPS, "base")
    made = open_spec(write("", head="extends: base.yaml\nname: other\n")).source("torch")
    assert "class Other(nn.Module):" in made


def test_a_class_name_that_the_file_needs_is_refused(write: Write) -> None:
    with pytest.raises(UnsupportedError, match="choose another `class_name`"):
        source(write, "class_name: Tensor\n" + STEPS)


def test_stages_count_up_in_their_function(write: Write) -> None:
    made = source(write, STAGES)
    assert "Unit(position=position + i) for i in range(1, blocks)" in made
    assert "self.s1 = make_stage(position=0, blocks=2)" in made
    assert "self.s2 = make_stage(position=2, blocks=3)" in made


def test_a_pattern_may_name_the_stage(write: Write) -> None:
    assert 'make_stage(position=2, blocks=2, name="second")' in source(write, NAMED)


def test_a_branch_is_dropped_only_where_there_is_a_shortcut(write: Write) -> None:
    made = source(write, DROPPED)
    assert "self.stochastic_depth = StochasticDepth(0.25)\n" in made
    assert "        if self.use_shortcut:\n            x = self.stochastic_depth(x)\n" in made


def test_code_under_a_condition_does_not_ask_for_it(write: Write) -> None:
    made = source(write, MIX)
    assert "self.norm1 = nn.BatchNorm2d(hidden)" in made
    assert "self.wide = nn.Conv2d(hidden, channels, 1, bias=False)" in made
    assert "720 if narrow" not in made.partition("self.tail")[0]
    assert "720 if not narrow" not in made


def test_a_default_that_no_call_may_take_is_none(write: Write) -> None:
    made = source(write, MIX)
    assert "def __init__(self, in_channels: int, se: int) -> None:" in made
    assert "se: int = 0," in made  # of the block whose gate is conditional


def test_paddings_of_one_block_have_their_names(write: Write) -> None:
    made = source(write, PADDED)
    assert "extra_channels = channels - in_channels" in made
    assert "extra_channels2 = 3 * channels - channels" in made


def test_branches_begin_with_the_value_itself_and_their_names_are_free_again(write: Write) -> None:
    """No `branch1 = x` where the branch does not overwrite x, and no `branch12` after the join."""
    made = source(write, NESTED)
    forward = made[made.rindex("def forward") :]
    names = set(re.findall(r"\b(?:branch|shortcut)\w*", forward))
    assert names == {"branch1", "branch1a", "branch1b", "branch2", "shortcut"}
    assert re.findall(r"(\w+) = (\w+)\n", forward) == [("shortcut", "branch1")]
