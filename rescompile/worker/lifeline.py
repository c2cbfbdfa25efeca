"""A worker ends when the process that it works for does, killed or not.

Standard input ends with that process; a thread watches it, also while a job is done. What runs in
C may keep the thread waiting for ever, so on Linux the kernel is asked as well.
"""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import sys
import threading
from collections.abc import Iterator

PARENT = "RESCOMPILE_PARENT"  # the process that a worker ends with, if its main thread started it
PR_SET_PDEATHSIG = 1  # of Linux' prctl(2)


def parent() -> dict[str, str]:
    """What the environment of a worker needs to have, in which `end_with_parent` is called.

    Linux takes the end of the thread that started a process for that of its parent: only the main
    thread lasts as long.
    """
    main = threading.current_thread() is threading.main_thread()
    return {PARENT: str(os.getpid()) if main else ""}


def end_with_parent() -> None:
    """From now on the kernel kills this process when its parent ends, where it can."""
    started_by = os.environ.pop(PARENT, "")
    if started_by and sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != int(started_by):  # it ended before
            os._exit(1)


def jobs() -> Iterator[str]:
    """The lines of standard input. Where it ends amid a job, this process does, at once."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    undone = threading.Semaphore(0)

    def watch() -> None:
        for line in sys.stdin:
            undone.release()
            lines.put(line)
        if undone.acquire(blocking=False):  # nobody waits for the answer any more
            os._exit(1)
        lines.put("")

    threading.Thread(target=watch, daemon=True).start()
    while line := lines.get():
        yield line
        undone.acquire()
