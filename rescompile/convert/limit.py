"""How much memory a file of weights may take while it is parsed, where the system can limit it.

The readers bound what they know of. This is for what their parsers do with a file before anyone
can look at it: unpickle, follow its metadata, unpack.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

ROOM = 128 << 20  # bytes for the parser's own tables


@contextlib.contextmanager
def limited(file: Path) -> Iterator[None]:
    """Lets this process take room for `file` and no more: beyond it, allocations fail.

    Only Linux tells what a process has and limits it; elsewhere the readers' own bounds stand.
    """
    used = _in_use()
    if used is None:
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    most = used + ROOM + 2 * file.stat().st_size
    if before[0] != resource.RLIM_INFINITY:
        most = min(most, before[0])
    resource.setrlimit(resource.RLIMIT_DATA, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _in_use() -> int | None:
    """The bytes that RLIMIT_DATA counts of this process, where the system tells."""
    status = Path("/proc/self/status")
    if not sys.platform.startswith("linux") or not status.is_file():
        return None
    lines = status.read_text("utf-8").splitlines()
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("VmData:")), None)
