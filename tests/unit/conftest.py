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
    monkeypatch.setattr(Worker, "start", lambda self: pytest.fail(f"starts {self.label}"))
