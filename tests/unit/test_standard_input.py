"""`-` is standard input wherever a command takes a spec."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from rescompile import load
from rescompile.cli import main
from rescompile.cli.common import SpecType
from rescompile.language.stdin import portable, standard_input
from rescompile.verify.case import full_size

SPEC = """\
rescompile: 1
name: mine
extends: base
stem:
  - conv: {channels: 4, kernel: 3}
"""
BASE = """\
rescompile: 1
name: base
input: {channels: 3, height: 8, width: 8}
stem:
  - conv: {channels: 4, kernel: 5}
"""
COMMANDS = {
    "build": ("--stdout",),
    "check": (),
    "diff": ("mine.yaml",),
    "figure": (),
    "fmt": (),
    "lint": (),
    "plot": ("-o", "plot.svg"),
    "report": (),
    "show": (),
    "weights": (),
}
OTHERWISE = {"convert", "verify", "watch"}  # tested below


def run(*words: str, text: str = SPEC) -> Result:
    done = CliRunner().invoke(main, [*words], input=text)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE, "utf-8")
    (tmp_path / "mine.yaml").write_text(SPEC, "utf-8")
    return tmp_path


def test_every_command_that_takes_a_spec_is_tested_here() -> None:
    context = click.Context(main)
    commands = {name: main.get_command(context, name) for name in main.list_commands(context)}
    taking = {
        name
        for name, command in commands.items()
        if command and any(isinstance(one.type, SpecType) for one in command.params)
    }
    assert taking == {*COMMANDS, *OTHERWISE}


@pytest.mark.parametrize("command", COMMANDS)
def test_it_is_as_the_file_would_be(command: str) -> None:
    done = run(command, "-", *COMMANDS[command])
    assert done.exit_code == 0, done.output
    path = "mine.yaml" if command != "fmt" else "-"
    other = run(command, path, *COMMANDS[command])
    assert done.output.replace("standard input", "mine.yaml") == other.output


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "fmt"])
def test_what_is_wrong_has_a_place(command: str) -> None:
    done = run(command, "-", *COMMANDS[command], text=SPEC.replace("kernel: 3", "kernel: x"))
    assert done.exit_code == 1
    assert " --> <stdin>:5:33" in done.output


def test_it_is_read_once_however_often_it_is_named() -> None:
    assert run("diff", "-", "-").output.endswith("no difference\n")
    assert run("build", "-", "mine.yaml", "--check").output.count("mine.yaml would be") == 1


def test_build_knows_its_file_again() -> None:
    assert run("build", "-", "-b", "torch").output == "wrote generated/torch/mine.py\n"
    assert run("build", "-", "-b", "torch", "--check").exit_code == 0
    assert run("build", "-", "-b", "torch", "--check", "--classes", "3").exit_code == 1


def test_fmt_judges_it_as_a_file() -> None:
    untidy = SPEC.replace("name: mine", "name: 'mine'")
    assert run("fmt", "-", text=untidy).output == SPEC.replace("name: mine\nextends: base", ORDER)
    assert run("fmt", "-", "--check", text=untidy).exit_code == 1
    assert "-name: 'mine'" in run("fmt", "-", "--diff", text=untidy).output
    assert run("fmt", "-", "mine.yaml").exit_code == 2


ORDER = "extends: base\nname: mine"  # of the canonical form


def test_it_cannot_be_watched() -> None:
    assert "cannot be watched" in run("watch", "-").output


def test_another_process_gets_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """For it has another standard input; `verify` and `convert` rely on this."""

    @click.command()
    def command() -> None:
        case = full_size("-", None, {}, ())
        assert standard_input() == case.net.document.data == SPEC.encode()
        assert case.subject("any", "float32").spec == portable("-")
        assert load(portable("-")).source() == load("mine.yaml").source().replace(
            "mine.yaml", "a text"
        )

    done = CliRunner().invoke(command, input=SPEC)
    assert done.exception is None, done.exception
    assert portable("mine.yaml") == "mine.yaml"
