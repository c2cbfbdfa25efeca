"""No test here starts a framework: what needs one stands in tests/conformance or tests/backends."""

from __future__ import annotations

import sys

import pytest

from rescompile.worker.client import Worker

FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "flax", "onnx")


@pytest.fixture(autouse=True)
def no_framework(monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing one is an error, and so is a process for one."""
    for name in FRAMEWORKS:
        monkeypatch.setitem(sys.modules, name, None)
    start = Worker.start

    def refuse(self: Worker) -> None:
        if self.module.startswith("rescompile."):  # what a test has as a worker of its own is none
            pytest.fail(f"starts {self.label}")
        start(self)

    monkeypatch.setattr(Worker, "start", refuse)
