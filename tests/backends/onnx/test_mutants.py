"""Sources broken on purpose: each one is refused by the proof, or caught by verification."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime")

from rescompile.api import open_spec
from rescompile.emit.validation import validate
from rescompile.errors import InternalError
from rescompile.registry import get_backend
from rescompile.verify.checks import Level
from rescompile.verify.verification import Options, verify
from rescompile.worker.client import Worker

RESIDUAL = Path(__file__).parents[2] / "mutation" / "specs" / "residual.yaml"
MUTANTS = {  # what is written, what becomes of it, and where that shows first; nothing, where not
    "no stride": ("strides=[stride, stride]", "strides=[1, 1]", "layer2.0"),
    "no shortcut": ("op.Add(x, shortcut)", "op.Add(x, x)", "layer1.0"),
    "no activation": ("op.Relu(op.Add(x, shortcut))", "op.Add(x, shortcut)", "layer1.0"),
    "another padding": (
        "self.conv2 = Conv(channels, channels, [3, 3], pads=[1, 1, 1, 1])",
        "self.conv2 = Conv(channels, channels, [3, 3], pads=[0, 0, 2, 2])",
        "layer1.0",
    ),
    "another operator": ("op.GlobalAveragePool(", "op.GlobalMaxPool(", ""),
}


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    with Worker("onnx") as made:
        yield made


@pytest.mark.parametrize("what", MUTANTS)
def test_a_broken_graph_is_refused_and_caught(what: str, worker: Worker) -> None:
    old, new, block = MUTANTS[what]
    net = open_spec(RESIDUAL)
    source = net.source("onnx")
    assert old in source, "the emitter writes something else now: mutate that"
    broken = source.replace(old, new)
    with pytest.raises(InternalError):
        validate(get_backend("onnx"), net.lowered, broken)
    options = Options(Level.FORWARD, sources={"onnx": broken})
    certificate = verify(str(RESIDUAL), [worker], options)
    assert not certificate.good
    (finding,) = certificate.findings
    assert finding.place is not None
    if block:
        assert finding.place.layer.startswith(block), finding.text()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("self.bias = parameter([channels], 0.0)", "self.bias = parameter([channels], 1.0)"),
        ("if len({*values}) == 1:", "if True:"),
        ('["N", *given[name]]', '["N", *reversed(given[name])]'),
        ('INPUTS = {"images": (3, 32, 32)}', 'INPUTS = {"images": (3, 32, 31)}'),
        ('OUTPUTS = ["output"]', 'OUTPUTS = ["logits"]'),
        ('OPSETS = {"": 21,', 'OPSETS = {"": 22,'),
        ('DOMAIN = "residual"', 'DOMAIN = "other"'),
        ("    return rng.normal(", "    return rng.uniform("),
    ],
)
def test_what_is_no_class_is_proved_as_well(old: str, new: str) -> None:
    net = open_spec(RESIDUAL)
    source = net.source("onnx")
    assert source.count(old) == 1
    with pytest.raises(InternalError, match="is not what the spec says"):
        validate(get_backend("onnx"), net.lowered, source.replace(old, new))


def test_what_is_not_broken_agrees(worker: Worker) -> None:
    certificate = verify(str(RESIDUAL), [worker], Options(Level.FORWARD))
    assert certificate.good, certificate.text()
