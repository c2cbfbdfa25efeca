"""Checks specs, line by line: a path on standard input, an answer as JSON on standard output."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# As a worker has it: that it is there tells backends that they are measured.
os.environ["RESCOMPILE_ENGINE"] = os.environ.get("RESCOMPILE_ENGINE") or "torch"
os.environ["KERAS_BACKEND"] = os.environ["RESCOMPILE_ENGINE"]

import torch
from torch.nn import functional as F

from rescompile.errors import InternalError, RescompileError
from rescompile.registry import backend_names, get_backend

from .checks import Disagreement, TooLarge, check

PATIENCE = 60  # seconds


def answer(path: Path) -> dict[str, Any]:
    """The verdict on a spec: agreed, refused, large, or failed, and why."""
    try:
        with patience():
            check(path)
    except TooLarge:
        return {"verdict": "large"}
    except Disagreement as error:
        return {"verdict": "failed", "what": error.what, "detail": str(error)}
    except RescompileError as error:
        if isinstance(error, InternalError) or not error.diagnostics:
            what = f"internal error: {str(error).splitlines()[0]}"
            return {"verdict": "failed", "what": what, "detail": str(error)}
        codes = [diagnostic.code for diagnostic in error.diagnostics]
        return {"verdict": "refused", "codes": codes, "detail": str(error)}
    except Exception as error:
        detail = traceback.format_exc()
        place = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__} in {Path(place.filename).name}, {place.name}"
        return {"verdict": "failed", "what": what, "detail": detail}
    return {"verdict": "agreed"}


@contextmanager
def patience() -> Iterator[None]:
    """Inside, what takes too long is an error."""

    def stop(number: int, frame: object) -> None:
        raise TimeoutError(f"not done within {PATIENCE} seconds")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)


def use_contiguous_kernels() -> None:
    """Let Keras' convolutions on PyTorch have a gradient in float64.

    Keras permutes its kernels into a view, and PyTorch's own backward pass refuses that on a CPU.
    """
    for name in ("conv1d", "conv2d", "conv3d", "conv_transpose2d"):
        setattr(F, name, _contiguous(getattr(F, name)))


def _contiguous(convolve: Any) -> Any:
    def with_contiguous_kernel(x: Any, kernel: Any, *args: Any, **given: Any) -> Any:
        return convolve(x, kernel.contiguous(), *args, **given)

    return with_contiguous_kernel


def serve() -> None:
    """Answer until standard input ends. What the frameworks print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    torch.set_num_threads(1)
    use_contiguous_kernels()
    for backend in backend_names():
        get_backend(backend).runtime().seed(0)  # what they import lazily is imported now
    gc.collect()
    gc.freeze()  # Keras collects garbage for each model: nothing of the imports is any
    for line in sys.stdin:
        answers.write(json.dumps(answer(Path(json.loads(line)))) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve()
