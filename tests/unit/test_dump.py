"""`show --resolved` prints a spec that means the same, and needs no other file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rescompile.api import Architecture, open_spec
from rescompile.conformance.networks import compiled
from rescompile.errors import SpecError
from rescompile.language.dump import dump
from rescompile.language.load import zoo
from rescompile.language.yaml import read


def reopened(net: Architecture, folder: Path) -> Architecture:
    path = folder / f"{net.name}.yaml"
    path.write_text(net.resolved(), encoding="utf-8")
    return open_spec(path)


@pytest.mark.parametrize("spec", sorted(zoo()))
def test_a_resolved_spec_means_the_same(spec: str, tmp_path: Path) -> None:
    net = compiled(spec)
    again = reopened(net, tmp_path)
    assert "extends" not in again.resolved()
    assert replace(again.analysis.network, spec=net.analysis.network.spec) == net.analysis.network
    assert again.resolved() == net.resolved()


def test_strings_that_look_like_numbers_keep_their_quotes(write: Callable[..., Path]) -> None:
    data = read(b'{title: "1e5", source: "007", name: "true", claims: [1.0e-5, "1_000", ""]}', "x")
    assert read(dump(data).encode(), "x").plain() == data.plain()


LIBRARY = """rescompile: 1
blocks:
  outer:
    about: Hands on what the inner block has no use for.
    parameters: {channels: {}, factor: {type: float, default: 2}, width: {default: 3}}
    body:
      - {name: inner, block: inner, channels: $channels, factor: $factor, width: $width + 1}
  inner:
    parameters: {channels: {}, factor: {type: float}, width: {}, unread: {default: 1}}
    let: {twice: $width * 2}
    body:
      - residual:
          branch: [{conv: {channels: $channels, kernel: 3}, name: conv}]
          shortcut: none
          scale: $factor
      - {activation: {kind: relu, slope: 0.3}}
      - residual:
          branch: [{conv: {channels: $channels, kernel: 1}, name: last}]
          shortcut: projection_always
          tap: preactivation
"""
NET = """rescompile: 1
name: mine
input: {channels: 4, height: 8, width: 8}
parameters: {given: 0.5}
use: [library]
stages: [{name: layer1, block: outer, channels: 4, factor: $given}]
"""


def test_what_changes_nothing_in_a_library_is_left_out(tmp_path: Path) -> None:
    """In a file of its own it is an error, and so is what only such words asked for."""
    (tmp_path / "library.yaml").write_text(LIBRARY, "utf-8")
    (tmp_path / "net.yaml").write_text(NET, "utf-8")
    net = open_spec(tmp_path / "net.yaml")
    again = open_spec(net.resolved())
    assert again.analysis.network.stages == net.analysis.network.stages
    assert again.analysis.network.blocks == net.analysis.network.blocks
    for word in ("factor", "given", "width: $", "unread", "let", "slope", "scale", "tap"):
        assert word not in net.resolved()


def test_what_changes_nothing_in_ones_own_file_stays_wrong(tmp_path: Path) -> None:
    text = NET.replace("given: 0.5", "given: 0.5, width: 2")
    (tmp_path / "library.yaml").write_text(LIBRARY, "utf-8")
    (tmp_path / "net.yaml").write_text(text, "utf-8")
    with pytest.raises(SpecError, match="nothing reads the parameter 'width'"):
        _ = open_spec(open_spec(tmp_path / "net.yaml").resolved()).analysis
