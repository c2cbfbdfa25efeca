"""A worker ends with the process that it works for, whatever it does just then."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# A worker whose one job tells its process, and never ends: in Python, or in C without a pause.
WORKER = """
import os, re, sys, time
from rescompile.worker.server import Session, serve

class Endless(Session):
    def work(self, job):
        told, how = job.options["told"], job.options["how"]
        with open(told + "~", "w") as file:
            file.write(str(os.getpid()))
        os.rename(told + "~", told)
        if how == "asleep":
            time.sleep(1000)
        while how == "python":
            pass
        re.match("(a+)+$", "a" * 100 + "b")

serve(Endless)
"""
PARENT = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from rescompile.worker.client import Worker

def work():
    with Worker("any", "endless") as worker:
        worker.ask("work", told=sys.argv[2], how=sys.argv[3])

if sys.argv[4] == "main":
    work()
else:
    threading.Thread(target=work).start()
"""


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")  # nobody may be there to fetch what is left of it
    return not status.exists() or status.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_until(what: object, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not what() and time.monotonic() < end:  # type: ignore[operator]
        time.sleep(0.02)
    return bool(what())  # type: ignore[operator]


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL")
@pytest.mark.parametrize(
    ("how", "thread"),
    [
        ("asleep", "main"),
        ("python", "main"),
        ("python", "another"),
        pytest.param(
            "c",
            "main",
            marks=pytest.mark.skipif(
                not sys.platform.startswith("linux"), reason="only Linux' kernel ends it"
            ),
        ),
    ],
)
def test_a_worker_does_not_survive_its_parent(how: str, thread: str, tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text(WORKER)
    told = tmp_path / "told"
    arguments = [str(tmp_path), str(told), how, thread]
    parent = subprocess.Popen([sys.executable, "-c", PARENT, *arguments])
    try:
        assert wait_until(told.exists, 60)
        worker = int(told.read_text())
        assert alive(worker)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    gone = wait_until(lambda: not alive(worker), 2)
    if not gone:
        os.kill(worker, signal.SIGKILL)
    assert gone
