"""`rescompile verify` on the zoo: every backend, every engine, forward and in training."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rescompile.language.load import zoo
from rescompile.registry import backend_names, get_backend
from rescompile.verify.verification import Options, verify
from rescompile.worker.client import MissingFramework, Worker

ENGINES = [f"{name}:{engine}" for name in backend_names() for engine in get_backend(name).engines]


def started(label: str) -> Worker | None:
    worker = Worker(label)
    try:
        worker.versions()
    except MissingFramework:
        worker.close(now=True)
        return None
    return worker


@pytest.fixture(scope="module")
def workers() -> Iterator[list[Worker]]:
    found = [worker for worker in map(started, backend_names()) if worker is not None]
    if not found:
        pytest.skip("no framework is installed")
    yield found
    for worker in found:
        worker.close()


@pytest.mark.parametrize("label", ENGINES)
def test_every_engine_agrees(label: str) -> None:
    worker = started(label)
    if worker is None:
        pytest.skip(f"{label} is not installed")
    with worker:
        certificate = verify("resnet20_cifar", [worker], Options(changes=("n=1",)))
    assert certificate.good, certificate.text()


def test_a_network_with_dropout_and_depthwise_kernels_agrees(workers: list[Worker]) -> None:
    certificate = verify("mobilenet_v3_small", workers, Options(size=32))
    assert certificate.good, certificate.text()
    assert any("dropout" in note for note in certificate.notes)


@pytest.mark.slow
@pytest.mark.parametrize("spec", sorted(zoo()))
def test_every_spec_agrees(spec: str, workers: list[Worker]) -> None:
    certificate = verify(spec, workers, Options())
    assert certificate.good, certificate.text()
