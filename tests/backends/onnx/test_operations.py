"""Operations that ONNX's operators say in several steps: each one alone, against the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnxruntime")

import onnx

from rescompile.api import Architecture, open_spec
from rescompile.errors import UnsupportedError
from rescompile.live import import_source
from rescompile.reference import run
from rescompile.reference.deviation import relative_error
from rescompile.reference.weights import random_weights
from rescompile.registry import get_backend

HEAD: dict[str, Any] = {
    "rescompile": 1,
    "name": "mine",
    "input": {"channels": 12, "height": 7, "width": 10},
}
REGRESSIONS = Path(__file__).parents[2] / "regressions"
VECTOR: list[dict[str, Any]] = [{"global_avg_pool": {}}]
PIXEL: list[dict[str, Any]] = [{"global_avg_pool": {"keepdims": True}}]
CASES: list[list[dict[str, Any]]] = [
    [{"activation": {"kind": "prelu"}}],
    [{"activation": {"kind": "prelu", "shared": True, "init": 0}}],
    [*VECTOR, {"activation": {"kind": "prelu"}}],
    [*VECTOR, {"activation": {"kind": "prelu", "shared": True}}],
    *(
        [{"activation": {"kind": kind, "threshold": 0.3}}]
        for kind in ("hard_shrink", "soft_shrink", "threshold")
    ),
    [{"activation": {"kind": "threshold", "threshold": -0.3, "value": -1}}],
    [{"activation": {"kind": "tanh_shrink"}}],
    [{"activation": {"kind": "log_softmax"}}],
    [*VECTOR, {"activation": {"kind": "log_softmax"}}],
    [{"layer_scale": {"vector": True, "init": -0.5}}],
    [*VECTOR, {"layer_scale": {"vector": True}}],
    [{"layer_scale": {"shared": True, "vector": True}}],
    [{"layer_scale": {"shared": True}}],
    [*VECTOR, {"layer_scale": {"shared": True, "init": 0}}],
    *(
        [{f"adaptive_{kind}_pool": {"size": size}}]
        for kind in ("max", "avg")
        for size in ([1, 1], [3, 4], [7, 5], [9, 23])
    ),
    *(
        [{f"{kind}_pool": {"kernel": size, "stride": step, "padding": pad, "ceil_mode": True}}]
        for kind in ("max", "avg")
        for size, step, pad in ((3, 3, 0), (3, 2, 1), ([3, 4], [2, 4], [1, 0]))
    ),
    *(
        [{"avg_pool": {"kernel": 3, "stride": step, "padding": 1, **mode}}]
        for step in (2, 3)
        for mode in ({"count_include_pad": True}, {"count_include_pad": True, "ceil_mode": True})
    ),
    [*VECTOR, {"unflatten": {"size": [2, 3]}}],
    *(
        [{"conv": {"channels": 4, "kernel": 3, "dilation": by, "stride": step, "padding": "same"}}]
        for by, step in ((2, 1), ([1, 3], 1), (2, 2))
    ),
    *([{word: {"kernel": 1, "stride": 2, "padding": "same"}}] for word in ("avg_pool", "max_pool")),
    [{"pad": {"padding": [1, 2, 3, 0], "mode": "reflect"}}],
    [{"pad": {"padding": [6, 6, 9, 9], "mode": "reflect"}}],
    [{"pad": {"padding": [0, 9, 1, 12], "mode": "replicate"}}],
    [{"norm": {"kind": "group", "groups": 3, "epsilon": 0.1}}],
    [*VECTOR, {"norm": {"kind": "group", "groups": 4}}],
    [{"split_softmax": {"splits": 3}}],
    [{"split_softmax": {"splits": 2, "groups": 3}}],
    [*VECTOR, {"split_softmax": {"splits": 3, "groups": 2}}],
    [{"global_attention_pool": {}}],
    [{"global_attention_pool": {"keepdims": True}}],
    [{"channel_mean": {}}],
    [{"channel_max": {}}],
    [*PIXEL, {"channel_conv": {"size": 3}}],
    [*VECTOR, {"channel_conv": {"size": 15, "bias": True}}],
    *(
        [{"local_response_norm": {"size": size, "alpha": 0.7, "beta": 0.6, "k": 1.3}}]
        for size in (1, 2, 5, 6, 25)
    ),
    [{"local_response_norm": {"size": 3, "alpha": 0, "beta": 0}}],
    [{"l2_norm": {}}],
    [*VECTOR, {"l2_norm": {"epsilon": 0.5}}],
    [{"scale": {"factor": 1000}}, {"activation": {"kind": "log_softmax"}}],  # where softmax is 0
    [{"global_response_norm": {}}],
    [{"positions": [{"global_response_norm": {"epsilon": 0.1}}]}],
]


@pytest.mark.parametrize("steps", CASES, ids=lambda steps: str(steps[-1]))
def test_an_operation_computes_what_it_means(steps: list[dict[str, Any]]) -> None:
    """In ONNX's reference and in onnxruntime, for any number of images; shapes are inferred."""
    check(open_spec({**HEAD, "stages": steps}))


