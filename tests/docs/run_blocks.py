"""Runs blocks of Python in one process, so that a framework is imported once.

    python run_blocks.py BLOCKS.json DONE.json

The first block is the start of all others: each runs with its names, on none but its own changes
of them. What each has printed, or the traceback with which it failed, is written by its name.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
import traceback
from pathlib import Path

blocks, answer = map(Path, sys.argv[1:])
done: dict[str, dict[str, object]] = {}
start: dict[str, object] = {}
for name, code in json.loads(blocks.read_text("utf-8")).items():
    namespace = dict(start) if start else start
    error, began, printed = "", time.perf_counter(), io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(code, f"<{name}>", "exec"), namespace)
    except Exception:
        error = traceback.format_exc()
    seconds = time.perf_counter() - began
    done[name] = {"printed": printed.getvalue(), "error": error, "seconds": seconds}
answer.write_text(json.dumps(done), "utf-8")
