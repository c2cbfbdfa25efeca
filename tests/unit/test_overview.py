"""Many networks in one table: sorted, filtered, in every format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import rescompile
from rescompile.cli import main

ROOT = Path(__file__).parents[2]


def run(*words: str) -> str:
    done = CliRunner().invoke(main, ["report", *words])
    assert done.exit_code == 0, done.output
    return done.output


def names(*words: str) -> list[str]:
    return [row["name"] for row in csv.DictReader(io.StringIO(run(*words, "--format", "csv")))]


def test_figures_are_those_of_each_report() -> None:
    for row in json.loads(run("resnet34", "vgg19", "--format", "json")):
        total = rescompile.load(row["name"]).report("network").total
        assert row["parameters"] == total.parameters
        assert row["macs"] == total.macs
        assert row["layers"] == total.layers


def test_sorted_by_a_figure_up_or_down() -> None:
    three = ("vgg19", "resnet34", "plain34")
    assert names(*three) == list(three)
    assert names(*three, "--sort", "macs") == ["plain34", "resnet34", "vgg19"]
    assert names(*three, "--sort", "-MACs") == ["vgg19", "resnet34", "plain34"]
    assert names(*three, "--sort", "name") == ["plain34", "resnet34", "vgg19"]


def test_a_family_and_a_condition() -> None:
    """VGG-11 and 13 have 132.9 and 133.0 million parameters, VGG-16 and 19 more."""
    assert names("--family", "vgg", "--where", "parameters < 134e6 and layers > 11") == [
        "vgg13",
        "vgg13_bn",
    ]
    assert names("--family", "vgg", "--where", "not (parameters < 1e12)") == []


def test_a_folder_stands_for_its_networks() -> None:
    found = names(str(ROOT / "specs/squeezenet"))
    assert found == ["squeezenet1_0", "squeezenet1_1"]


def test_changes_are_made_to_each() -> None:
    for row in json.loads(run("resnet18", "resnet34", "--classes", "10", "--format", "json")):
        net = rescompile.load(row["name"], classes=10)
        assert row["parameters"] == net.report("network").total.parameters


def test_top1_is_the_best_that_is_printed_for_weights() -> None:
    rows = json.loads(run("resnet50_v1_5", "resnet50", "resnet20_cifar", "--format", "json"))
    assert [row["top1"] for row in rows] == [80.858, None, 91.73]
    table = run("resnet50_v1_5", "resnet50", "--format", "markdown")
    assert "| 80.858 |" in table
    assert table.splitlines()[-1].endswith("|  |")


def test_a_network_that_is_changed_has_no_top1_of_its_own() -> None:
    (row,) = json.loads(run("resnet18", "--classes", "10", "--sort", "name", "--format", "json"))
    assert row["top1"] is None


def test_what_has_no_figure_stands_last() -> None:
    three = ("resnet50", "resnet34", "resnet50_v1_5")
    assert names(*three, "--sort", "top1") == ["resnet34", "resnet50_v1_5", "resnet50"]
    assert names(*three, "--sort=-top1") == ["resnet50_v1_5", "resnet34", "resnet50"]


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("top1 > 75", ["resnet50_v1_5"]),
        ("top1 < 75", ["resnet34"]),
        ("not top1 > 75", ["resnet34"]),
        ("top1 != 73.314", ["resnet50_v1_5"]),
        ("top1 + 10 > 0", ["resnet34", "resnet50_v1_5"]),
        ("top1 > 75 or macs < 4e9", ["resnet50", "resnet34", "resnet50_v1_5"]),
        ("macs < 4e9 and top1 > 0", ["resnet34"]),
    ],
)
def test_a_condition_on_a_figure_that_is_not_there_does_not_hold(
    where: str, kept: list[str]
) -> None:
    assert names("resnet50", "resnet34", "resnet50_v1_5", "--where", where) == kept


def test_the_same_in_python() -> None:
    nets = [rescompile.load(name) for name in ("vgg19", "resnet34")]
    made = rescompile.overview(nets, sort="macs", where="macs > 0")
    assert [row["name"] for row in made.rows] == ["resnet34", "vgg19"]
    assert made.csv() == run("vgg19", "resnet34", "--sort", "macs", "--format", "csv")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--where", "mac < 3"), "did you mean 'macs'?"),
        (("--where", "macs <"), "is no condition"),
        (("--where", "title < 3"), "there is no figure 'title'"),
        (("--where", "macs // 0 == 1"), "is no condition"),
        (("--sort", "size"), "there is no figure 'size'"),
        (("--family", "vgq"), "there is no family 'vgq'"),
    ],
)
def test_what_is_not_understood_is_told(words: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(main, ["report", "resnet18", "resnet34", *words])
    assert done.exit_code == 1
    assert said in done.output


def test_no_network_is_a_question() -> None:
    done = CliRunner().invoke(main, ["report"])
    assert done.exit_code == 2
    assert "say which networks" in done.output
