"""Random networks in onnxruntime, which refuses some of what the proof and the checker take."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

import onnx

from rescompile.api import open_spec
from rescompile.errors import UnsupportedError
from rescompile.live import import_source
from rescompile.reference.deviation import relative_error
from rescompile.registry import get_backend
from rescompile.verify.case import Case
from rescompile.verify.executors import Reference
from tests.properties.repair import draw, write

# Refused, too large, or at the mercy of rounding are five of these. `make fuzz` runs all that it
# draws, in float64.
SEEDS = range(16)
MOST_MACS, LARGEST = 2_000_000, 1e6
COARSER, MOVED = 2.0**29, 1e-6  # than float64 is float32; what one rounding may do to the outputs


@pytest.mark.parametrize("seed", SEEDS)
def test_a_random_network_runs_in_onnxruntime(seed: int, tmp_path: Path) -> None:
    """In float32, with shapes that onnx infers throughout, and with those of the reference."""
    files, taken = draw(seed)
    if taken is None:
        return  # what the compiler refuses, with a diagnostic, is no network
    spec = write(files, tmp_path)
    net = open_spec(spec)
    try:
        source = net.source("onnx")
    except UnsupportedError:
        return
    reference = Reference(Case(str(spec), net, None, {}))
    wanted = [*reference.evaluation().values()]
    if net.report("network").total.macs > MOST_MACS or max(map(np.max, wanted)) > LARGEST:
        return
    if reference.noise(Reference.evaluation) * COARSER > MOVED:
        return  # in float32 it gives other outputs in every framework
    made = get_backend("onnx").runtime
    assert made is not None
    runtime = made()
    model = runtime.build(import_source(source, "onnx", net.name), net.name, "float32")
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    runtime.set_weights(model, net.analysis, reference.weights)
    for got, want in zip(runtime.run(model, reference.case.images), wanted, strict=True):
        assert got.shape == want.shape
        assert relative_error(got, want) < 1e-5
