"""A command that is ended by a signal takes what it began with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rescompile.registry import default_backends

if os.name == "nt":
    pytest.skip("signals are POSIX's", allow_module_level=True)

WRITTEN = len(default_backends())
ROOT = Path(__file__).parents[2]
SECONDS = 120  # far more than a start takes, on a machine as busy as can be
# A build that stands still at the move of its first file, when all of them are written beside.
STANDING = """
import os, time
import rescompile.cli

os.replace = lambda *_: time.sleep(600)
rescompile.cli.main(["build", "resnet34"])
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_no_temporary_files(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "generated/torch").mkdir(parents=True)
    kept = tmp_path / "generated/torch/kept.py"
    kept.write_text("precious")
    path = os.pathsep.join([str(ROOT), str(ROOT / "backends")])
    process = subprocess.Popen(
        [sys.executable, "-c", STANDING],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        ends = time.monotonic() + SECONDS
        while len([p for p in tmp_path.rglob(".*resnet34.py") if p.stat().st_size]) < WRITTEN:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < ends, "nothing was written"
            time.sleep(0.02)
        process.send_signal(number)
        _, said = process.communicate(timeout=SECONDS)
    finally:
        process.kill()
    assert process.returncode == (1 if number == signal.SIGINT else 128 + number)
    assert "Traceback" not in said
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [kept]
    assert not (tmp_path / "generated/keras").exists()
