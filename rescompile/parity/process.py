"""The near end of a worker: a framework in another process, as an object."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..backend.contract import ENGINE
from ..errors import RescompileError

Array = NDArray[Any]


class WorkerError(RescompileError):
    """The framework's process failed at a job; the message is its traceback."""


class Worker:
    """A backend in a process of its own: `torch`, `keras`, or `keras:jax` for Keras on JAX."""

    def __init__(self, backend: str, module: str = "rescompile.parity.worker") -> None:
        self.backend, _, engine = backend.partition(":")
        self.label = backend
        environment = {**os.environ, ENGINE: engine, "PYTHONHASHSEED": "0"}
        path = os.pathsep.join(p for p in sys.path if p)
        environment["PYTHONPATH"] = path
        self.folder = tempfile.TemporaryDirectory(prefix="rescompile-")
        self.log = open(Path(self.folder.name, "log"), "w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, self.backend],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=environment,
            text=True,
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        self.folder.cleanup()

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
            raise WorkerError(f"the {self.label} process ended: {said}")
        answer: dict[str, Any] = json.loads(line)
        if not answer.pop("ok"):
            raise WorkerError(f"the {self.label} backend failed:\n{answer['error']}")
        return answer

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
        made = self.arrays(
            {
                "action": "run",
                "spec": os.fspath(spec),
                "weights": weights,
                "dtype": dtype,
                "training": training,
            },
            images=images,
        )
        return [made[f"output{i}"] for i in range(len(made))]

    def weights(self, spec: str | os.PathLike[str], weights: int | str = 0) -> dict[str, Array]:
        """The weights that a float32 model has after it was given these, by state-dict key."""
        job = {"action": "weights", "spec": os.fspath(spec), "weights": weights}
        return self.arrays({**job, "dtype": "float32"})

    def arrays(self, job: dict[str, Any], **given: Array) -> dict[str, Array]:
        """A job with arrays both ways: each of `given` goes into a file of its name."""
        folder = Path(self.folder.name)
        for name, array in given.items():
            arrays: dict[str, Any] = {name: array}
            np.savez(folder / name, **arrays)
            job[name] = str(folder / f"{name}.npz")
        job["out"] = str(folder / "out.npz")
        self.ask(job)
        with np.load(job["out"]) as made:
            return {name: made[name] for name in made.files}


def relative_error(got: Array, wanted: Array) -> float:
    """The largest deviation over the largest magnitude: 0 where equal, infinite for NaN."""
    if got.shape != wanted.shape:
        return float("inf")
    if not wanted.size:
        return 0.0
    scale = float(np.max(np.abs(wanted)))
    error = float(np.max(np.abs(got.astype(np.float64) - wanted.astype(np.float64))))
    if not np.isfinite(error) or not np.isfinite(scale):
        return float("inf")
    return error / scale if scale else error
