"""`extends` and `use`: what is inherited, what wins, and where files are looked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import rescompile
from rescompile.api import open_spec
from rescompile.cli import main
from rescompile.errors import SpecError
from rescompile.language.load import cite, find, load, zoo

Write = Callable[..., Path]
STAGES = """
title: The base
claims: [{layers: "2", where: here}]
stages:
  - {name: layer1, block: unit, repeat: 2, channels: 8}
  - {name: layer2, block: unit, repeat: 2, channels: 16}
blocks:
  unit:
    parameters: {channels: {type: int}}
    sequence: [{conv: {channels: $channels, kernel: 3}}]
"""
CHILD = "rescompile: 1\nname: child\nextends: mine\n"


def code(path: Path) -> str:
    with pytest.raises(SpecError) as caught:
        load(path)
    return caught.value.diagnostics[0].code


def test_elements_of_a_list_are_changed_by_name(write: Write) -> None:
    write(STAGES)
    spec = load(write("stages: {layer2: {repeat: 5}}\n", "child", CHILD)).spec
    assert [(s.name, s.repeat, s.arguments) for s in spec.stages] == [
        ("layer1", 2, {"channels": 8}),
        ("layer2", 5, {"channels": 16}),
    ]


def test_a_list_replaces_a_list(write: Write) -> None:
    write(STAGES)
    spec = load(write("stages: [{activation: {}}]\n", "child", CHILD)).spec
    assert [step.word for step in spec.stages] == ["activation"]


def test_mappings_merge_key_by_key(write: Write) -> None:
    write(STAGES)
    spec = load(write("input: {height: 64}\n", "child", CHILD)).spec
    assert (spec.input.channels, spec.input.height, spec.input.width) == (3, 64, 32)


def test_title_and_claims_are_not_inherited(write: Write) -> None:
    write(STAGES)
    spec = load(write("", "child", CHILD)).spec
    assert (spec.name, spec.title, spec.claims) == ("child", "", [])


def test_own_blocks_win_over_those_in_use(write: Write) -> None:
    library = "blocks:\n  unit: {inline: [{norm: {}}]}\n  other: {inline: [{norm: {}}]}\n"
    write(library, "library", "")
    spec = load(write(STAGES + "use: [library]\n")).spec
    assert set(spec.blocks) == {"unit", "other"}
    assert spec.blocks["unit"].sequence is not None


def test_a_file_beside_wins_over_the_zoo(write: Write) -> None:
    write(STAGES, "resnet34")
    spec = load(write("", "child", CHILD.replace("mine", "resnet34"))).spec
    assert len(spec.stages) == 2


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("extends: child", "E104"),
        ("extends: nowhere", "E105"),
        ("extends: ../child", "E105"),
        ("extends: /etc/passwd", "E105"),
        ("extends: [mine]", "E105"),
        ("extends: mine\nuse: [mine]", "E105"),
        ("extends: mine\nstages: {layer9: {repeat: 1}}", "E106"),
    ],
)
def test_refused(write: Write, line: str, expected: str) -> None:
    write(STAGES)
    assert code(write(f"{line}\n", "child", "rescompile: 1\nname: child\n")) == expected


def test_a_link_out_of_the_folder_is_not_followed(write: Write, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    outside = write(STAGES, "outside")
    (tmp_path / "inner" / "link.yaml").symlink_to(outside)
    assert code(write("", "inner/child", CHILD.replace("mine", "link"))) == "E105"


def test_a_long_chain_is_refused(write: Write) -> None:
    write(STAGES, "n0")
    for i in range(1, 12):
        path = write("", f"n{i}", f"rescompile: 1\nname: n{i}\nextends: n{i - 1}\n")
    assert code(path) == "E104"


def test_errors_of_an_inherited_part_stand_in_its_own_file(write: Write) -> None:
    base = write(STAGES.replace("repeat: 2, channels: 16", "repeat: -1, channels: 16"))
    with pytest.raises(SpecError) as caught:
        load(write("", "child", CHILD))
    at = caught.value.diagnostics[0].location
    assert at is not None
    assert Path(at.file).name == base.name


def test_all_errors_of_a_file_are_found(write: Write) -> None:
    with pytest.raises(SpecError) as caught:
        load(write("stages:\n  - conv: {channels: 8}\n  - norm: {kind: x}\nheads: []\n"))
    assert [d.code for d in caught.value.diagnostics] == ["E111", "E112", "E110"]


def test_find_and_cite(write: Write) -> None:
    assert find("resnet34") == zoo()["resnet34"]
    assert cite(find("resnet34")) == "specs/resnet34.yaml"
    assert cite(write(STAGES)) == "mine.yaml"
    assert cite(Path("/somewhere/specs/nets/mine.yaml")) == "specs/nets/mine.yaml"


def test_a_shipped_spec_has_no_path_where_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cite(find("vgg16")) == cite(find(str(find("vgg16")))) == "the shipped vgg16"
    text = " ".join(load(find("vgg16"), ["classes=10"]).cited.split())
    assert text == "the shipped vgg16 with classes=10"
    head = open_spec("vgg16").source().split("\n\n")[1]
    assert head.endswith(" from the shipped vgg16; edit a spec that extends it, not this file.")
    done = CliRunner().invoke(main, ["build", "vgg16"])
    assert done.exit_code == 0
    assert CliRunner().invoke(main, ["build", "vgg16", "--check"]).exit_code == 0
    with pytest.raises(SpecError, match="resnet34"):
        find("resnet43")


def total(body: str) -> int:
    """Parameters of a network that extends ResNet-34."""
    text = f"rescompile: 1\nname: child\nextends: resnet34\n{body}"
    parameters: int = rescompile.load(text).report("network").total.parameters
    return parameters


def test_a_stage_is_dropped_by_null() -> None:
    """Without layer4 and with a classifier of 256 channels: counted by hand from Table 1."""
    whole = rescompile.load("resnet34").report().rows
    layer4 = next(row.cost.parameters for row in whole if row.name == "layer4")
    assert total("stages: {layer4: null}\n") == 21_797_672 - layer4 - 256 * 1000


def test_a_step_is_added_before_or_after_another() -> None:
    more = "block: basic_block, channels: 64, repeat: 2}}\n"
    added = 2 * 2 * (64 * 64 * 9 + 2 * 64)
    assert total("stages: {extra: {after: layer1, " + more) == 21_797_672 + added
    assert total("stages: {extra: {before: layer1, " + more) == 21_797_672 + added
    text = "rescompile: 1\nname: c\nextends: resnet34\nstages: {extra: {after: layer1, " + more
    labels = [stage.label for stage in rescompile.load(text).analysis.network.stages]
    assert labels[1:4] == ["layer1", "extra", "layer2"]


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ("{extra: {after: layer9, block: basic_block}}", "no step 'layer9' for 'extra' to stand"),
        ("{extra: {after: [1], block: basic_block}}", "for 'extra' to stand after"),
        ("{extra: {after: layer1, before: layer2}}", "remove one of the two"),
        ("{extra: {block: basic_block}}", "say where: `extra: {after: layer4, ...}`"),
        ("{extra: null}", "there is nothing named 'extra' to change in the base"),
        ("{layer1: {after: layer2}}", "after"),
    ],
)
def test_a_wrong_place_is_told(stages: str, said: str) -> None:
    text = f"rescompile: 1\nname: c\nextends: resnet34\nstages: {stages}\n"
    with pytest.raises(SpecError) as caught:
        rescompile.load(text).analysis  # noqa: B018
    assert said in str(caught.value)
