"""The far end of a worker: a process that answers jobs line by line.

A job is a line of JSON on standard input, its answer a line on standard output. Who answers is
given: for models `models.Session`, for files of weights the sessions of `convert`.
"""

from __future__ import annotations

import json
import os
import signal
import traceback
from collections.abc import Callable
from typing import Any, Protocol

from ..live import LIVE
from .lifeline import end_with_parent, jobs

LONG = 200  # characters of an error
Job = dict[str, Any]


def in_short(error: BaseException) -> str:
    """An error in a line, with the line of emitted source that it comes from, if from one.

    Frameworks write paragraphs: how one begins tells what is wrong.
    """
    what = f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")
    what = what if len(what) <= LONG else what[: LONG - 3] + "..."
    frames = traceback.extract_tb(error.__traceback__)
    emitted = [frame for frame in frames if frame.filename.startswith(LIVE)]
    if not emitted:
        return what
    line = emitted[-1].line
    return f"{what} (line {emitted[-1].lineno} of the source{f': {line}' if line else ''})"


class Answering(Protocol):
    """Whoever answers jobs."""

    def answer(self, job: Job) -> dict[str, Any]:
        """Do one job. What it raises is told to who asked."""


def serve(make: Callable[[], Answering]) -> None:
    """Answer jobs until standard input ends. What the frameworks print goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the near end is interrupted, and ends this one
    end_with_parent()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    session: Answering | None = None
    for line in jobs():
        try:
            session = session or make()
            answer = {"ok": True, **session.answer(json.loads(line))}
        except (Exception, SystemExit) as error:
            missing = error.name if session is None and isinstance(error, ImportError) else None
            answer = {
                "ok": False,
                "what": in_short(error),
                "error": traceback.format_exc(),
                "missing": missing,
            }
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
