"""Every command that prints a table: in every format, as wide as it may be, and in colour."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from rescompile.catalogue import SPECS, SPECS_GIVE_WAY, family
from rescompile.claims import verdicts
from rescompile.cli import main
from rescompile.cli.printed import FORMATS as NAMES
from rescompile.conformance.networks import compiled
from rescompile.cost import report
from rescompile.language.load import zoo
from rescompile.lint import findings
from rescompile.prose import columns
from rescompile.table import FORMATS, Column, View

ROOT = Path(__file__).parents[2]
EXAMPLES: list[tuple[str, ...]] = [
    *(("report", "googlenet", "--by", by) for by in ("network", "stage", "block", "layer")),
    ("report", "plain34", "--versus", "vgg19"),
    ("check", "resnet34", "vgg16"),
    ("diff", "resnet34", "googlenet"),
    ("lint", "resnet50_v1_5", "mine.yaml"),
    ("list",),
    ("weights", "resnet50", "resnet50_v1_5", "googlenet"),
    ("explain",),
    ("explain", "E203"),
]
FREE = [("lint",), ("explain", "E203")]  # source lines and pages, which are no tables
NEEDS_A_FRAMEWORK = {"verify"}  # tests/backends has it
MINE = """\
rescompile: 1
name: mine
input: {channels: 3, height: 8, width: 8}
stages:
  - conv: {channels: 4, kernel: 3, bias: true}
    name: conv1
  - norm: {}
