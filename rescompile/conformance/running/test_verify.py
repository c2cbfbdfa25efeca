"""`rescompile verify` on the zoo: every backend, every engine, forward and in training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ...verify.verification import Options, verify
from ...worker.client import MissingFramework, Worker
from ..plugin import chosen


def started(label: str) -> Worker | None:
    worker = Worker(label)
    try:
        worker.versions()
    except MissingFramework:
        worker.close(now=True)
        return None
    return worker


@pytest.fixture(scope="module")
def workers(request: pytest.FixtureRequest) -> Iterator[list[Worker]]:
    """All that are chosen and whose frameworks are installed."""
    running = (one.name for one in chosen(request.config) if one.runtime)
    found = [worker for worker in map(started, running) if worker is not None]
    if not found:
        pytest.skip("no framework of a chosen backend is installed")
    yield found
    for worker in found:
        worker.close()


def test_every_engine_agrees(engine: str) -> None:
    worker = started(engine)
    if worker is None:
        pytest.skip(f"{engine} is not installed")
    with worker:
        certificate = verify("resnet20_cifar", [worker], Options(changes=("n=1",)))
    assert certificate.good, certificate.text()


# One block of MobileNetV3 and its classifier, for images that a reference goes through at once.
SMALL = """
rescompile: 1
name: small
input: {channels: 3, height: 12, width: 12}
defaults:
  activation: {kind: hard_swish}
stages:
  - {conv: {channels: 8, kernel: 3, stride: 2}, name: stem}
  - norm: {epsilon: 0.001, momentum: 0.01}
  - activation: {}
  - residual:
      shortcut: identity
      branch:
        - conv: {channels: 16, kernel: 1}
        - norm: {}
        - activation: {}
        - conv: {channels: 16, kernel: 5, groups: 16}
        - norm: {}
        - activation: {}
        - multiply:
            - []
            - - global_avg_pool: {keepdims: true}
              - conv: {channels: 4, kernel: 1, bias: true}
              - activation: {kind: relu}
              - conv: {channels: 16, kernel: 1, bias: true}
              - activation: {kind: hard_sigmoid}
        - conv: {channels: 8, kernel: 1}
        - norm: {}
head:
  - global_avg_pool: {}
  - linear: {features: 16}
  - activation: {}
  - dropout: {rate: 0.2}
  - linear: {features: 5}
"""


def test_a_network_with_dropout_and_depthwise_kernels_agrees(
    workers: list[Worker], tmp_path: Path
) -> None:
    (tmp_path / "small.yaml").write_bytes(SMALL.encode())
    certificate = verify(str(tmp_path / "small.yaml"), workers, Options())
    assert certificate.good, certificate.text()
    assert any("dropout" in note for note in certificate.notes)


@pytest.mark.slow
def test_every_spec_agrees(spec: str, workers: list[Worker]) -> None:
    certificate = verify(spec, workers, Options())
    assert certificate.good, certificate.text()
