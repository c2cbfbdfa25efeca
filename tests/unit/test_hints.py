"""What is said to a word that is not known: a slip of one that is, or another tool's word."""

from __future__ import annotations

import pytest

from rescompile.errors import SpecError, did_you_mean, near
from rescompile.language import foreign
from rescompile.language.hints import word_help
from rescompile.language.load import load
from rescompile.language.models import ACTIVATIONS, NORMS, WORDS

from ..conftest import Write

SLIPS = {
    "cnov": "conv",
    "convv": "conv",
    "maxpool": "max_pool",
    "Max_Pool": "max_pool",
    "depthwise_covn": "depthwise_conv",
    "lineer": "linear",
    "activaton": "activation",
    "residuall": "residual",
    "channel_shufle": "channel_shuffle",
}


def help_for(write: Write, step: str) -> str:
    with pytest.raises(SpecError) as raised:
        load(write(f"stages:\n  - {step}\n"))
    (found,) = raised.value.diagnostics
    return found.help


@pytest.mark.parametrize("word", SLIPS)
def test_a_slip_is_told_from_a_word(word: str, write: Write) -> None:
    assert help_for(write, f"{word}: {{}}") == f"did you mean '{SLIPS[word]}'?"


@pytest.mark.parametrize(
    "word",
    [
        *("attention", "crelu", "lstm", "FReLU", "Dropout3d", "Unfold", "geglu"),
    ],
)
def test_a_step_of_another_tool_is_no_slip(word: str, write: Write) -> None:
    help = help_for(write, f"{word}: {{}}")
    assert help.startswith(
        f"`{word}` is not in this language; known: activation, adaptive_avg_pool, "
    )


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("dense", "it is called `linear` here"),
        (
            "SpectralNorm",
            "frameworks differ in training: Keras replaces the kernel, PyTorch keeps it",
        ),
        ("max_pool2d", "it is called `max_pool` here"),
        ("conv3d", "it is called `conv` here: how many axes it works on the input tells"),
        ("AvgPool1d", "it is called `avg_pool` here: how many axes it works on the input tells"),
        (
            "Conv1DTranspose",
            "it is called `conv_transpose` here: how many axes it works on the input tells",
        ),
        ("batch_norm", "it is called `norm` here"),
        ("BatchNorm2d", "it is called `norm` here"),
        ("layer_norm", "write `norm: {kind: layer}`"),
        ("relu6", "write `activation: {kind: relu6}`"),
        ("swish", "write `activation: {kind: silu}`"),
        ("identity", "leave the step out; an empty branch, `[]`, is what comes in"),
    ],
)
def test_a_step_has_another_name_here(word: str, answer: str, write: Write) -> None:
    assert help_for(write, f"{word}: {{}}") == answer


def test_a_step_that_nobody_knows_may_be_a_block(write: Write) -> None:
    help = help_for(write, "wiggle: {}")
    assert help.startswith("if it is a block, write `block: wiggle`; known: scale, table, linear, ")


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("crelu", "`crelu` is not in this language; known: celu, "),
        ("glu", "write `multiply: [[], [activation: {kind: sigmoid}]]`, and `split: true` "),
        ("LogSoftmax", "it is called `log_softmax` here"),
        ("swish", "it is called `silu` here"),
        ("lrelu", "it is called `leaky_relu` here"),
        ("sillu", "did you mean 'silu'?"),
    ],
)
def test_kinds_of_activation(word: str, answer: str, write: Write) -> None:
    assert help_for(write, f"activation: {{kind: {word}}}").startswith(answer)


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("batch_norm", "it is called `batch` here"),
        ("bn", "it is called `batch` here"),
        ("InstanceNorm2d", "it is called `instance` here"),
        ("rms", "`rms` is not in this language; known: batch, group, instance, layer, none"),
        ("btach", "did you mean 'batch'?"),
    ],
)
def test_kinds_of_norm(word: str, answer: str, write: Write) -> None:
    assert help_for(write, f"norm: {{kind: {word}}}") == answer


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("activation: relu", "an activation is a step of its own: `- activation: {}`"),
        ("in_channels: 3", "leave it out: the compiler knows what comes in"),
        ("strides: 2", "it is called `stride` here"),
        ("pad: 1", "it is called `padding` here"),
        ("biass: true", "did you mean 'bias'?"),
    ],
)
def test_keys_of_a_convolution(key: str, answer: str, write: Write) -> None:
    assert help_for(write, f"conv: {{channels: 8, kernel: 3, {key}}}") == answer


def test_a_torn_expression_needs_quotes(write: Write) -> None:
    """Which is so where names are keys, too: each piece of it is told so."""
    text = "blocks:\n  a:\n    let: {b: max(1, $in_channels // 2)}\n    body: [flatten: {}]\n"
    with pytest.raises(SpecError) as raised:
        load(write(text + "stages: [{block: a}]\n"))
    (torn,) = [one for one in raised.value.diagnostics if "is not a name" in one.message]
    assert torn.help.startswith("put quotes around an expression that holds a comma")


def test_tables_speak_of_words_that_are_there() -> None:
    """And what is not in the language has no other name in it."""
    known = {word.replace("_", "") for word in (*WORDS, *ACTIVATIONS, *NORMS)}
    assert set(foreign.STEPS.values()) <= set(WORDS)
    assert set(foreign.KINDS.values()) <= {*ACTIVATIONS, *NORMS}
    named = {*foreign.STEPS, *foreign.KINDS, *foreign.ANSWERS}
    assert all(word == word.lower().replace("_", "") for word in {*named, *foreign.FOREIGN})
    assert not foreign.FOREIGN & {*named, *known}


@pytest.mark.parametrize("word", sorted(foreign.FOREIGN))
def test_no_word_of_another_tool_is_taken_for_a_slip(word: str) -> None:
    for known in (WORDS, ACTIVATIONS, NORMS):
        assert word_help(word, known).startswith(f"`{word}` is not in this language; known: ")


def test_near_are_slips_alone() -> None:
    assert near("stirde", ["stride", "strides"]) == ["stride"]
    assert near("residual", ["blocks/residual", "blocks/repvgg"]) == ["blocks/residual"]
    assert near("layer9", ["layer1", "layer2", "stem"]) == ["layer1", "layer2"]
    assert near("attention", ["activation"]) == []
    assert near("ab", ["cd", "xyz"]) == []  # all letters of a word are no slip
    assert near("padd", ["add"]) == []  # it means something else
    assert near("ocnv", ["conv"]) == near("onv", ["conv"]) == ["conv"]
    assert near("", ["a"]) == []


def test_several_that_are_as_near_are_all_told() -> None:
    layers = [f"layer{i}" for i in range(1, 8)]
    assert did_you_mean("layer9", layers[:2]) == "did you mean 'layer1' or 'layer2'?"
    assert did_you_mean("layer9", layers[:3]) == "did you mean 'layer1', 'layer2' or 'layer3'?"
    assert did_you_mean("layer9", [*layers, "stem"]) == f"known: {', '.join(layers)}"
    assert did_you_mean("head", ["stem"]) == "known: stem"
    assert did_you_mean("head", []) == ""


def test_of_many_names_the_five_that_look_most_alike_are_told() -> None:
    many = [f"squeezenet{i}" for i in range(60)] + ["folder/resnet_like", "alexnet"]
    told = did_you_mean("resnets_like_mine", many).removeprefix("known: ")
    assert told.startswith("folder/resnet_like, alexnet, squeezenet")
    assert told.endswith(", and 57 more")
    assert told.count(",") == 5
