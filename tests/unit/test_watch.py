"""`rescompile watch` in a process of its own: it follows saves, shows errors, and ends cleanly."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 30  # on a busy machine
BASE = """\
rescompile: 1
name: base
input: {channels: 3, height: 8, width: 8}
use: [library]
stem:
  - conv: {channels: 4, kernel: 3}
  - {block: last, name: last}
"""
LIBRARY = "rescompile: 1\nblocks:\n  last:\n    body:\n      - conv: {channels: 5, kernel: 1}\n"


class Watch:
    """A running `rescompile watch mine.yaml`, its lines as they come."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [*(sys.executable, "-m", "rescompile", "watch", "mine.yaml", "--interval", "0.05")],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "backends")]),
                "PYTHONUNBUFFERED": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.rstrip())

    def said(self) -> str:
        """What it says of one build."""
        lines: list[str] = []
        while not lines or "Ctrl-C" not in lines[-1]:
            lines.append(self.lines.get(timeout=SECONDS))
        return "\n".join(lines)

    def save(self, name: str, text: str) -> str:
        """What it says after a file is saved as editors do."""
        (self.folder / f"{name}.new").write_text(text, "utf-8")
        (self.folder / f"{name}.new").replace(self.folder / name)
        return self.said()


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    (tmp_path / "mine.yaml").write_text("rescompile: 1\nextends: base\nname: mine\n", "utf-8")
    (tmp_path / "base.yaml").write_text(BASE, "utf-8")
    (tmp_path / "library.yaml").write_text(LIBRARY, "utf-8")
    made = Watch(tmp_path)
    yield made
    made.process.kill()
    made.process.wait()


@pytest.mark.skipif(os.name == "nt", reason="interrupts by signal")
def test_watch(watch: Watch) -> None:
    emitted = watch.folder / "generated/torch/mine.py"
    assert "wrote generated/torch/mine.py" in watch.said()
    assert "wrote" in watch.save("base.yaml", BASE.replace("channels: 4", "channels: 44"))
    assert "44" in emitted.read_text("utf-8")
    assert "wrote" in watch.save("library.yaml", LIBRARY.replace("channels: 5", "channels: 55"))
    good = emitted.read_text("utf-8")
    assert "55" in good

    said = watch.save("library.yaml", LIBRARY.replace("conv", "cnv"))
    assert "error[E112]" in said
    assert "did you mean 'conv'" in said or "conv" in said
    assert "library.yaml:5" in said
    assert emitted.read_text("utf-8") == good
    (watch.folder / "library.yaml").unlink()
    assert "error[E105]" in watch.said()
    assert "up to date" in watch.save(
        "library.yaml", LIBRARY.replace("channels: 5", "channels: 55")
    )

    watch.process.send_signal(signal.SIGINT)
    assert watch.process.wait(timeout=SECONDS) == 0
    assert watch.lines.get(timeout=SECONDS) == ""
    assert watch.lines.get(timeout=SECONDS) == "stopped"


def test_a_spec_that_is_not_there_ends_it(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from rescompile.cli import main

    result = CliRunner().invoke(main, ["watch", "resnet35"])
    assert result.exit_code == 1
    assert "did you mean" in result.output
