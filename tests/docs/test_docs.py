"""The manual is what the code says, and every spec in it and in the cookbook compiles.

A YAML block that begins with `rescompile:` is a whole file: it is emitted for every backend, and
its claims are checked. Any other is a part of one: steps, or keys of a file that has the rest.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from rescompile.api import open_spec
from rescompile.cli import main
from rescompile.errors import Diagnostic, Location, record
from rescompile.language.load import zoo
from rescompile.registry import backend_names

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REST = {
    "rescompile": 1,
    "name": "part",
    "input": {"channels": 64, "height": 56, "width": 56},
    "classes": 10,
}
_BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.M | re.S)


def generator() -> Any:
    found = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def blocks() -> list[Any]:
    """Every YAML block of the documents, called by its file and line."""
    made = []
    for path in (DOCS / "language.md", DOCS / "cookbook.md"):
        text = path.read_text("utf-8")
        for found in _BLOCK.finditer(text):
            line = text.count("\n", 0, found.start()) + 2
            made.append(pytest.param(found.group(1), id=f"{path.stem}-{line}"))
    return made


def test_the_reference_is_current(request: pytest.FixtureRequest) -> None:
    made = generator()
    for path, wanted in ((made.LANGUAGE, made.render()), (made.ERRORS, made.render_errors())):
        if request.config.getoption("rewrite"):
            path.write_text(wanted, encoding="utf-8")
        assert path.read_text("utf-8") == wanted


def test_the_links_of_the_index_of_errors_lead_to_sections() -> None:
    text = (DOCS / "errors.md").read_text("utf-8")
    heads = re.findall(r"^## ([EF]\d{3}: .*)", text, re.M)
    anchors = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
    assert set(re.findall(r"\]\(#(.*?)\)", text)) == anchors


def test_every_key_of_a_record_is_told() -> None:
    assert set(generator().RECORD) == set(record(Diagnostic("E203", "", Location("", 1, 1))))


@pytest.mark.parametrize("text", blocks())
def test_a_spec_compiles(text: str, tmp_path: Path) -> None:
    given = yaml.safe_load(text)
    whole = isinstance(given, dict) and "rescompile" in given
    if not whole:
        given = given if isinstance(given, dict) else {"stages": given}
        word = {"shortcut": "projection"} if "$shortcut" in text or "use" in given else {}
        text = yaml.safe_dump({**REST, **word, **given}, sort_keys=False)
    path = tmp_path / "part.yaml"
    path.write_text(text, encoding="utf-8")
    net = open_spec(str(path))
    assert net.analysis.elaborated.root.layers > 0
    for backend in backend_names() if whole else ():
        assert f"def {net.name}(" in net.source(backend)
    if net.document.spec.claims:
        checked = CliRunner().invoke(main, ["check", str(path)])
        assert checked.exit_code == 0, checked.output


def shipped() -> list[Any]:
    """The blocks that have the name of a shipped network."""
    found = [(block, yaml.safe_load(block.values[0])) for block in blocks()]
    return [block for block, given in found if "rescompile" in given and given["name"] in zoo()]


@pytest.mark.parametrize("text", shipped())
def test_a_shipped_network_is_shown_as_it_is(text: str) -> None:
    path = zoo()[yaml.safe_load(text)["name"]]
    modeline, _, rest = path.read_text("utf-8").partition("\n")
    assert modeline.startswith("# yaml-language-server: ")
    assert text.strip() == rest.partition("\nweights:\n")[0].strip()
