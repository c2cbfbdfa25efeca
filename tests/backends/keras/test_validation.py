"""Emitted source that is not what the spec says is refused, and the difference told."""

from __future__ import annotations

from ..conftest import Refusal


def test_names_that_nobody_bound(refusal: Refusal) -> None:
    said = refusal(("conv(x, 8", "conv(x, width"))
    assert "NameError: name 'width' is not defined" in said


def test_weights_of_another_name(refusal: Refusal) -> None:
    said = refusal(('name="conv3"', 'name="convolution3"'))
    assert "there is no weight 'conv3.weight'" in said


def test_two_layers_of_one_name(refusal: Refusal) -> None:
    said = refusal(('name="conv3"', 'name="conv2"'))
    assert "two layers are called 'conv2'" in said


def test_an_initialiser_that_two_layers_share(refusal: Refusal) -> None:
    made = 'keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")'
    said = refusal(
        (f"kernel_initializer={made}", "kernel_initializer=INIT"),
        ("def conv(", f"INIT = {made}\n\n\ndef conv("),
    )
    assert "two layers share an initialiser" in said


def test_the_kernel_behind_a_flatten_has_its_rows_where_its_weights_go(refusal: Refusal) -> None:
    said = refusal(
        ("layers.Flatten(", 'layers.Permute((3, 1, 2), name="moved")(x)\n    x = layers.Flatten('),
    )
    assert "the rows of fc are in another order than their weights" in said


def test_channels_first_is_no_way_to_run_a_file(refusal: Refusal) -> None:
    said = refusal(('name="pool"', 'data_format="channels_first", name="pool"'))
    assert "pool: channels are not last" in said
