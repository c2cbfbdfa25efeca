"""`rescompile verify` on the zoo: every backend, every engine, forward and in training."""

from __future__ import annotations

from collections.abc import Iterator

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


def test_a_network_with_dropout_and_depthwise_kernels_agrees(workers: list[Worker]) -> None:
    certificate = verify("mobilenet_v3_small", workers, Options(size=32))
    assert certificate.good, certificate.text()
    assert any("dropout" in note for note in certificate.notes)


@pytest.mark.slow
def test_every_spec_agrees(spec: str, workers: list[Worker]) -> None:
    certificate = verify(spec, workers, Options())
    assert certificate.good, certificate.text()
