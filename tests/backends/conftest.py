"""What the tests of backends share: emitted source with something wrong in it, prepared images."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rescompile.api import open_spec
from rescompile.emit.validation import validate
from rescompile.errors import InternalError
from rescompile.registry import get_backend

from .preparing import BY_TORCH, prepared

Refusal = Callable[..., str]
SPEC = """\
rescompile: 1
name: small
input: {channels: 3, height: 16, width: 16}
classes: 5
stem:
  - {conv: {channels: 8, kernel: 3}, name: conv1}
  - {activation: {}, name: relu1}
  - {conv: {channels: 8, kernel: 3}, name: conv2}
  - {activation: {}, name: relu2}
  - residual:
      branch: [{conv: {channels: 8, kernel: 3}, name: conv3}]
      shortcut: identity
head:
  - {max_pool: {kernel: 3, stride: 2, padding: 1}, name: pool}
  - flatten: {}
  - {linear: {features: $classes}, name: fc}
"""


@pytest.fixture
def refusal(request: pytest.FixtureRequest, tmp_path: Path) -> Refusal:
    """What is said of the source of a small network with pieces of it replaced.

    The backend is the one of the folder that the test is in.
    """
    path = tmp_path / "small.yaml"
    path.write_text(SPEC)
    net, target = open_spec(path), get_backend(request.path.parent.name)

    def refuse(*changes: tuple[str, str]) -> str:
        source = target.emit(net.request)
        for old, new in changes:
            assert old in source, source
            source = source.replace(old, new)
        with pytest.raises(InternalError) as caught:
            validate(target, net.lowered, source)
        return str(caught.value)

    return refuse


@pytest.fixture(scope="session")
def by_torch(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The tests' images as PyTorch prepares them, by the names of the plans."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("needs PyTorch: pip install rescompile[torch]")
    return prepared(tmp_path_factory.mktemp("torch"), "torch", BY_TORCH)
