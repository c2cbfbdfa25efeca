"""The API has exact types for those who check theirs: `mypy --strict` on a script that uses it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("script.py")
WRONG = """\
import rescompile

net = rescompile.load("resnet34", classes="10")
total: str = net.report().total.macs
net.report(ny="stage")
net.figure().svg().nothing
rescompile.load(3)
rescompile.laod("resnet34")
"""


def mypy(file: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    words = ["--strict", "--config-file=", "--cache-dir", str(cache), str(file)]
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "backends")))
    return subprocess.run(
        [sys.executable, "-m", "mypy", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=cache,
        env={**os.environ, "MYPYPATH": paths},
    )


def test_a_users_types_are_exact_and_mistakes_are_seen(tmp_path: Path) -> None:
    done = mypy(SCRIPT, tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    wrong = tmp_path / "wrong.py"
    wrong.write_text(WRONG, "utf-8")
    said = [line for line in mypy(wrong, tmp_path).stdout.splitlines() if ": error: " in line]
    assert [int(line.split(":")[1]) for line in said] == [3, 4, 5, 6, 7, 8], said
