"""What a training ran on: its kind, and nothing that tells whose it is."""

from __future__ import annotations

import platform
import re
from contextlib import suppress
from pathlib import Path


def processor() -> str:
    """The model of the processor, where the system tells it, and its architecture."""
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text("utf-8")
        if found := re.search(r"^model name\s*:\s*(.+)$", text, flags=re.MULTILINE):
            return f"{found[1]}, {platform.machine()}"
    return platform.machine()
