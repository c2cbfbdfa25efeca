"""The semantic difference of two networks, on pairs whose difference the literature tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rescompile.api import open_spec
from rescompile.cli import main
from rescompile.compare.diff import Diff, Group, diff

from ..conftest import HEAD, Write

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "costs.json").read_text("utf-8"))


def made(a: str | Path, b: str | Path) -> Diff:
    return diff(open_spec(a).analysis.elaborated, open_spec(b).analysis.elaborated)


def shown(groups: tuple[Group, ...]) -> dict[str, list[str]]:
    return {group.title(): list(group.lines()) for group in groups}


def fact(name: str) -> dict[str, Any]:
    found: dict[str, Any] = FACTS["networks"][name]
    return found


def test_a_plain_network_and_its_residual_twin_differ_in_the_shortcut_alone() -> None:
    found = made("plain34", "resnet34")
    assert shown(found.groups) == {
        "layer1.0-2, layer2.1-3, layer3.1-5, layer4.1-2 (basic_block)": [
            "shortcut none -> identity"
        ],
        "layer2.0, layer3.0, layer4.0 (basic_block)": ["shortcut none -> projection"],
    }
    more = fact("resnet34")["parameters"] - fact("plain34")["parameters"]
    assert f"(+{more:,}, " in found.text()
    assert more == 173_824  # 3 projections: 64 x 128 + 128 x 256 + 256 x 512, and their norms


def test_v1_5_differs_in_where_the_stride_sits() -> None:
    found = made("resnet50", "resnet50_v1_5")
    assert shown(found.groups) == {
        "layer2.0, layer3.0, layer4.0 (bottleneck)": [
            "conv1: stride 2 -> 1",
            "conv2: stride 1 -> 2",
        ]
    }
    assert found.total.a.macs == fact("resnet50_v1")["macs"]
    assert found.total.b.macs == fact("resnet50_v1.5")["macs"]
    assert "parameters: 25,557,032 in both" in found.text()


def test_option_c_differs_from_b_only_where_b_has_the_identity() -> None:
    found = made("resnet34", "resnet34_c")
    assert shown(found.groups) == {
        "layer1.0-2, layer2.1-3, layer3.1-5, layer4.1-2 (basic_block)": [
            "shortcut identity -> projection"
        ]
    }
    assert found.total.b.parameters == fact("resnet34_C")["parameters"]


def test_depth_is_a_number_of_repetitions() -> None:
    assert shown(made("resnet20_cifar", "resnet56_cifar").groups) == {
        "": [f"layer{i}: repeat 3 -> 9" for i in (1, 2, 3)]
    }


def test_vgg_19_has_three_convolutions_more() -> None:
    (group,) = made("vgg16", "vgg19").groups
    lines = [line for line in group.lines() if "conv" in line]
    assert [line.partition(": ")[2] for line in lines] == [
        "conv 3x3, 256, bias",
        "conv 3x3, 512, bias",
        "conv 3x3, 512, bias",
    ]
    assert all(line.startswith("+ features.") for line in group.lines())


def test_another_block_is_told_once_with_its_changes() -> None:
    found = shown(made("resnet50", "se_resnet50").groups)
    assert found[""] == [f"layer{i}: block bottleneck -> se_bottleneck" for i in (1, 2, 3, 4)]
    (title,) = [title for title in found if title]
    assert title.endswith("(bottleneck -> se_bottleneck)")
    assert found[title] == ["+ se_module: squeeze_excitation"]


@pytest.mark.parametrize("turned", [False, True])
def test_pre_activation_is_a_matter_of_position(turned: bool) -> None:
    pair = ("resnet18", "preact_resnet18")
    found = shown(made(*(reversed(pair) if turned else pair)).groups)
    (lines,) = [lines for title, lines in found.items() if title.startswith("layer1.1, layer2.1, ")]
    assert all(": position " in line for line in lines)
    assert {line.partition(":")[0] for line in lines} == (
        {"conv1", "conv2"} if turned else {"conv1", "bn2", "relu2"}
    )


def test_several_attributes_of_a_layer_are_on_one_line() -> None:
    found = shown(made("resnet50_v1_5", "resnext50_32x4d").groups)
    assert "conv2: channels 64 -> 128, groups 1 -> 32" in found["layer1.0-2 (bottleneck)"]


@pytest.mark.parametrize("spec", ["resnet34", "googlenet", "densenet121", "mobilenet_v2"])
def test_a_network_does_not_differ_from_itself(spec: str) -> None:
    found = made(spec, spec)
    assert not found.different
    assert found.text().endswith("no difference\n")


STEM = "stages:\n  - conv: {channels: 8, kernel: 3}\n    name: a\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (STEM, STEM.replace("3}", "3, stride: 1, padding: 1}")),
        (STEM + "  - activation: {}\n", STEM + "  - activation: {kind: relu}\n    name: other\n"),
        (STEM, STEM.replace("channels: 8", "channels: $classes - 2")),
        (STEM, f"title: Another\nsource: elsewhere\n{STEM}"),
    ],
)
def test_another_text_for_the_same_is_no_difference(write: Write, before: str, after: str) -> None:
    assert made(write(before, "one"), write(after, "two")).groups == ()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("kernel: 3", "kernel: 5", "a: kernel 3 -> 5, padding 1 -> 2"),
        ("name: a", "name: b", "a: name a -> b"),
        ("3}", "3, bias: true}", "a: bias False -> True"),
        ("kernel: 3", "kernel: [3, 1]", "a: kernel 3 -> 3 x 1, padding 1 -> 1 x 1 x 0 x 0"),
    ],
)
def test_an_attribute_that_changes(write: Write, old: str, new: str, line: str) -> None:
    found = made(write(STEM, "one"), write(STEM.replace(old, new), "two"))
    assert line in [text for group in found.groups for text in group.lines()]


def test_what_the_network_is_given_and_how_it_starts(write: Write) -> None:
    head = "rescompile: 1\nname: {}\ninput: {{channels: {}, height: 32, width: 32}}\nclasses: {}\n"
    init = "defaults: {init: {conv: {kind: kaiming_normal, mode: fan_in}}}\n"
    one = write(STEM, "one", head=head.format("one", 3, 10))
    two = write(init + STEM, "two", head=head.format("two", 1, 100))
    assert shown(made(one, two).groups)[""] == [
        "input 3 x 32 x 32 -> 1 x 32 x 32, classes 10 -> 100, initial weights of convolutions "
        "kaiming_normal fan_out -> kaiming_normal fan_in"
    ]


def test_branches_that_share_the_channels_or_split_them(write: Write) -> None:
    text = "stem: [{name: j, add: [[{activation: {}}], [{conv: {channels: %d, kernel: 1}}]]%s}]\n"
    one = write(text % (4, ""), "one", head=HEAD.replace("channels: 3", "channels: 4"))
    two = write(text % (2, ", split: true"), "two", head=HEAD.replace("channels: 3", "channels: 4"))
    lines = [line for group in made(one, two).groups for line in group.lines()]
    assert any("channels shared -> split" in line for line in lines)


def test_stages_that_come_and_go() -> None:
    found = made("resnet34", "googlenet")
    (top, *_) = found.groups
    assert "- layer1: basic_block x 3" in list(top.lines())
    assert "+ inception5b: inception" in list(top.lines())
    by_name = {stage.name: stage for stage in found.stages}
    assert by_name["layer1"].b.parameters == 0
    assert by_name["inception5b"].a.parameters == 0


PAIRS = [("plain34", "resnet34"), ("resnet34", "googlenet"), ("densenet121", "vgg16")]


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_stages_add_up_and_the_text_fits(a: str, b: str) -> None:
    found = made(a, b)
    for side in ("a", "b"):
        macs = sum(getattr(stage, side).macs for stage in found.stages)
        assert macs == getattr(found.total, side).macs
    assert max(map(len, found.text().splitlines())) <= 100


def test_the_three_formats_and_the_exit_code(tmp_path: Path) -> None:
    run = CliRunner().invoke
    text = run(main, ["diff", "plain34", "resnet34"])
    assert text.exit_code == 0
    assert "layer2   1,116,416    +8,448" in text.output
    markdown = run(main, ["diff", "plain34", "resnet34", "--format", "markdown"])
    assert "| layer2 | 1,116,416 | +8,448 |" in markdown.output
    output = tmp_path / "diff.json"
    options = ["--format", "json", "-o", str(output), "--exit-code"]
    assert run(main, ["diff", "plain34", "resnet34", *options]).exit_code == 1
    data = json.loads(output.read_text("utf-8"))
    assert data["different"] is True
    assert data["changes"][1]["places"] == ["layer2.0", "layer3.0", "layer4.0"]
    assert data["total"]["b"]["parameters"] == fact("resnet34")["parameters"]
    assert run(main, ["diff", "resnet34", "resnet34", "--exit-code"]).exit_code == 0
    assert run(main, ["diff", "resnet34", "resnet3"]).exit_code == 1
