"""The shipped specs as a whole: found by their names, and none of torchvision's missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.conformance.networks import compiled
from rescompile.cost.cost import network_cost
from rescompile.language.load import find, zoo, zoo_directory

FACTS = Path(__file__).parents[1] / "facts" / "torchvision_parameters.json"
PUBLISHED: dict[str, int] = json.loads(FACTS.read_text("utf-8"))["parameters"]
RENAMED = {f"resnet{depth}": f"resnet{depth}_v1_5" for depth in (50, 101, 152)}


def test_a_spec_is_called_like_its_file_wherever_that_stands() -> None:
    files = [f for f in zoo_directory().rglob("*.yaml") if "blocks" not in f.parts]
    assert len({f.stem for f in files}) == len(files)
    for file in files:
        assert find(file.stem) == file
        assert open_spec(file).name == file.stem


def test_each_family_has_a_folder_and_that_of_the_paper_is_on_top() -> None:
    root = zoo_directory()
    for name, path in zoo().items():
        if path.parent == root:
            assert name.startswith(("resnet", "plain"))
        else:
            assert path.parent.parent == root, "one folder a family"
    assert zoo()["vgg16"].parent == zoo()["vgg11"].parent == root / "vgg"


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_torchvisions_parameters(name: str) -> None:
    elaborated = compiled(RENAMED.get(name, name)).analysis.elaborated
    assert network_cost(elaborated).parameters == PUBLISHED[name]
