"""The near end of a worker: a framework in another process, as an object."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from ..emit.contract import ENGINE
from ..errors import RescompileError
from .job import Answer, Array, Arrays, Job, Subject, listed, packed
from .lifeline import parent


class WorkerError(RescompileError):
    """The framework's process failed at a job; the message has its traceback, `what` its error."""

    def __init__(self, message: str, what: str = "") -> None:
        super().__init__(message)
        self.what = what or message.strip().splitlines()[-1]


class OutOfTime(WorkerError):
    """The process was ended in a job that may take only so much processor time."""


class MissingFramework(WorkerError):
    """A framework that the backend needs is not installed; `what` names it."""


# Not `-m`: that looks for modules in the working directory first, where a keras.py may lie.
START = """
import runpy, sys
sys.path[:] = [folder for folder in sys.path if folder]
runpy.run_module(sys.argv.pop(1), run_name="__main__")
"""


class Worker:
    """A backend in a process of its own: `torch`, `keras`, or `keras:jax` for Keras on JAX."""

    def __init__(self, backend: str, module: str = "rescompile.worker.models") -> None:
        self.backend, _, engine = backend.partition(":")
        self.label = backend
        self.module, self.engine = module, engine
        self.folder = tempfile.TemporaryDirectory(prefix="rescompile-")
        self.start()

    def start(self) -> None:
        environment = {**os.environ, **parent(), ENGINE: self.engine, "PYTHONHASHSEED": "0"}
        environment["PYTHONPATH"] = os.pathsep.join(p for p in sys.path if p)
        self.log = open(Path(self.folder.name, "log"), "w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, self.module, self.backend],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=environment,
            text=True,
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(now=kind is not None)

    def close(self, now: bool = False) -> None:
        """End the process: when it is done with its job, or `now`."""
        self.stop(now)
        self.folder.cleanup()

    def stop(self, now: bool) -> None:
        if now:
            self.process.kill()
        with contextlib.suppress(BrokenPipeError):
            self._pipes()[0].close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._pipes()[1].close()
        self.log.close()

    def ask(self, action: str, arrays: Mapping[str, Array] = {}, **options: Any) -> Answer:
        """Send a job and wait for the answer. A process that has ended is started again.

        Raises `WorkerError`.
        """
        if self.process.poll() is not None:
            self.stop(now=True)
            self.start()
        inward, outward = self._pipes()
        try:
            inward.write(Job(action, options, arrays, self.folder.name).line())
            inward.flush()
            line = outward.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise self._ended()
        answer = Answer.of(line)
        if answer.fault is None:
            return answer
        message = f"the {self.label} backend failed:\n{answer.fault.traceback}"
        if answer.fault.missing:
            raise MissingFramework(message, answer.fault.missing)
        raise WorkerError(message, answer.fault.what)

    def _ended(self) -> WorkerError:
        """Why there is no answer."""
        code = self.process.wait()
        if code == -getattr(signal, "SIGXCPU", 0):
            return OutOfTime(f"the {self.label} process took more time than it may")
        self.log.seek(0)
        said = self.log.read()[-2000:]
        what = f"the process ended with exit code {code}"
        return WorkerError(f"the {self.label} process ended: {said}", what)

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return self.process.stdin, self.process.stdout

    def versions(self) -> dict[str, str]:
        """The versions of the framework and what is under it."""
        return self.ask("versions").data

    def run(
        self,
        spec: str | os.PathLike[str],
        images: Array | tuple[Array, ...],
        weights: int | str = 0,
        dtype: str = "float32",
        training: bool = False,
    ) -> list[Array]:
        """The outputs of a spec's emitted model, each N x C (x H x W).

        Of several inputs `images` is a tuple, in their order.
        `weights` is a seed, "seeded" for weights that depend on names alone, or an .npz file.
        """
        subject = Subject(os.fspath(spec), weights=weights, dtype=dtype)
        given = packed("images", images)
        return listed("output", self.about(subject, "run", given, training=training))

    def weights(self, spec: str | os.PathLike[str], weights: int | str = 0) -> Arrays:
        """The weights that a float32 model has after it was given these, by state-dict key."""
        return self.about(Subject(os.fspath(spec), weights=weights), "weights")

    def about(
        self, subject: Subject, action: str, arrays: Mapping[str, Array] = {}, **options: Any
    ) -> Arrays:
        """A job about a model, with arrays both ways, by name."""
        return self.ask(action, arrays, subject=asdict(subject), **options).arrays
