"""The near end of the checks: a child process that answers for specs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from .networks import Files
from .repair import write

ROOT = Path(__file__).parents[2]


class Bench:
    """A process with both frameworks; it is started anew where a spec has brought it down."""

    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="rescompile-")
        self.process: subprocess.Popen[str] | None = None
        self.log: IO[str] | None = None

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()
        self.folder.cleanup()

    def start(self) -> subprocess.Popen[str]:
        self.close()
        self.log = open(Path(self.folder.name, "log"), "w", encoding="utf-8")  # noqa: SIM115
        path = os.pathsep.join([str(ROOT), str(ROOT / "backends")])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.properties.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"},
            text=True,
        )
        return self.process

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout, self.log):
                if pipe is not None:
                    pipe.close()
            self.process = None

    def ask(self, path: Path) -> dict[str, Any]:
        """The verdict on the spec at `path`; `what` is alike for alike faults."""
        process = self.process or self.start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(str(path)) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.close()
            return {"verdict": "failed", "what": "the process died", "detail": ""}
        answer: dict[str, Any] = json.loads(line)
        if "what" in answer:
            answer["what"] = family(answer["what"])
        return answer

    def ask_files(self, files: Files) -> dict[str, Any]:
        folder = Path(self.folder.name) / "files"
        for old in folder.glob("*.yaml"):
            old.unlink()
        return self.ask(write(files, folder))


def family(what: str) -> str:
    """A message without what differs from network to network: numbers and quoted names."""
    what = re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", "'...'", what)
    what = re.sub(r"(?<![A-Za-z])\d+", "#", what)
    what = re.sub(r"[\w.]+\(\)", "f()", what)
    return re.sub(r"\[[^\]]*\]|\([^)]*\)", "[...]", what)[:120]
