"""Text of others where it is printed: in source, in reports, in diagnostics, on a terminal."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rescompile.cli import main
from rescompile.prose import columns, markdown, quoted, visible, wrap
from rescompile.registry import backend_names
from rescompile.table import USUAL, Column, Table, csv_table, markdown_table

ROOT = Path(__file__).parents[2]
EVERY = [f"--backend={name}" for name in backend_names()]
SPEC = """\
rescompile: 1
name: mine
title: %s
source: %s
input: {channels: 3, height: 8, width: 8}
blocks:
  one:
    about: %s
    body:
      - conv: {channels: 4, kernel: 3}
stages:
  - {block: one, name: first}
  - {block: one, name: second}
claims:
  - {layers: 2-layer, where: %s, about: %s}
"""
TEXT = r"""\N x \x \u {{ x }} {% if %} %s | `x` *b* &lt; <b> ""\"" '"""
LONG = "a line that is so long that it has to be wrapped somewhere behind its middle, with much of "
NAMES = {
    "stray byte": b"a\xffb",
    "escape": b"a\x1b[2Jb",
    "direction": "a\u202eb".encode(),
    "line feed": b"a\nb",
    "markup": b"[red]a[",
}


def run(*words: str) -> Result:
    done = CliRunner().invoke(main, [*words], color=True)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.output_bytes.decode("utf-8"))  # our own colours
    assert said.replace("\n", "").isprintable(), said
    return done


@pytest.fixture(params=list(NAMES))
def name(request: pytest.FixtureRequest) -> str:
    return os.fsdecode(NAMES[request.param])


