"""Every wrong spec here gives exactly the text beside it: no traceback, no half a minute."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from rescompile.cli import main

HERE = Path(__file__).parent
SPECS = sorted(HERE.glob("bad_*.yaml"))


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem.removeprefix("bad_"))
def test_bad_spec(
    spec: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(HERE)
    start = time.perf_counter()
    result = CliRunner().invoke(main, ["report", spec.name])
    seconds = time.perf_counter() - start

    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "internal error" not in result.output
    assert seconds < 1
    expected = spec.with_suffix(".txt")
    if request.config.getoption("rewrite"):
        expected.write_text(result.output, encoding="utf-8")
    assert result.output == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem.removeprefix("bad_"))
def test_it_says_where_and_what_to_do(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)
    arguments = ["--error-format", "json", "report", spec.name]
    found = json.loads(CliRunner().invoke(main, arguments).stderr)
    text = spec.with_suffix(".txt").read_text("utf-8")
    assert len(found) == text.count("error[")
    for one in found:
        assert f"error[{one['code']}]: {one['message']}" in text
        assert one["help"]
        assert f"{one['file']}:{one['line']}:{one['column']}\n" in text


def test_every_text_has_its_spec() -> None:
    assert {f.stem for f in HERE.glob("bad_*.txt")} == {f.stem for f in SPECS}
