"""The default tests draw the same examples at every run, and `make fuzz` others."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DRAW = """
from hypothesis import given, strategies as st

@given(st.integers(), st.text())
def test_it(number, text):
    print((number, text))
"""


@pytest.mark.parametrize(
    ("machine", "fuzz"),
    [
        ("CI", ""),
        ("CI", "RESCOMPILE_FUZZ"),
        pytest.param("", "", marks=pytest.mark.slow),
        pytest.param("", "RESCOMPILE_FUZZ_ERRORS", marks=pytest.mark.slow),
    ],
)
def test_draws_are_the_same_unless_asked(machine: str, fuzz: str, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text("utf-8"), "utf-8")
    (tmp_path / "test_it.py").write_text(DRAW)
    path = os.pathsep.join([str(ROOT), str(ROOT / "backends")])
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("RESCOMPILE_") and key not in ("CI", "TF_BUILD", "GITHUB_ACTIONS")
    }
    asked = {name: "100" for name in (fuzz, machine) if name}
    environment = {**kept, "PYTHONPATH": path, **asked}
    words = ["-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", "test_it.py"]
    drawn = set()
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        drawn.add(tuple(line for line in done.stdout.splitlines() if line.startswith("(")))
    assert len(drawn) == (2 if fuzz else 1)
