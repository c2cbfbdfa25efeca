"""What the emitted file says, of specs that are hard to say; and what Keras cannot."""

from __future__ import annotations

from rescompile.api import open_spec
from rescompile.registry import get_backend

from ...conftest import Write
from ...unit.test_assume import MIX
from ...unit.test_counting import DROPPED, NAMED, STAGES
from ...unit.test_positions_and_split import MLP, SPLIT, TURNED


def source(write: Write, text: str) -> str:
    return open_spec(write(text)).source("keras")


def test_channels_are_last_already_where_positions_are(write: Write) -> None:
    made = source(write, MLP)
    assert "ermute" not in made
    assert 'name="mlp_1"' in made


def test_a_split_is_one_statement(write: Write) -> None:
    assert "a, b, c = keras.ops.split(x, 3, axis=-1)" in source(write, SPLIT)


def test_shape_comments_have_the_order_of_the_tensor(write: Write) -> None:
    lines = source(write, TURNED).splitlines()
    comments = [line.split("  # ")[1] for line in lines if "  # " in line]
    assert comments == ["32 x 16 x 8", "32 x 16 x 12", "32 x 16 x 6", "32 x 16 x 5"]


def test_stages_count_up_in_their_function(write: Write) -> None:
    made = source(write, STAGES)
    assert 'x = unit(x, position=position + i, name=f"{name}_{i}")' in made
    assert 'x = make_stage(x, position=2, blocks=3, name="s2")' in made


def test_a_pattern_may_name_the_stage(write: Write) -> None:
    call = 'make_stage(x, position=2, blocks=2, stage="second", name="second")'
    assert call in source(write, NAMED)


def test_a_branch_is_dropped_only_where_there_is_a_shortcut(write: Write) -> None:
    made = source(write, DROPPED)
    _, found, conditional = made.partition("    if stride == 1:\n        x = layers.Dropout(")
    assert found
    assert "        x = layers.Add(" in conditional


def test_code_under_a_condition_does_not_ask_for_it(write: Write) -> None:
    made = source(write, MIX)
    assert "720 if narrow" not in made
    assert "else 720" not in made


def test_a_default_that_no_call_may_take_is_none(write: Write) -> None:
    assert "def gate(x: KerasTensor, se: int, *, name: str)" in source(write, MIX)


def refused(write: Write, options: str) -> list[str]:
    text = f"stages:\n  - conv_transpose: {{channels: 6, {options}}}\n    name: up\n"
    return get_backend("keras").unsupported(open_spec(write(text)).analysis)


def test_what_keras_has_not(write: Write) -> None:
    assert refused(write, "kernel: 3, stride: 2, padding: 1, output_padding: 1") == []
    assert refused(write, "kernel: 1, stride: 3, output_padding: 2") == []
    (said,) = refused(write, "kernel: 3, groups: 3")
    assert said == "up: Keras has no transposed convolution in groups"
    (said,) = refused(write, "kernel: 3, stride: 2, output_padding: 1")
    assert said == "up: no Keras layer gives an output_padding that exceeds the padding"
