"""What the command `verify` does before a framework starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from rescompile.cli import main
from rescompile.worker.client import Worker

SPEC = """
rescompile: 1
name: tiny
input: {channels: 3, height: 8, width: 8}
stem:
  - conv: {channels: 4, kernel: 3}
"""


def test_all_specs_are_compiled_before_a_framework_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Worker, "start", lambda self: pytest.fail("a framework was started"))
    (tmp_path / "good.yaml").write_text(SPEC, "utf-8")
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(SPEC.replace("kernel: 3", f"{name}: 3"), "utf-8")
    done = CliRunner().invoke(main, ["verify", str(tmp_path)])
    assert done.exit_code == 1
    assert "one.yaml:6:25" in done.stderr
    assert "two.yaml:6:25" in done.stderr
