"""The near end of a worker: a framework in another process, as an object."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..emit.contract import ENGINE
from ..errors import RescompileError
from ..reference.drops import NOTHING, RANDOM
from .lifeline import parent

Array = NDArray[Any]


class WorkerError(RescompileError):
    """The framework's process failed at a job; the message has its traceback, `what` its error."""

    def __init__(self, message: str, what: str = "") -> None:
        super().__init__(message)
        self.what = what or message.strip().splitlines()[-1]


class MissingFramework(WorkerError):
    """A framework that the backend needs is not installed; `what` names it."""


@dataclass(frozen=True)
class Subject:
    """The model that a job is about: a spec, with what is to be changed of it.

    `size` replaces the height and width of its input, `source` the emitted source; `weights` is a
    seed, "seeded" for weights that depend on names alone, or an .npz file.
    """

    spec: str
    size: int | None = None
    weights: int | str = 0
    dtype: str = "float32"
    source: str | None = None


@dataclass(frozen=True)
class Gradients:
    """A training step without its update; gradients, and running statistics, by state-dict key."""

    outputs: list[Array]
    gradients: dict[str, Array]
    input_gradient: Array
    running: dict[str, Array]


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

    def ready(self) -> dict[str, str]:
        """The versions of a process that runs: a new one, if the last job has ended the old."""
        if self.process.poll() is not None:
            self.stop(now=True)
            self.start()
        return self.versions()

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        """Send a job and wait for the answer. Raises `WorkerError`."""
        inward, outward = self._pipes()
        try:
            inward.write(json.dumps(job) + "\n")
            inward.flush()
            line = outward.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.log.seek(0)
            said = self.log.read()[-2000:]
            what = f"the process ended with exit code {self.process.wait()}"
            raise WorkerError(f"the {self.label} process ended: {said}", what)
        answer: dict[str, Any] = json.loads(line)
        if answer.pop("ok"):
            return answer
        message = f"the {self.label} backend failed:\n{answer['error']}"
        if answer["missing"]:
            raise MissingFramework(message, answer["missing"])
        raise WorkerError(message, answer["what"])

    def _pipes(self) -> tuple[IO[str], IO[str]]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        return self.process.stdin, self.process.stdout

    def versions(self) -> dict[str, str]:
        """The versions of the framework and what is under it."""
        return self.ask({"action": "versions"})

    def run(
        self,
        spec: str | os.PathLike[str],
        images: Array,
        weights: int | str = 0,
        dtype: str = "float32",
        training: bool = False,
    ) -> list[Array]:
        """The outputs of a spec's emitted model, each N x C (x H x W).

        `weights` is a seed, "seeded" for weights that depend on names alone, or an .npz file.
        """
        subject = Subject(os.fspath(spec), weights=weights, dtype=dtype)
        return self.outputs(subject, images, training)

    def outputs(
        self, subject: Subject, images: Array, training: bool = False, drops: str = RANDOM
    ) -> list[Array]:
        """The outputs of a model, each N x C (x H x W); `drops` tells what it drops in training."""
        how = _mode(training, drops)
        made = self.about(subject, "run", {"images": images}, **how)
        return [made[f"output{i}"] for i in range(len(made))]

    def weights(self, spec: str | os.PathLike[str], weights: int | str = 0) -> dict[str, Array]:
        """The weights that a float32 model has after it was given these, by state-dict key."""
        return self.about(Subject(os.fspath(spec), weights=weights), "weights")

    def initial(self, subject: Subject) -> dict[str, Array]:
        """The weights that a model is built with, by state-dict key; they are drawn from seed 0."""
        return self.about(subject, "initial")

    def drawn(self, subject: Subject) -> dict[str, Array]:
        """The figures of what each layer drops, by path (see `drops.figures`)."""
        return self.about(subject, "drawn", drops=RANDOM)

    def values(
        self,
        subject: Subject,
        images: Array,
        paths: Iterable[Sequence[str]],
        training: bool,
        drops: str = NOTHING,
    ) -> dict[str, Array]:
        """What leaves the operations and blocks at `paths`, of those that can be observed."""
        listed = [list(path) for path in paths]
        how = _mode(training, drops)
        made = self.about(subject, "values", {"images": images}, paths=listed, **how)
        return _of_kind(made, "value:")

    def step(self, subject: Subject, images: Array, targets: Sequence[Array]) -> Gradients:
        """A training step without its update, nothing being dropped (see `Runtime.step`)."""
        made = self.about(subject, "step", {"images": images}, targets, drops=NOTHING)
        outputs = [made[f"output{i}"] for i in range(len(targets))]
        gradients, running = _of_kind(made, "gradient:"), _of_kind(made, "running:")
        return Gradients(outputs, gradients, made["input_gradient"], running)

    def descend(
        self, subject: Subject, batches: Array, targets: Sequence[Array], rate: float
    ) -> dict[str, Array]:
        """The trainable weights after a step of SGD on each batch (see `descent.descend`)."""
        more = {"rate": rate, "drops": NOTHING}
        made = self.about(subject, "descend", {"images": batches}, targets, **more)
        return _of_kind(made, "weight:")

    def about(
        self,
        subject: Subject,
        action: str,
        arrays: Mapping[str, Array] = {},
        targets: Sequence[Array] = (),
        **more: Any,
    ) -> dict[str, Array]:
        """A job about a model, with arrays both ways, by name."""
        files = {name: {name: array} for name, array in arrays.items()}
        if targets:
            files["targets"] = {f"target{i}": target for i, target in enumerate(targets)}
        return self.arrays({"action": action, **asdict(subject), **more}, files)

    def arrays(self, job: dict[str, Any], files: Mapping[str, Any] = {}) -> dict[str, Array]:
        """A job with arrays both ways: `files` has the arrays of each file by name."""
        folder = Path(self.folder.name)
        for name, arrays in files.items():
            np.savez(folder / name, **arrays)
            job[name] = str(folder / f"{name}.npz")
        job["out"] = str(folder / "out.npz")
        self.ask(job)
        with np.load(job["out"]) as made:
            return {name: made[name] for name in made.files}


def _mode(training: bool, drops: str) -> dict[str, Any]:
    """In evaluation nothing is dropped, and any model serves."""
    return {"training": training, **({"drops": drops} if training else {})}


def _of_kind(arrays: Mapping[str, Array], kind: str) -> dict[str, Array]:
    return {k.removeprefix(kind): array for k, array in arrays.items() if k.startswith(kind)}
