"""Whatever a title, a source, an `about` or the name of a file is: it comes out as text.

Drawn are words that mean something to Python, jinja, printf, terminals, tables and spreadsheets.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rescompile.api import Architecture, open_spec
from rescompile.cost.report import report
from rescompile.emit.contract import Request
from rescompile.ir.analysis import Analysis
from rescompile.ir.elaborate import elaborate
from rescompile.prose import columns, wrap
from rescompile.registry import backend_names, get_backend

ROOT = Path(__file__).parents[2]
EXAMPLES = int(os.environ.get("RESCOMPILE_FUZZ", "60"))
SPEC = """\
rescompile: 1
name: mine
input: {channels: 3, height: 8, width: 8}
blocks:
  pair:
    about: Two.
    body:
      - conv: {channels: 4, kernel: 3}
      - conv: {channels: 4, kernel: 3}
  chain:
    about: One after the other.
    sequence:
      - conv: {channels: 4, kernel: 3}
      - activation: {}
  part:
    about: Some of it.
    inline:
      - conv: {channels: 4, kernel: 3}
stages:
  - {block: pair, name: first}
  - {block: chain, name: second}
  - group:
      - {block: part}
    name: third
"""
FRAGMENTS = [
    *("\\", "\\\\", "\\N x", "\\N{BULLET}", "\\x", "\\u", "\\U0001", "\\n", "\\'", '\\"', "\\0"),
    *('"', "'", '""', '"""', "'''", '""""', '"""""', '"""\n\nimport os\n', "# coding: latin-1"),
    *("{{ x }}", "{% for x in y %}", "{# x #}", "{x}", "{", "}", "%s", "%(x)s", "%", "$x", "`x`"),
    *(
        "| a | b |",
        "*b*",
        "_i_",
        "[a](b)",
        "<b>",
        "&lt;",
        "&amp;",
        "#",
        "~~x~~",
        "=1+1",
        "@x",
        "-1",
    ),
    *("\x00", "\x07", "\x1b[2J", "\x1b]0;x\x07", "\x7f", "\x85", "\x9b", "\r", "\n", "\t", "\x0c"),
    *("\u202e", "\u2066", "\u200b", "\u2028", "\ufeff", "\u00a0", "\u3000", "\u00ad", "\ud800"),
    *(
        "\udcff",
        "é",
        "e\u0301",
        "漢字" * 30,
        "\U0001f600",
        "x" * 120,
        "\\" * 120,
        '"' * 120,
        "-",
        " ",
    ),
    *("well-known", "def f(): pass", "pass", "noqa: E501", "# type: ignore", "fmt: off", ":"),
]
anything = st.text(st.characters(exclude_categories=()), max_size=120)
texts = st.lists(st.sampled_from(FRAGMENTS) | anything, max_size=12).flatmap(
    lambda parts: st.sampled_from(["", " ", "  "]).map(lambda between: between.join(parts))
)
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def compiled() -> Architecture:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mine.yaml")
        path.write_text(SPEC, "utf-8")
        net = open_spec(path)
        assert net.request  # compiled before the file is gone
        return net


NET = compiled()


def request(title: str, source: str, spec: str, about: str) -> Request:
    """What a backend is asked to emit for a network with these texts."""
    network = NET.parametric.network
    blocks = {name: replace(block, about=about) for name, block in network.blocks.items()}
    summary = replace(NET.request.summary, title=title, source=source, spec=spec)
    return Request(Analysis(elaborate(replace(network, blocks=blocks))), summary)


def escaped(text: str) -> str:
    """A text as it is to be read: what cannot be seen as an escape, and without spaces."""
    seen = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return "".join("".join(seen).split())


def documented(tree: ast.Module) -> list[Any]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
    return [node for node in ast.walk(tree) if isinstance(node, kinds) and ast.get_docstring(node)]


def code(tree: ast.Module) -> str:
    """The code of a file without its docstrings."""
    for node in documented(tree):
        del node.body[0]
    return ast.dump(tree)


def ruff(source: dict[str, str]) -> None:
    """Ruff has nothing to change in emitted files, and nothing to say of them."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in source.items():
            Path(folder, f"{name}.py").write_bytes(text.encode("utf-8"))
        config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", "--quiet"]
        for words in (["format", "--check", "--diff"], ["check", "--ignore", "RUF"]):
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *words, *config, folder],
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr


LONG = "a long line of words that has to be wrapped, since it is longer than a line may be, with "


@given(title=texts, source=texts, spec=texts, about=texts)
@example(title=f"{LONG}\\N x", source="\\x", spec="\\u.yaml", about=f"{LONG}\\N x \\x \\u")
@example(title='"', source="", spec="\udcff\x1b[2J\u202e.yaml", about='"')
@example(title='"""', source='"', spec="", about='"""')
@example(title='a"""', source='"', spec="", about=f'{LONG[:80]}"""')
@example(title='a\\"', source='"', spec="", about=f'{LONG[:87]}"')
@many
def test_text_in_source_is_text(title: str, source: str, spec: str, about: str) -> None:
    """Emitted files are the same code whatever the texts are, which their docstrings hold."""
    made = {}
    for name in backend_names():
        target = get_backend(name)
        made[name] = text = target.emit(request(title, source, spec, about))
        assert text.replace("\n", "").isprintable()
        tree = ast.parse(text)
        head, *rest = ("".join(node.body[0].value.value.split()) for node in documented(tree))
        assert head.startswith(escaped(title))
        assert escaped(source) in head
        assert f"from{escaped(spec)};edit" in head
        own = [text for text in rest if text == escaped(about)]
        assert len(own) == (3 if escaped(about) else 0)  # beside those of what a file brings along
        assert code(tree) == code(ast.parse(target.emit(NET.request)))
    ruff(made)


@given(text=texts, width=st.integers(20, 100), first=st.text(" >", max_size=9))
@many
def test_lines_fit_and_hold_the_text(text: str, width: int, first: str) -> None:
    lines = wrap(text, width, first, "    ")
    assert all(columns(line) <= width for line in lines)
    assert all(line.isprintable() and line == line.rstrip() for line in lines)
    shown = "".join([*[line[len(first) :] for line in lines[:1]], *lines[1:]])
    assert "".join(shown.split()) == escaped(text)


@given(title=texts, source=texts, spec=texts)
@many
def test_text_in_reports_is_text(title: str, source: str, spec: str) -> None:
    """Lines, columns and cells stay what they are."""
    net = replace(NET.analysis.network, title=title, source=source, spec=spec)
    elaborated = replace(NET.analysis.elaborated, network=net)
    for by in ("network", "stage"):
        plain, given_ = report(NET.analysis.elaborated, by), report(elaborated, by)
        lines = len(plain.text().splitlines()) + bool(source) - (not spec)
        for form in ("text", "markdown", "json", "csv"):
            text = getattr(given_, form)()
            assert text.replace("\n", "").isprintable(), form
            assert text.encode("utf-8")
            if form == "text":
                assert len(text.splitlines()) == lines
                assert escaped(title) in escaped(text)
        data = json.loads(given_.json())
        said = json.loads(json.dumps([title or "mine", source, spec]))
        assert [data[key] for key in ("title", "source", "spec")] == said
        assert len(given_.csv().splitlines()) == len(plain.csv().splitlines())
