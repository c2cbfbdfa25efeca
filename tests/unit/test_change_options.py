"""`--set`, `--size`, `--channels`, `--classes`, `--name`: alike on every command with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import rescompile
from rescompile.cli import main

WORDS = ("--classes", "10", "--size", "32x48", "--channels", "1", "--set", "stages.layer4=null")
NET = {"classes": 10, "size": "32x48", "channels": 1, "set": ["stages.layer4=null"]}


def run(*words: str) -> str:
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture(scope="module")
def net() -> rescompile.Architecture:
    return rescompile.load("resnet34", **NET)


def test_report(net: rescompile.Architecture) -> None:
    data = json.loads(run("report", "resnet34", *WORDS, "--format", "json"))
    assert data["input_shape"] == [1, 32, 48]
    assert data["total"]["parameters"] == net.report().total.parameters


def test_show(net: rescompile.Architecture) -> None:
    assert run("show", "resnet34", *WORDS) == net.text()


def test_figure(net: rescompile.Architecture) -> None:
    assert run("figure", "resnet34", *WORDS) == net.figure().svg()


def test_check_decides_claims_of_what_was_changed() -> None:
    assert CliRunner().invoke(main, ["check", "resnet34"]).exit_code == 0
    done = CliRunner().invoke(main, ["check", "resnet34", "--size", "64"])
    assert done.exit_code == 1
    assert "fails" in done.output


def test_diff_changes_both() -> None:
    run("diff", "resnet34", "resnet34", *WORDS, "--exit-code")  # there is none
    shown = " ".join(run("diff", "resnet34", "resnet50", *WORDS).split())
    for name in ("resnet34", "resnet50"):
        assert f"specs/{name}.yaml with size=32x48, channels=1, classes=10" in shown


def test_features(tmp_path: Path) -> None:
    net = rescompile.load("resnet18", features=True)
    data = json.loads(run("report", "resnet18", "--features", "--format", "json"))
    assert list(data["outputs"]) == ["relu", "layer1", "layer2", "layer3", "layer4"]
    assert run("show", "resnet18", "--features") == net.text()
    assert run("figure", "resnet18", "--features") == net.figure().svg()
    run("build", "resnet18", "--features=8,16", "-o", str(tmp_path), "--backend", "torch")
    text = (tmp_path / "torch/resnet18.py").read_text("utf-8")
    assert "from specs/resnet18.yaml with features=[8, 16]; edit the spec" in text
    assert text == rescompile.load("resnet18", features=(8, 16)).source()
    place = ("--check", "-o", str(tmp_path), "--backend", "torch")
    run("build", "resnet18", "--features=8,16", *place)
    assert CliRunner().invoke(main, ["build", "resnet18", "--features", *place]).exit_code == 1
    swallowed = CliRunner().invoke(main, ["report", "--features", "resnet18", "resnet34"])
    assert swallowed.exit_code == 2
    assert "'resnet18' is no list of strides such as 8,16,32" in " ".join(swallowed.output.split())
    run("diff", "resnet18", "resnet18", "--features", "--exit-code")  # both are changed


def test_build_and_its_check(tmp_path: Path, net: rescompile.Architecture) -> None:
    place = ("-o", str(tmp_path), "--backend", "torch", "--name", "mine")
    run("build", "resnet34", *WORDS, *place)
    text = (tmp_path / "torch/mine.py").read_text("utf-8")
    assert "with name=mine, size=32x48, channels=1, classes=10" in " ".join(text.split())
    assert run("build", "resnet34", *WORDS, *place, "--check") == "1 file up to date\n"
    stale = CliRunner().invoke(main, ["build", "resnet34", *place, "--check"])
    assert stale.exit_code == 1


def test_one_name_for_two_networks_is_refused(tmp_path: Path) -> None:
    words = ["build", "resnet18", "resnet34", "--name", "mine", "-o", str(tmp_path)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1
    assert "would be built into one file" in done.output
    assert not list(tmp_path.iterdir())