@pytest.fixture
def folder(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of such a name, the current one, with a spec and a wrong one of such names."""
    inside = tmp_path / name
    try:
        inside.mkdir()
    except OSError:
        pytest.skip("the file system has no such names")
    text = SPEC % (("mine",) * 5)
    (inside / f"{name}.yaml").write_text(text, "utf-8")
    (inside / f"{name}2.yaml").write_text(text.replace("conv", "cnv"), "utf-8")
    monkeypatch.chdir(inside)
    return inside


def test_names_of_files_are_shown(folder: Path, name: str) -> None:
    good = f"{name}.yaml"
    assert visible(name) in run("build", good, "-o", name, *EVERY).output
    for backend in backend_names():
        made = (folder / name / backend / "mine.py").read_text("utf-8")
        assert made.replace("\n", "").isprintable()
        assert f"from {quoted(good)};" in made
    assert run("build", good, "--check", "-o", name).exit_code == 0
    assert run("build", good, "--stdout").exit_code == 0
    assert f"spec: {visible(good)}\n" in run("report", good).output
    assert f"spec: {markdown(good)}\n" in run("report", good, "--format", "markdown").output
    assert run("report", good, "--format", "csv").exit_code == 0
    assert json.loads(run("report", good, "--format", "json").output)["spec"] == good
    assert run("report", good, "-o", f"{name}.txt").output == f"wrote {visible(name)}.txt\n"
    for form in ("text", "markdown", "json", "csv"):
        assert run("diff", good, "resnet34", "--format", form).exit_code == 0
        assert run("check", good, "--format", form).exit_code == 0
    assert run("show", good, "--resolved").exit_code == 0
    assert run("lint", good).exit_code == 0
    assert run("lint", good, "--format", "csv").exit_code == 0
    assert visible(good) in run("fmt", "--diff", good).output
    assert f"wrote {visible(name)}3.yaml" in run("new", "other", "-o", f"{name}3.yaml").output


def test_names_of_files_in_diagnostics(folder: Path, name: str) -> None:
    for words in (["build"], ["report"], ["check"], ["lint"], ["show"], ["lint", "--format=json"]):
        done = run(*words, f"{name}2.yaml")
        assert done.exit_code == 1
        assert json.dumps(name)[1:-1] in done.output or f"{visible(name)}2.yaml:1" in done.output
    found = run("--error-format", "json", "show", f"{name}2.yaml")
    assert json.loads(found.stderr)[0]["file"] == f"{name}2.yaml"
    for words in (["show", name], ["show", f"{name}4.yaml"], ["diff", "resnet34", name]):
        assert run(*words).exit_code == 1
    for words in ([name], ["--error-format", name], ["build", f"--{name}"], ["build", "-b", name]):
        assert run(*words).exit_code == 2
    Path(f"{name}.txt").touch()
    assert run("build", f"{name}.yaml", "-o", f"{name}.txt").exit_code == 2


def test_what_the_terminal_cannot_encode_is_shown(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(SPEC % ("漢", "é", "é", "é", "é"), "utf-8")
    path = os.pathsep.join([str(ROOT), str(ROOT / "backends")])
    for words in (["report", "mine.yaml"], ["build", "mine.yaml", "--stdout"], ["show", "漢"]):
        done = subprocess.run(
            [sys.executable, "-m", "rescompile", *words],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "latin-1"},
            capture_output=True,
            check=False,
        )
        assert b"Traceback" not in done.stderr
        assert rb"\u6f22" in done.stdout + done.stderr


@pytest.mark.parametrize("before", ["", LONG])
def test_every_text_of_a_spec_comes_out(before: str, tmp_path: Path) -> None:
    path, text = tmp_path / "mine.yaml", before + TEXT
    path.write_text(SPEC % ((json.dumps(text),) * 5), "utf-8")
    assert run("build", str(path), "-o", str(tmp_path), *EVERY).exit_code == 0
    words = "".join(text.split())
    for backend in backend_names():
        tree = ast.parse((tmp_path / backend / "mine.py").read_text("utf-8"))
        said = "".join(str(ast.get_docstring(tree)).split())
        assert said.startswith(f"{words}({words}).")
    for command in ("report", "check"):
        assert words in "".join(run(command, str(path)).output.split())
    found = json.loads(run("check", str(path), "--format", "json").output)["claims"][0]
    assert (found["where"], found["about"]) == (text, text)
    for command in ("report", "check"):
        said = run(command, str(path), "--format", "markdown").output
        assert markdown(text) in said
        rows = [line for line in said.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_visible() -> None:
    assert visible("a\x1b\u202e\udcff\n\u00a0é漢\\") == r"a\x1b\u202e\udcff\n\xa0é漢" + "\\"
    assert visible("a\nb\t", keep="\n") == "a\nb\\t"


@pytest.mark.parametrize("text", ["\\", '"""', '""""', '"""""', '""""""', "\\N", '\\"""', "a"])
def test_quoted(text: str) -> None:
    assert eval(f'"""{quoted(text)} """') == f"{text} "


def test_columns() -> None:
    assert [columns(text) for text in ("abc", "漢字", "e\u0301", "❤\ufe0f")] == [3, 4, 1, 1]


def test_lines_are_measured_as_they_are_written() -> None:
    assert wrap("\\" * 12, 10, write=quoted) == ["\\" * 10, "\\" * 10, "\\" * 4]
    assert wrap("漢" * 7, 10, first="> ") == ["> 漢漢漢漢", "漢漢漢"]
    assert wrap("one two-three  four", 9, "", "  ") == ["one two-", "  three", "  four"]
    assert wrap("", 9) == []


@pytest.mark.parametrize(
    "cited", ["Fig. 2", "Figs. 2", "et al. 2019", "Li et al. 2019", "Eq. 4", "Table 1", "section 3"]
)
def test_a_citation_is_not_broken(cited: str) -> None:
    for width in range(len(cited) + 2, 60):
        lines = wrap(f"as they say, and more (as in {cited}), and so on", width)
        assert sum(cited in line for line in lines) == 1
        assert " ".join(lines) == f"as they say, and more (as in {cited}), and so on"


def test_cells_are_text() -> None:
    head, rows = ["a", "b"], [["漢\u202e", "1"], ["x|`y`", "22"]]
    columns_ = (Column("a", "a", words=True), Column("b", "b"))
    lines_of = tuple(dict(zip(head, row, strict=True)) for row in rows)
    assert Table(columns_, lines_of, ()).text(USUAL) == [
        "a          b",
        "--------  --",
        "漢\\u202e   1",
        "x|`y`     22",
    ]
    assert markdown_table(head, rows, [True, False])[2:] == [
        "| 漢\\\\u202e | 1 |",
        "| x\\|\\`y\\` | 22 |",
    ]
    lines = csv_table(head, [["=1+1", 1], ["a,\u202e", None], ["@x", 2]]).splitlines()
    assert lines == ["a,b", "'=1+1,1", '"a,\\u202e",', "'@x,2"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a & b", "a & b"),
        ("&lt; &#35;", "\\&lt; \\&#35;"),
        ("~~a~~ $x$", "\\~\\~a\\~\\~ \\$x\\$"),
        ("C# #1", "C# #1"),
        ("end ##", "end \\##"),
    ],
)
def test_markdown(text: str, wanted: str) -> None:
    assert markdown(text) == wanted
