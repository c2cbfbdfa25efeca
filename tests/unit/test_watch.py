"""`rescompile watch` in a process of its own: it follows saves, shows errors, and ends cleanly."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 180  # far more than anything here takes, on a machine as busy as can be
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
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line.rstrip())

    def until(self, wanted: str) -> str:
        """What it says of the first build from now on of which it says what is wanted.

        Between two steps of a save it may see the files as they are, and tell of them: those
        builds are passed over.
        """
        ends, all_said, said = time.monotonic() + SECONDS, "", ""
        while wanted not in said:
            lines: list[str] = []
            while not lines or "Ctrl-C" not in lines[-1]:
                try:
                    lines.append(self.lines.get(timeout=max(0.0, ends - time.monotonic())))
                except queue.Empty:
                    pytest.fail(f"it never said {wanted!r}, but {all_said}{lines}")
            said = "\n".join(lines)
            all_said += f"{said}\n"
        return said

    def save(self, name: str, text: str) -> None:
        """Save a file as editors do."""
        (self.folder / f"{name}.new").write_text(text, "utf-8")
        (self.folder / f"{name}.new").replace(self.folder / name)


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
    watch.until("wrote generated/torch/mine.py")
    watch.save("base.yaml", BASE.replace("channels: 4", "channels: 44"))
    watch.until("wrote generated/torch/mine.py")
    assert "44" in emitted.read_text("utf-8")
    watch.save("library.yaml", LIBRARY.replace("channels: 5", "channels: 55"))
    watch.until("wrote generated/torch/mine.py")
    good = emitted.read_text("utf-8")
    assert "55" in good

    watch.save("library.yaml", LIBRARY.replace("conv", "cnv"))
    said = watch.until("error[E112]")
    assert "did you mean 'conv'" in said or "conv" in said
    assert "library.yaml:5" in said
    assert emitted.read_text("utf-8") == good
    (watch.folder / "library.yaml").unlink()
    watch.until("error[E105]")
    watch.save("library.yaml", LIBRARY.replace("channels: 5", "channels: 55"))
    watch.until("up to date: generated/torch/mine.py")

    watch.process.send_signal(signal.SIGINT)
    assert watch.process.wait(timeout=SECONDS) == 0
    watch.reader.join(timeout=SECONDS)
    assert list(watch.lines.queue)[-2:] == ["", "stopped"]


def test_a_spec_that_is_not_there_ends_it(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from rescompile.cli import main

    result = CliRunner().invoke(main, ["watch", "resnet35"])
    assert result.exit_code == 1
    assert "did you mean" in result.output
