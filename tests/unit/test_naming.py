"""Names that the compiler makes: of classes, of rows, and of what gives way to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rescompile.api import open_spec
from rescompile.emit.naming import class_name, pascal_case
from rescompile.errors import SpecError

Write = Callable[..., Path]
STEPS = """
stages:
  - {conv: {channels: 4, kernel: 3}, name: first}
  - max_pool: {kernel: 2}
  - {conv: {channels: 4, kernel: 3}, name: second}
  - max_pool: {kernel: 2}
  - concat: [[{from: second}, {max_pool: {kernel: 2}}], []]
head:
  - {conv: {channels: 4, kernel: 3}}
"""


@pytest.mark.parametrize(
    ("name", "title", "made"),
    [
        ("resnet34", "ResNet-34", "ResNet34"),
        ("resnet20_cifar", "ResNet-20 for CIFAR-10", "ResNet20CIFAR"),
        ("resnet50_v1_5", "ResNet-50 v1.5", "ResNet50V1_5"),
        ("regnet_x_1_6gf", "RegNetX-1.6GF", "RegNetX1_6GF"),
        ("regnet_x_16gf", "RegNetX-16GF", "RegNetX16GF"),
        ("googlenet_aux", "GoogLeNet with its two auxiliary classifiers", "GoogLeNetAux"),
        ("my_net", "", "MyNet"),
        ("my_net", "Something else", "MyNet"),
        ("ab_ba", "BA-AB", "ABBa"),
        ("kelvin", "\u212aelvin", "Kelvin"),
        ("a__1_", "A 1", "A1"),
    ],
)
def test_a_class_is_the_name_as_the_title_spells_it(name: str, title: str, made: str) -> None:
    assert class_name(name, title) == made


def test_two_numbers_stay_apart() -> None:
    assert pascal_case("block_1_1") == "Block1_1"
    assert pascal_case("block_11") == "Block11"
    assert pascal_case("basic_block") == "BasicBlock"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("class", "is a word of Python"),
        ("Two Words", "is not a name"),
        ("1st", "is not a name"),
        ("Exception", "is a function of Python"),
        ("mine", "the class has the name of the function"),
    ],
)
def test_a_class_name_that_is_none_is_refused_with_its_place(
    write: Write, name: str, message: str
) -> None:
    with pytest.raises(SpecError) as refused:
        open_spec(str(write(f"class_name: {name}\n" + STEPS)))
    (found,) = refused.value.diagnostics
    assert message in found.message
    assert found.location is not None
    assert found.location.line == 5


def test_a_row_is_called_as_its_step_is(write: Write) -> None:
    net = open_spec(str(write(STEPS)))
    labels = [stage.label for stage in net.analysis.network.stages]
    assert labels == ["first", "maxpool1", "second", "maxpool2", "concat", "head"]
    layers = {row.name for row in net.report("layer").rows}
    assert {"maxpool1", "maxpool2", "concat"} <= layers
