"""`show --resolved` prints a spec that means the same, and needs no other file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rescompile.api import Architecture, open_spec
from rescompile.language.dump import dump
from rescompile.language.load import zoo
from rescompile.language.yaml import read


def reopened(net: Architecture, folder: Path) -> Architecture:
    path = folder / f"{net.name}.yaml"
    path.write_text(net.resolved(), encoding="utf-8")
    return open_spec(path)


@pytest.mark.parametrize("spec", sorted(zoo()))
def test_a_resolved_spec_means_the_same(spec: str, tmp_path: Path) -> None:
    net = open_spec(spec)
    again = reopened(net, tmp_path)
    assert "extends" not in again.resolved()
    assert replace(again.analysis.network, spec=net.analysis.network.spec) == net.analysis.network
    assert again.resolved() == net.resolved()


def test_strings_that_look_like_numbers_keep_their_quotes(write: Callable[..., Path]) -> None:
    data = read(b'{title: "1e5", source: "007", name: "true", claims: [1.0e-5, "1_000", ""]}', "x")
    assert read(dump(data).encode(), "x").plain() == data.plain()
