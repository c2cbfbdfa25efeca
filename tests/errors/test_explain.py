"""Every code has a page that is true: its example raises the code with that text, its fix does not.

A page is a transcript. YAML blocks are files, which say their name in the first line; lines with
`$` in console blocks are run beside them, and what `rescompile` prints stands below. The part under
"Fix" is run the same way, and must do well; without commands of its own it runs those of the
example once more.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rescompile.cli import main
from rescompile.explain import KINDS, PAGES, codes, page
from rescompile.lint.rules import RULES

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(yaml|toml|console)\n(.*?)^```", re.M | re.S)
CODE = re.compile(r"""["']([EF][0-9]{3})["']""")
RAISED = re.compile(r"^(?:error|warning)\[([EF][0-9]{3})\]", re.M)


def sources() -> list[Path]:
    return [f for part in ("rescompile", "backends") for f in sorted((ROOT / part).rglob("*.py"))]


def test_every_code_of_the_code_has_a_page() -> None:
    raised = {code for path in sources() for code in CODE.findall(path.read_text("utf-8"))}
    assert raised == set(codes())
    assert all(code.startswith(tuple(KINDS)) for code in raised)


def files(part: str) -> dict[str, str]:
    """The files that a part of a page shows, by name."""
    blocks = [text for kind, text in BLOCK.findall(part) if kind != "console"]
    return {text.split("\n", 1)[0].removeprefix("# "): text for text in blocks}


def commands(part: str) -> list[str]:
    blocks = [text for kind, text in BLOCK.findall(part) if kind == "console"]
    return [line[2:] for text in blocks for line in text.splitlines() if line.startswith("$ ")]


def run(command: str) -> Result | None:
    """What a command of rescompile does; others only prepare something."""
    words = shlex.split(command)
    settings = dict(words.pop(0).split("=", 1) for _ in range("=" in words[0]))
    if words[0] == "rescompile":
        folders = settings.get("PYTHONPATH", "").split(os.pathsep)
        with pytest.MonkeyPatch.context() as patch:  # as Python does when it starts
            for folder in filter(None, folders):
                patch.syspath_prepend(os.path.abspath(folder))
            return CliRunner().invoke(main, words[1:], env=settings)
    assert words[0] == "python"
    subprocess.run([sys.executable, *words[1:]], check=True)
    return None


def do(part: str, again: str = "") -> list[Result]:
    """The results of a part's commands, among its files."""
    for name, text in files(part).items():
        Path(name).write_text(text, encoding="utf-8")
    results = [run(command) for command in commands(part) or commands(again)]
    return [result for result in results if result is not None]


def needs(text: str) -> None:
    """Skips a page whose commands run what is not installed."""
    wanted = {"numpy": "numpy", "KERAS_HOME": "keras", "--level": "torch"}
    for word, module in wanted.items():
        if word in text and importlib.util.find_spec(module) is None:
            pytest.skip(f"the example needs {module}")


@pytest.mark.parametrize("code", codes())
def test_a_page_is_true(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    text = page(code).body
    assert text.startswith(f"# {code}: ")
    example, heading, fix = text.partition("\n## Fix\n")
    assert heading
    needs(text)

    failed = do(example)[-1]
    assert failed.exception is None or isinstance(failed.exception, SystemExit), failed.exception
    assert failed.exit_code == (code[0] == "E")
    assert set(RAISED.findall(failed.output)) == {code}
    shown = "\n".join([*(f"$ {command}" for command in commands(example)), failed.output])
    if request.config.getoption("rewrite"):
        block = f"```console\n{shown}```"
        start = example.index("```console\n")
        (PAGES / f"{code}.md").write_text(f"{example[:start]}{block}\n{heading}{fix}", "utf-8")
    else:
        assert f"```console\n{shown}```" in example

    for result in do(fix, again=example):
        assert result.exit_code == 0, result.output
        assert not RAISED.findall(result.output)


def test_warnings_have_the_titles_that_lint_gives_them() -> None:
    assert {code: rule.title for code, rule in RULES.items()} == {
        code: page(code).title for code in codes() if code.startswith("F")
    }


@pytest.mark.parametrize("code", codes())
def test_the_command_prints_the_page(code: str) -> None:
    assert CliRunner().invoke(main, ["explain", code.lower()]).output == page(code).body


def test_without_a_code_it_lists_them_all() -> None:
    listed = CliRunner().invoke(main, ["explain"]).output
    found = [line.split("  ")[0] for line in listed.splitlines() if line[1:4].isdecimal()]
    assert found == codes()
    assert all(f"{code}  {page(code).title[:40]}" in listed for code in codes())


def test_an_unknown_code_is_named_with_its_nearest() -> None:
    result = CliRunner().invoke(main, ["explain", "E202"])
    assert result.exit_code == 2
    assert "there is no code 'E202'; known: E002, E102, E201, E203," in result.output
