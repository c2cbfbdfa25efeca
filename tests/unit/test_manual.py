"""`rescompile docs`: the manual on a terminal and in a pipe."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from rescompile import manual
from rescompile.cli import main

ROOT = Path(__file__).parents[2]


def run(*words: str) -> str:
    done = CliRunner().invoke(main, ["docs", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_it_lists_every_page_with_its_title() -> None:
    files = {file.stem for file in (ROOT / "docs").glob("*.md")}
    assert {*manual.pages()} == files
    assert {"architecture", "cookbook", "errors", "language", "training"} <= files
    listed = dict(line.split(maxsplit=1) for line in run().splitlines())
    assert listed == manual.pages()
    assert listed["language"] == "The language"


@pytest.mark.parametrize("word", ["language", "Language", "language.md"])
def test_elsewhere_than_on_a_terminal_a_page_is_markdown(word: str) -> None:
    assert run(word) == (ROOT / "docs/language.md").read_text("utf-8")


def test_on_a_terminal_a_page_is_laid_out_and_given_to_a_pager(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[str] = []
    monkeypatch.setattr("click.echo_via_pager", lambda text, color=None: shown.append(text))
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda self: True)
    assert run("errors") == ""
    (text,) = shown
    assert "Errors and warnings" in text
    assert "# Errors and warnings" not in text
    assert max(map(len, click.unstyle(text).splitlines())) <= 100


@pytest.mark.parametrize("word", ["langauge", "../README", ""])
def test_an_unknown_page_is_told(word: str) -> None:
    done = CliRunner().invoke(main, ["docs", word])
    assert done.exit_code == 1
    assert f"error[E008]: there is no page '{word}' in the docs" in done.output
