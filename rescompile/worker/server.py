"""The far end of a worker: a process that answers jobs line by line.

A job is a line on standard input, its answer a line on standard output (see `job`). Who answers is
given: for models `models.Session`, for files of weights the one of `convert`.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable

from ..live import LIVE
from .job import Answer, Fault, Job
from .lifeline import end_with_parent, jobs

LONG = 200  # characters of an error


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


class Session:
    """Whoever answers jobs: the action of each is a method's name."""

    def answer(self, job: Job) -> Answer:
        """Do one job. What it raises is told to who asked."""
        answer: Answer = getattr(self, job.action)(job)
        return answer


def serve(make: Callable[[], Session]) -> None:
    """Answer jobs until standard input ends. What the frameworks print goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the near end is interrupted, and ends this one
    end_with_parent()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    session: Session | None = None
    for line in jobs():
        try:
            session, job = session or make(), Job.of(line)
            answer = session.answer(job).line(job.folder)
        except (Exception, SystemExit) as error:
            missing = error.name if session is None and isinstance(error, ImportError) else None
            answer = Answer(fault=Fault(in_short(error), traceback.format_exc(), missing)).line()
        answers.write(answer)
        answers.flush()
