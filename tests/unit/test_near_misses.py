"""A slip on the command line is answered with what was meant: commands, networks, files beside."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rescompile.cli import main

SPEC = """\
rescompile: 1
name: tinynet
input: {channels: 3, height: 8, width: 8}
stem:
  - conv: {channels: 4, kernel: 3}
"""


def run(*words: str) -> Result:
    done = CliRunner().invoke(main, [*words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("bild", "there is no command 'bild': did you mean 'build'?"),
        ("Report", "there is no command 'Report': did you mean 'report'?"),
        ("frobnicate", "there is no command 'frobnicate': there are build, check, "),
    ],
)
def test_a_command(word: str, answer: str) -> None:
    done = run(word, "resnet18")
    assert done.exit_code == 2
    assert answer in done.output


def test_an_option() -> None:
    done = run("build", "resnet18", "--bakend", "torch")
    assert done.exit_code == 2
    assert "--backend" in done.output


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("tinynet", "did you mean 'tinynet.yaml'?"),
        ("tinynt", "did you mean 'tinynet.yaml'?"),
        ("tinynt.yaml", "did you mean 'tinynet.yaml'?"),
        ("sub/other", "did you mean 'sub/other.yml'?"),
        ("rsnet34", "did you mean 'rsenet34.yaml' or 'resnet34'?"),
        ("resnet43", "did you mean 'resnet34'?"),
    ],
)
def test_a_network(word: str, answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    for name in ("tinynet.yaml", "rsenet34.yaml", "sub/other.yml"):
        (tmp_path / name).write_text(SPEC, "utf-8")
    done = run("report", word)
    assert done.exit_code == 1
    assert f"help: {answer}" in done.output


def test_a_name_like_no_other_gets_five_and_the_command_that_lists_all() -> None:
    done = run("report", "zzz")
    (help,) = [line for line in done.output.splitlines() if "help" in line]
    assert help.count(",") == 5
    assert help.endswith(" more; `rescompile list` has all")
