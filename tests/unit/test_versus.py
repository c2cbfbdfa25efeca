"""Comparisons: exact ratios, ratios of rounded figures, and which percentage follows from which."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from rescompile.compare.versus import Ratio, Side, Versus, versus
from rescompile.cost.cost import Cost
from rescompile.ir.elaborate import elaborate
from rescompile.ir.trace import Elaborated
from rescompile.language.load import load
from rescompile.lower import lower
from rescompile.table import FORMATS, USUAL, rounded

PLAIN34, RESNET34, VGG19 = 3_644_493_824, 3_663_761_408, 19_632_062_464


PLAIN = "rescompile: 1\nname: plain34\ntitle: Plain-34\nextends: resnet34\nshortcut: none\n"
VGG = """\
rescompile: 1
name: vgg19
title: VGG-19
input: {channels: 3, height: 224, width: 224}
classes: 1000
defaults: {bias: true}
blocks:
  down:
    parameters: {channels: {type: int}, convs: {type: int}}
    sequence:
      - steps:
          - conv: {channels: $channels, kernel: 3}
          - activation: {}
        repeat: $convs
      - max_pool: {kernel: 2}
stages:
  - {name: down1, block: down, channels: 64, convs: 2}
  - {name: down2, block: down, channels: 128, convs: 2}
  - {name: down3, block: down, channels: 256, convs: 4}
  - {name: down4, block: down, channels: 512, convs: 4}
  - {name: down5, block: down, channels: 512, convs: 4}
head:
  - flatten: {}
  - linear: {features: 4096}
  - activation: {}
  - linear: {features: 4096}
  - activation: {}
  - linear: {features: $classes}
"""


@pytest.fixture
def pair(tmp_path: Path) -> Versus:
    return versus(
        *(elaborated(tmp_path / f"{i}.yaml", text) for i, text in enumerate((PLAIN, VGG)))
    )


def elaborated(path: Path, text: str) -> Elaborated:
    path.write_text(text)
    return elaborate(lower(load(path)))


def side(name: str, title: str, cost: Cost) -> Side:
    return Side(name, title, "", {"input": (3, 224, 224)}, cost)


@pytest.mark.parametrize(
    ("key", "a", "b", "exact", "figures", "ratio"),
    [
        ("macs", PLAIN34, VGG19, 18.564, "3.6 / 19.6 G", 18.37),
        ("macs", RESNET34, VGG19, 18.662, "3.7 / 19.6 G", 18.88),
        ("parameters", 1_500_000, 6_000_000, 25.0, "1.5 / 6.0 M", 25.0),
    ],
)
def test_a_ratio_and_that_of_its_figures(
    key: str, a: int, b: int, exact: float, figures: str, ratio: float
) -> None:
    found = Ratio(key, a, b)
    assert found.exact is not None
    assert found.of_figures is not None
    assert float(rounded(found.exact, 3)) == exact
    assert found.shown == figures
    assert float(rounded(found.of_figures, 2)) == ratio


@pytest.mark.parametrize(
    ("a", "b", "figures", "unit"),
    [
        (40_551_040, PLAIN34, ("40.6", "3644.5"), "M"),
        (999_960, 2_000_000, ("1.0", "2.0"), "M"),
        (999, 1998, ("999", "1998"), ""),
        (0, 19_632_062_464, ("0.0", "19.6"), "G"),
        (5_000, 0, ("5.0", "0.0"), "k"),
    ],
)
def test_figures_share_the_unit_that_both_reach(
    a: int, b: int, figures: tuple[str, str], unit: str
) -> None:
    ratio = Ratio("macs", a, b)
    assert tuple(map(str, ratio.figures)) == figures
    assert ratio.unit == unit


def test_no_ratio_to_nothing() -> None:
    ratio = Ratio("macs", 5, 0)
    assert (ratio.exact, ratio.of_figures) == (None, None)
    pair = Versus(side("a", "A", Cost(1)), side("b", "B", Cost()), (ratio,))
    assert all(FORMATS[name].render(pair, USUAL) for name in FORMATS)
    assert pair.text().splitlines()[-1] == "MACs      5  0      -            5 / 0            -"


def test_memory_is_in_bytes() -> None:
    assert Ratio("weights_bytes", 87_258_784, 574_668_960).unit == "MB"


def test_titles_tell_the_two_apart() -> None:
    cost = Cost(1)
    assert Versus(side("a", "A", cost), side("b", "B", cost), ()).titles == ("A", "B")
    assert Versus(side("a", "A", cost), side("b", "A", cost), ()).titles == ("a", "b")
    assert Versus(side("a", "A", cost), side("a", "A", cost), ()).titles == ("first", "second")


def test_plain34_against_vgg19(pair: Versus) -> None:
    text = pair.text()
    for line in (
        "Plain-34 against VGG-19",
        "MACs               3,644,493,824  19,632,062,464  18.564 %     3.6 / 19.6 G      18.37 %",
    ):
        assert line in text.splitlines()
    assert "34 layers deep" in text
    assert "19 layers deep" in text
    assert "FLOPs = 2 x MACs" in text
    assert "18.564 %" in pair.markdown()
    assert "truncated" not in text  # why a source prints what it does, `check` says


def test_json_and_csv_are_exact(pair: Versus) -> None:
    data = json.loads(pair.json())
    assert data["convention"]["flops"] == "2 x macs"
    assert (data["a"]["macs"], data["b"]["macs"]) == (PLAIN34, VGG19)
    row = next(row for row in data["ratios"] if row["quantity"] == "macs")
    assert row == {
        "quantity": "macs",
        "a": PLAIN34,
        "b": VGG19,
        "ratio_percent": 18.564,
        "rounded_a": 3.6,
        "rounded_b": 19.6,
        "rounded_unit": "G",
        "ratio_of_rounded_percent": 18.37,
    }
    lines = list(csv.DictReader(io.StringIO(pair.csv())))
    assert [line["quantity"] for line in lines] == [row["quantity"] for row in data["ratios"]]
    assert lines[1]["a"] == str(PLAIN34)
