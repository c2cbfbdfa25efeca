"""Diagnostics for people and for tools: which command prints what, and where."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rescompile.cli import main
from rescompile.errors import (
    Diagnostic,
    DiagnosticCollector,
    InternalError,
    Location,
    SpecError,
    record,
)

HEAD = "rescompile: 1\nname: {}\ninput: {{channels: 3, height: 32, width: 32}}\nstages:\n"
BAD = ("  - conv: {channels: 8, kernel: 3, strid: 2}\n", "  - linear: {features: 8}\n")
CODES = ["E110", "E201"]


@pytest.fixture(autouse=True)
def bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wrong specs, one.yaml and two.yaml, in the working directory."""
    monkeypatch.chdir(tmp_path)
    for name, step in zip(("one", "two"), BAD, strict=True):
        Path(f"{name}.yaml").write_text(HEAD.format(name) + step, encoding="utf-8")


def run(*words: str, **env: str) -> Result:
    return CliRunner().invoke(main, words, env=env)


def codes(text: str) -> list[str]:
    return [found["code"] for found in json.loads(text)]


@pytest.mark.parametrize(
    "words",
    [
        ("build", "one.yaml"),
        ("report", "one.yaml"),
        ("show", "one.yaml"),
        ("check", "one.yaml"),
        ("diff", "resnet18", "one.yaml"),
        ("convert", "weights.npz", "--spec", "one.yaml", "-o", "out.npz"),
    ],
)
def test_every_command_gives_errors_to_tools(words: tuple[str, ...]) -> None:
    for result in (
        run("--error-format", "json", *words),
        run(*words, RESCOMPILE_ERROR_FORMAT="json"),
    ):
        assert (result.exit_code, result.stdout) == (1, "")
        assert codes(result.stderr) == ["E110"]
    assert "error[E110]" in run(*words).stderr


@pytest.mark.parametrize("words", [("report",), ("check",), ("diff", "resnet18")])
def test_the_format_of_a_command_is_that_of_its_errors(words: tuple[str, ...]) -> None:
    result = run(*words, "one.yaml", "--format", "json")
    assert (result.exit_code, result.stdout) == (1, "")
    (found,) = json.loads(result.stderr)
    assert found == {
        "code": "E110",
        "severity": "error",
        "message": "unknown key 'strid'",
        "file": "one.yaml",
        "line": 5,
        "column": 36,
        "text": BAD[0].rstrip(),
        "label": "",
        "notes": [],
        "help": "did you mean 'stride'?",
    }


def test_lint_gives_both_with_the_spec() -> None:
    result = run("lint", "one.yaml", "two.yaml", "--format", "json")
    found = json.loads(result.stdout)
    assert [(one["spec"], one["code"]) for one in found] == [
        ("one.yaml", "E110"),
        ("two.yaml", "E201"),
    ]


@pytest.mark.parametrize("command", ["build", "check", "lint"])
def test_all_specs_are_judged_at_once(command: str) -> None:
    result = run(command, "one.yaml", "resnet18", "two.yaml")
    assert result.exit_code == 1
    assert all(result.output.count(f"error[{code}]") == 1 for code in CODES)
    assert not Path("generated").exists()


def test_a_library_is_blamed_in_its_own_file_with_the_call() -> None:
    Path("mine.yaml").write_text(
        "rescompile: 1\nblocks:\n  unit:\n    body:\n      - linear: {features: 8}\n",
        encoding="utf-8",
    )
    text = HEAD.format("three").replace("stages:", "use: [mine]\nstages:")
    Path("three.yaml").write_text(text + "  - {name: a, block: unit, repeat: 2}\n", "utf-8")
    result = run("--error-format", "json", "report", "three.yaml")
    (found,) = json.loads(result.stderr)
    assert (found["file"], found["line"], found["column"]) == ("mine.yaml", 5, 9)
    assert found["notes"] == [
        "in block 'unit', called as 'a', repetition 1 (three.yaml:6)",
        "in stage 'a'",
    ]


def test_what_has_no_place_says_so() -> None:
    (found,) = json.loads(run("--error-format", "json", "report", "nothing").stderr)
    assert found["code"] == "E001"
    assert [found[key] for key in ("file", "line", "column", "text")] == [None] * 4


def test_a_fault_of_our_own_has_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **changes: Any) -> None:
        raise InternalError("two and two make five")

    monkeypatch.setattr("rescompile.api.open_spec", broken)
    (found,) = json.loads(run("--error-format", "json", "report", "resnet18").stderr)
    assert found["code"] is None
    assert "two and two make five" in found["message"]


def test_together_keeps_order_and_says_each_thing_once() -> None:
    one, two = (Diagnostic(code, code, Location("f", 1, 1)) for code in CODES)
    collector = DiagnosticCollector()
    collector.done()
    for found in ((two,), (one, two)):
        with collector.part():
            raise SpecError(found)
    with pytest.raises(SpecError) as raised:
        collector.done()
    assert raised.value.diagnostics == (two, one)
    with pytest.raises(ZeroDivisionError), collector.part():
        raise ZeroDivisionError


def test_a_record_is_plain_data() -> None:
    made = record(Diagnostic("E203", "m", notes=("a", "b")))
    assert made == json.loads(json.dumps(made))


def test_a_base_is_blamed_in_its_own_file() -> None:
    Path("five.yaml").write_text("rescompile: 1\nname: five\nextends: one\n", encoding="utf-8")
    (found,) = json.loads(run("--error-format", "json", "report", "five.yaml").stderr)
    assert (found["file"], found["line"], found["column"]) == ("one.yaml", 5, 36)


def test_a_wrong_base_is_told_with_what_else_is_wrong() -> None:
    Path("four.yaml").write_text(
        "rescompile: 1\nname: four\nuse: [nothing]\nextends: base\n", encoding="utf-8"
    )
    result = run("--error-format", "json", "report", "four.yaml")
    assert codes(result.stderr) == ["E105", "E105"]
    assert [found["line"] for found in json.loads(result.stderr)] == [3, 4]


@pytest.mark.parametrize(
    "words",
    [("verify", "resnet34"), ("convert", "weights.npz", "--spec", "resnet34", "-o", "out.npz")],
)
def test_without_numpy_a_command_says_what_to_install(words: tuple[str, ...]) -> None:
    program = "import sys; sys.modules['numpy'] = None; from rescompile.cli import main; main()"
    command = [sys.executable, "-c", program, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error[E004]: numpy is not installed"), done.stderr
