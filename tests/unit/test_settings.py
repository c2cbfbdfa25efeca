"""`[tool.rescompile]` in pyproject.toml: where it is found, what it sets, what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rescompile.cli import main
from rescompile.cli.settings import defaults
from rescompile.registry import backend_names

FIRST, *_, LAST = backend_names()
SPEC = """\
rescompile: 1
name: mine
input: {channels: 3, height: 8, width: 8}
stem:
  - residual:
      branch:
        - conv: {channels: 3, kernel: 3}
      shortcut: identity
"""  # of which F102 warns
TABLE = f"""\
[project]
name = "mine"

[tool.rescompile]
output = "src/nets"
line-length = 79
backends = ["{FIRST}"]

[tool.rescompile.lint]
allow = ["F102"]
strict = true
"""


def run(*words: str) -> Result:
    done = CliRunner().invoke(main, [*words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(SPEC, "utf-8")
    (tmp_path / "pyproject.toml").write_text(TABLE, "utf-8")
    return tmp_path


def built(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*.py")}


def test_build_does_as_it_says_and_check_knows(folder: Path) -> None:
    assert run("build", "mine.yaml").output == f"wrote src/nets/{FIRST}/mine.py\n"
    assert run("build", "mine.yaml", "--check").exit_code == 0
    assert run("build", "mine.yaml", "--check", "--line-length", "80").exit_code == 0  # the same
    source = run("build", "resnet50", "--stdout").output
    assert source == run("build", "resnet50", "--stdout", "--line-length", "79").output
    assert source != run("build", "resnet50", "--stdout", "--line-length", "100").output


def test_the_command_line_beats_it(folder: Path) -> None:
    assert run("build", "mine.yaml", "-o", "out", "-b", LAST).exit_code == 0
    assert built(folder) == {f"out/{LAST}/mine.py"}
    assert run("lint", "mine.yaml").exit_code == 0
    assert run("lint", "mine.yaml", "--allow", "F101").exit_code == 1
    assert run("lint", "mine.yaml", "--allow", "F101", "--no-strict").exit_code == 0


def test_a_folder_is_meant_from_where_the_file_stands(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = folder / "a/b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert run("build", "../../mine.yaml").exit_code == 0
    assert built(folder) == {f"src/nets/{FIRST}/mine.py"}


@pytest.mark.parametrize("near", ["", "[project]\nname = 'rescompile-user'\n", "no TOML at all"])
def test_the_nearest_file_with_the_table_counts(
    folder: Path, near: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = folder / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text(near, "utf-8")
    monkeypatch.chdir(inner)
    assert defaults(Path.cwd())["build"]["output"] == str(Path("../src/nets"))
    (inner / "pyproject.toml").write_text("[tool.rescompile]\n", "utf-8")
    assert defaults(Path.cwd()) == {"build": {}, "watch": {}, "lint": {}}


def test_without_it_nothing_is_set(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.ruff]\nline-length = 79\n", "utf-8")
    assert defaults(folder) == {}


@pytest.mark.parametrize(
    ("text", "place", "said", "help"),
    [
        ("[tool.rescompile]\noutptu = 'x'", "2:1", "no setting 'outptu'", "mean 'output'?"),
        ("[tool.rescompile]\noutput = 3", "2:1", "output cannot be 3", "write a folder"),
        ("[tool.rescompile]\nline-length = 7", "2:1", "line-length cannot be 7", "79 to 320"),
        ("[tool.rescompile]\nline-length = true", "2:1", "cannot be True", "79 to 320"),
        ("[tool.rescompile]\nline_length = 80", "2:1", "'line_length'", "mean 'line-length'?"),
        ("[tool.rescompile]\nbackends = 'a'", "2:1", "backends cannot be 'a'", "write a list"),
        ("[tool.rescompile]\nbackends = ['a']", "2:1", "backends cannot be", "known: "),
        ("[tool]\nrescompile.lint.allow = ['F1']", "2:1", "allow cannot be", "known: F101"),
        ("[tool.rescompile.lint]\n strict = 'no'", "2:2", "strict cannot be", "`true` or"),
        ("[tool.rescompile.lnt]", "1:2", "no setting 'lnt'", "mean 'lint'?"),
        ("[tool]\nrescompile = {lint = 3}", "2:1", "lint is a table", "[tool.rescompile.lint]"),
        ("[tool]\nrescompile = 3", "2:1", "rescompile is a table", "write `[tool.rescompile]`"),
        ("x = 1\n[tool.rescompile", "2:17", "this is no TOML", ""),
        ("[tool.rescompile]\nx = [", "2:6", "this is no TOML", ""),
    ],
)
def test_what_is_wrong_has_a_place_and_a_way_out(
    folder: Path, text: str, place: str, said: str, help: str
) -> None:
    (folder / "pyproject.toml").write_text(text, "utf-8")
    for words in (["build", "mine.yaml"], ["lint", "mine.yaml"]):
        done = run(*words)
        assert done.exit_code == 1
        assert "error[E007]" in done.output
        assert said in done.output
        assert f"--> pyproject.toml:{place}\n" in done.output
        assert help in done.output
    assert not built(folder)
    assert run("report", "mine.yaml").exit_code == 0  # which has no settings


def test_all_that_is_wrong_is_told_at_once(folder: Path) -> None:
    text = "[tool.rescompile]\nline-length = 3\nfoo = 1\n[tool.rescompile.lint]\nstrict = 3\n"
    (folder / "pyproject.toml").write_text(text, "utf-8")
    assert run("build", "mine.yaml").output.count("error[E007]") == 3


def test_a_file_that_is_no_text_is_told(folder: Path) -> None:
    (folder / "pyproject.toml").write_bytes(b"\xff[tool.rescompile]")
    assert "the file is not UTF-8" in run("build", "mine.yaml").output
