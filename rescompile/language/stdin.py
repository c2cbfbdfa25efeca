"""Standard input as a spec: `-` where a command takes one."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path
from typing import TextIO

from .yaml import MAX_BYTES

STDIN = "-"
PATH = Path("<stdin>")  # what diagnostics call it; what it extends and uses is looked for from here
CITED = "standard input"


def standard_input() -> bytes:
    """What stands there, up to more than may be; read once, whoever asks again."""
    return _all_of(sys.stdin)


@lru_cache(1)
def _all_of(stream: TextIO | None) -> bytes:
    return stream.buffer.read(MAX_BYTES + 1) if stream else b""  # it may be closed


def portable(spec: str) -> str:
    """What another process opens as this spec, which has another standard input."""
    if spec != STDIN:
        return spec
    return standard_input().decode("utf-8", "surrogateescape") + "\n"
