"""What a file of weights may take while it is parsed, where the system can limit it.

The readers bound what they know of. This is for what their parsers do with a file before anyone
can look at it: unpickle, follow its metadata, unpack.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROOM = 128 << 20  # bytes for the parser's own tables
SECONDS = 30  # of processor time, and one more for each of
SLOWEST = 10 << 20  # bytes, a tenth of what a slow machine unpacks in a second


@contextlib.contextmanager
def limited(file: Path) -> Iterator[None]:
    """Lets this process take room and time for `file` and no more.

    Beyond the room, allocations fail; beyond the time, the system ends the process: a parser may be
    where no exception reaches it. Windows limits neither, and only Linux tells the room in use.
    """
    with contextlib.ExitStack() as stack:
        try:
            import resource
        except ImportError:
            pass
        else:
            size, used = file.stat().st_size, _in_use()
            seconds = int(time.process_time()) + 1 + SECONDS + size // SLOWEST
            stack.enter_context(_lowered(resource.RLIMIT_CPU, seconds))
            if used is not None:
                stack.enter_context(_lowered(resource.RLIMIT_DATA, used + ROOM + 2 * size))
        yield


@contextlib.contextmanager
def _lowered(what: int, most: int) -> Iterator[None]:
    """Inside, this process has no more than that of a resource."""
    import resource

    soft, hard = resource.getrlimit(what)
    lowest = most if soft == resource.RLIM_INFINITY else min(most, soft)
    resource.setrlimit(what, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(what, (soft, hard))


def _in_use() -> int | None:
    """The bytes that RLIMIT_DATA counts of this process, where the system tells."""
    status = Path("/proc/self/status")
    if not sys.platform.startswith("linux") or not status.is_file():
        return None
    lines = status.read_text("utf-8").splitlines()
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmData:")), None)