"""
ANSI = re.compile(r"\x1b\[[0-9;]*m")
examples = pytest.mark.parametrize("words", EXAMPLES, ids=" ".join)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, with a spec of which there is something to warn."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    Path("mine.yaml").write_text(MINE, "utf-8")
    return tmp_path


def run(*words: str, **env: str) -> Result:
    return CliRunner().invoke(main, words, env=env)


def commands() -> dict[str, click.Command]:
    context = click.Context(main)
    found = {name: main.get_command(context, name) for name in main.list_commands(context)}
    return {name: command for name, command in found.items() if command}


def tabular() -> dict[str, click.Command]:
    return {n: c for n, c in commands().items() if any(p.name == "wide" for p in c.params)}


def test_every_command_with_a_format_has_all_of_them_and_is_tested() -> None:
    assert set(tabular()) == {words[0] for words in EXAMPLES} | NEEDS_A_FRAMEWORK
    for name, command in commands().items():
        for option in command.params:
            if option.name == "form":
                assert name in tabular()
                assert set(FORMATS) == set(NAMES) <= set(option.type.choices)  # type: ignore[attr-defined]


@examples
@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 150])
def test_it_fits(words: tuple[str, ...], width: int) -> None:
    done = run(*words, COLUMNS=str(width))
    assert done.exit_code in (0, 1), done.output
    if not any(words[: len(free)] == free for free in FREE):
        assert max(map(columns, done.stdout.splitlines())) <= width


def test_without_a_terminal_it_is_a_hundred_columns_wide() -> None:
    for given in ({}, {"COLUMNS": "0"}, {"COLUMNS": "wide"}):
        assert (
            run("report", "resnet34", **given).output
            == run("report", "resnet34", COLUMNS="100").output
        )


def test_every_network_fits() -> None:
    for name in zoo():
        report = compiled(name).report()
        for width in (60, 80, 100):
            assert max(map(columns, report.text(View(width)).splitlines())) <= width, name


@examples
def test_every_format_is_one(words: tuple[str, ...]) -> None:
    rows = list(csv.reader(io.StringIO(run(*words, "--format", "csv").stdout)))
    assert len(rows) > 1
    assert len({len(row) for row in rows}) == 1
    assert json.loads(run(*words, "--format", "json").stdout)
    table = [r for r in run(*words, "--format", "markdown").stdout.splitlines() if r[:1] == "|"]
    assert table or words == ("explain", "E203")


@examples
@pytest.mark.parametrize("form", NAMES)
def test_the_suffix_of_a_file_is_its_format(words: tuple[str, ...], form: str) -> None:
    for suffix in FORMATS[form].suffixes:
        target = Path(f"out{suffix}")
        done = run(*words, "-o", str(target))
        assert done.stdout.startswith(f"wrote out{suffix}\n")
        assert target.read_text("utf-8") == run(*words, "--format", form).stdout


def test_the_format_that_is_named_goes_before_the_suffix() -> None:
    run("report", "resnet18", "-o", "costs.md", "--format", "csv")
    assert Path("costs.md").read_text("utf-8").startswith("name,description,")
    run("report", "resnet18", "-o", "costs.data", "--format", "json")
    assert json.loads(Path("costs.data").read_text("utf-8"))["name"] == "resnet18"


def test_a_suffix_of_no_format_is_refused_before_anything_is_written() -> None:
    done = run("report", "resnet18", "-o", "deep/costs.xlsx")
    assert done.exit_code == 1
    assert "error[E006]: no format has files that end in '.xlsx'" in done.stderr
    assert ".txt, .md, .markdown, .json, .csv" in done.stderr
    assert not Path("deep").exists()
    assert run("report", "resnet18", "-o", "costs").exit_code == 0  # text, where nothing is said
    assert Path("costs").read_text("utf-8").startswith("ResNet-18\n")


def test_a_file_is_the_same_on_every_terminal() -> None:
    run("report", "resnet34", "-o", "one.txt", COLUMNS="30")
    run("report", "resnet34", "-o", "two.txt", COLUMNS="300")
    assert Path("one.txt").read_text("utf-8") == Path("two.txt").read_text("utf-8")


def test_columns_are_chosen_by_either_name_in_any_order() -> None:
    lines = run("report", "resnet18", "--columns", "macs,Stage,activation_bytes").output
    assert re.search(r"^ +MACs  stage   activations$", lines, re.M)
    assert run("report", "resnet18", "--columns", "name, macs", "--format", "csv").output == (
        "name,macs\nstem,118013952\nlayer1,462422016\nlayer2,411041792\nlayer3,411041792\n"
        "layer4,411041792\nhead,512000\n"
    )
    table = run("check", "resnet34", "--columns", "claim,verdict").output
    assert re.search(r"^MACs / vgg19 +as printed$", table, re.M)


@pytest.mark.parametrize("words", [words for words in EXAMPLES if words[-1] != "E203"])
def test_an_unknown_column_is_an_error_everywhere(words: tuple[str, ...]) -> None:
    for form in ("text", "markdown", "csv"):
        done = run(*words, "--format", form, "--columns", "nmae")
        assert (done.exit_code, done.stdout) == (1, "")
        assert "error[E005]: there is no column 'nmae'" in done.stderr
    done = run(*words, "--format", "json", "--columns", "name")
    assert done.exit_code == 2
    assert "JSON has every figure" in done.output


def test_what_is_left_out_is_shown_by_wide() -> None:
    narrow = run("report", "resnet34", COLUMNS="60").output
    assert "no room for description" in narrow
    wide = run("report", "resnet34", "--wide", COLUMNS="60").output
    assert "no room" not in wide
    head = next(line for line in wide.splitlines() if line.startswith("stage "))
    assert re.split(r"  +", head) == [column.head for column in report.columns("stage")]


@pytest.mark.parametrize(
    ("command", "known", "gives_way"),
    [
        ("report", report.columns("stage"), report.GIVES_WAY),
        ("check", verdicts.COLUMNS, verdicts.GIVES_WAY),
        ("list", SPECS, SPECS_GIVE_WAY),
        ("lint", findings.COLUMNS, findings.GIVES_WAY),
    ],
)
def test_the_help_states_the_order(
    command: str, known: tuple[Column, ...], gives_way: tuple[str, ...]
) -> None:
    said = " ".join(run(command, "--help").output.split())
    found = re.search(r"give way in this order: (.*?)\. ", said)
    assert found is not None
    heads = {column.key: column.head for column in known if column.usual}
    assert found[1].split(", ") == [heads[key] for key in gives_way if key in heads]
    assert set(gives_way) == {column.key for column in known[1:]}


def on_terminal(*words: str, width: int = 72, **env: str) -> str:
    """What a command prints on a terminal of that width."""
    pty = pytest.importorskip("pty")
    import fcntl
    import struct
    import termios

    above, below = pty.openpty()
    fcntl.ioctl(below, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    inherited = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "TERM")}
    path = os.pathsep.join([str(ROOT), str(ROOT / "backends")])
    settings: dict[str, Any] = {**inherited, "PYTHONPATH": path, "TERM": "xterm", **env}
    process = subprocess.Popen(
        [sys.executable, "-m", "rescompile", *words], stdout=below, stdin=below, env=settings
    )
    os.close(below)
    said = b""
    while True:
        try:
            part = os.read(above, 65536)
        except OSError:  # as Linux tells the end
            break
        if not part:
            break
        said += part
    os.close(above)
    assert process.wait() == 0
    return said.decode().replace("\r\n", "\n")


def test_a_terminal_has_colours_and_its_own_width() -> None:
    said = on_terminal("report", "resnet34")
    plain = ANSI.sub("", said)
    assert "\x1b[1mResNet-34\x1b[0m" in said
    assert re.search(r"\x1b\[1mtotal ", said)
    assert plain == run("report", "resnet34", COLUMNS="72").output
    assert "\x1b[32m" in on_terminal("check", "vgg16")  # what holds is green


def test_colours_can_be_turned_off_and_are_for_terminals_alone() -> None:
    assert "\x1b" not in on_terminal("report", "resnet34", NO_COLOR="1")
    assert "\x1b" not in on_terminal("report", "resnet34", TERM="dumb")
    assert "\x1b" not in on_terminal("lint", "mine.yaml", NO_COLOR="1")
    assert "\x1b[33m" in on_terminal("lint", "mine.yaml")
    assert "\x1b" not in run("report", "resnet34").output


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("specs/vgg/vgg16.yaml", "vgg"),
        ("specs/resnet34.yaml", "resnet"),
        ("specs/plain20_cifar.yaml", "plain"),
        ("resnet20_cifar.yaml", "resnet"),
        ("mine.yaml", "mine"),
        ("of/mine/a.yaml", "mine"),
        ("20.yaml", "20"),
    ],
)
def test_a_family_is_a_folder(path: str, wanted: str) -> None:
    assert family(Path(path)) == wanted


def test_the_list_has_every_network_with_its_family() -> None:
    found = json.loads(run("list", "--format", "json").output)
    assert [spec["name"] for spec in found["specs"]] == list(zoo())
    assert {"vgg", "resnet", "plain"} <= {spec["family"] for spec in found["specs"]}
    assert found["backends"]
