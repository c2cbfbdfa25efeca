"""The line length that `build` is asked for: it is kept, known by --check, and in a range."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from rescompile import SpecError, load
from rescompile.cli import main


def test_build_takes_it_and_check_knows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def build(*words: str) -> int:
        return CliRunner().invoke(main, ["build", "resnet50", *words]).exit_code

    assert build("--line-length", "79") == 0
    assert build("--line-length", "79", "--check") == 0
    assert build("--check") == build("--line-length", "88", "--check") == 1
    widths = {max(map(len, f.read_text().split("\n"))) for f in tmp_path.rglob("*.py")}
    assert max(widths) <= 79


@pytest.mark.parametrize("length", [78, 321, -1, 0])
def test_what_no_file_can_have_is_refused(length: int) -> None:
    done = CliRunner().invoke(main, ["build", "resnet18", "--line-length", str(length)])
    assert done.exit_code == 2
    assert "is not in the range 79<=x<=320" in done.output
    with pytest.raises(SpecError) as raised:
        load("resnet18").source(line_length=length)
    assert raised.value.diagnostics[0].help == "choose one from 79 to 320"