@pytest.mark.parametrize("word", ["global_avg_pool", "global_max_pool"])
@pytest.mark.parametrize("extents", [(6,), (4, 5, 6)])
def test_a_pool_over_one_axis_or_three_keeps_them(extents: tuple[int, ...], word: str) -> None:
    """ONNX's reference takes the maximum over the last two axes, whatever there are."""
    axes = ["length"] if len(extents) == 1 else ["frames", "height", "width"]
    entering = {"channels": 3, **dict(zip(axes, extents, strict=True))}
    check(open_spec({**HEAD, "input": entering, "stages": [{word: {"keepdims": True}}]}))


@pytest.mark.parametrize("extents", [(10,), (10, 6), (4, 7, 6)])
@pytest.mark.parametrize("word", ["avg_pool", "max_pool"])
def test_a_pool_in_ceil_mode_has_its_last_window(extents: tuple[int, ...], word: str) -> None:
    """ONNX's reference has other means there."""
    axes = ["length"] if len(extents) == 1 else ["frames", "height", "width"][-len(extents) :]
    entering = {"channels": 3, **dict(zip(axes, extents, strict=True))}
    pool = {word: {"kernel": 3, "stride": 2, "ceil_mode": True}}
    check(open_spec({**HEAD, "input": entering, "stages": [pool]}))


def test_a_window_that_would_begin_in_padding_is_refused() -> None:
    """Opset 21 infers its place, and onnxruntime leaves it out, as PyTorch does."""
    pool = {"max_pool": {"kernel": 2, "stride": 2, "padding": 1, "ceil_mode": True}}
    with pytest.raises(UnsupportedError, match="would begin in padding"):
        open_spec({**HEAD, "stages": [pool]}).source("onnx")


def check(net: Architecture) -> None:
    elaborated, runtime = net.analysis.elaborated, get_backend("onnx").runtime
    assert runtime is not None
    alive, module = runtime(), import_source(net.source("onnx"), "onnx", net.name)
    weights = random_weights(elaborated, 1)
    for dtype, bound in (("float64", 1e-13), ("float32", 1e-6)):
        model = alive.build(module, net.name, dtype)
        onnx.checker.check_model(model, full_check=True)
        types = [one.type.tensor_type for one in model.graph.output]
        shapes = [[dim.dim_value for dim in one.shape.dim] for one in types]
        alive.set_weights(model, net.analysis, weights)
        for batch in (1, 3):
            x = np.random.default_rng(batch).standard_normal((batch, *net.analysis.network.input))
            made = zip(alive.run(model, x), run(elaborated, weights, x).outputs, strict=True)
            for (got, wanted), shape in zip(made, shapes, strict=True):
                assert got.shape == wanted.shape == (batch, *shape[1:])
                assert relative_error(got, wanted) < bound


def test_what_dilated_kernels_pad_is_one_thing_in_all_calls(tmp_path: Path) -> None:
    """The pixels of `same` stand in the function: a block of two sizes has no function for both."""
    (tmp_path / "mine.yaml").write_text(
        """
rescompile: 1
name: mine
input: {channels: 3, height: 9, width: 9}
blocks:
  unit:
    body: [{name: conv, conv: {channels: 3, kernel: 3, dilation: 2, stride: 2, padding: same}}]
stages:
  - {name: first, block: unit}
  - {name: pool, max_pool: {kernel: 2, stride: 1}}
  - {name: second, block: unit}
""",
        "utf-8",
    )
    with pytest.raises(UnsupportedError, match=r"first\.conv: `same` beside a dilation"):
        open_spec(str(tmp_path / "mine.yaml")).source("onnx")


def test_factors_of_maps_and_of_vectors_are_not_one_tensor() -> None:
    """One of C x 1 x 1 would meet the samples of a vector as if they were its channels."""
    net = open_spec(
        """
rescompile: 1
name: two
input: {channels: 4, height: 8, width: 8}
blocks: {scale: {body: [{layer_scale: {}, name: gamma}]}}
stages: [{name: first, block: scale}, {global_avg_pool: {}}, {name: second, block: scale}]
"""
    )
    with pytest.raises(UnsupportedError, match="maps in one call and vectors in another"):
        net.source("onnx")


@pytest.mark.parametrize(
    "name", ["value_of_a_named_member", "values_inside_of_a_group", "repetitions_again"]
)
def test_what_once_failed_is_built(name: str) -> None:
    """The stand-in that proves a file has members by numbers where onnxscript has them by names."""
    check(open_spec(REGRESSIONS / f"{name}.yaml"))


@pytest.mark.parametrize("names", [("name", "names"), ("name.0", "name.1")])
def test_what_modules_have_is_no_name_of_a_step(names: tuple[str, str]) -> None:
    steps = [{"name": name, "conv": {"channels": 4, "kernel": 1}} for name in names]
    with pytest.raises(UnsupportedError, match=r"name: 'name' is an attribute of nn\.Module"):
        open_spec({**HEAD, "stages": steps}).source("onnx")
