"""`extends` and `use`: what is inherited, what wins, and where files are looked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

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
    base = write(STAGES.replace("repeat: 2, channels: 16", "repeat: 0, channels: 16"))
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
    with pytest.raises(SpecError, match="resnet34"):
        find("resnet43")
