"""Models compiled to be measured: in little memory, and to what JAX itself computes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import rescompile
from rescompile.live import import_source
from rescompile.reference.weights import random_weights

jax = pytest.importorskip("jax")
nnx = pytest.importorskip("flax.nnx")
runtimes = pytest.importorskip("rescompile_flax.runtime")
jnp = jax.numpy


@dataclass
class Measured:
    """A model in float64, and what runs it."""

    net: Any
    runtime: Any
    model: Any

    def random(self, *shape: int) -> Any:
        return self.runtime.tensor(self.model, np.random.default_rng(4).normal(size=shape))


Measure = Callable[..., Measured]


@pytest.fixture
def measure() -> Iterator[Measure]:
    def made(channels: int, extent: int, *stages: dict[str, Any]) -> Measured:
        image = {"channels": channels, "height": extent, "width": extent}
        spec = {"rescompile": 1, "name": "one", "input": image, "stages": [*stages]}
        net, runtime = rescompile.load(spec), runtimes.FlaxRuntime(patient=True)
        module = import_source(net.source("flax"), "flax", net.name)
        model = runtime.build(module, net.name, "float64")
        runtime.set_weights(model, net.analysis, random_weights(net.analysis.elaborated, 3))
        return Measured(net, runtime, model)

    yield made
    jax.config.update("jax_enable_x64", False)


@pytest.mark.parametrize(("extent", "kernel"), [(3, 7), (8, 3)])
def test_kernels_of_groups_are_not_written_out(extent: int, kernel: int, measure: Measure) -> None:
    """As dense ones, which XLA makes where a kernel exceeds its map, they would take 420 MB.

    Of gradients it makes them always: of 76 MB for kernels of 3.
    """
    one = measure(1024, extent, {"conv": {"channels": 1024, "kernel": kernel, "groups": 1024}})
    split, inputs = nnx.split(one.model), [one.random(1, extent, extent, 1024)]
    once = runtimes.called.pure.lower(*split, inputs)
    back = runtimes.differentiate.pure.lower(*split, inputs, inputs)
    for lowered in (once, back):
        assert lowered.compile().memory_analysis().temp_size_in_bytes < 10e6


@pytest.mark.parametrize("groups", [2, 6])
def test_gradients_of_groups_are_those_of_jax(groups: int, measure: Measure) -> None:
    conv = {"channels": 12, "kernel": 3, "stride": 2, "groups": groups}
    one = measure(6, 7, {"conv": conv})
    x, target = one.random(3, 7, 7, 6), one.random(3, 4, 4, 12)

    def loss(model: Any, x: Any) -> Any:
        return -(target * jax.nn.log_softmax(model(x))).sum()

    wanted, first = nnx.grad(loss, argnums=(0, 1))(one.model, x)
    (state, (mine,)), _ = runtimes.differentiate(one.model, [x], [target])
    pairs = [(mine, first), *zip(*map(jax.tree.leaves, (state, wanted)), strict=True)]
    assert len(pairs) == 2  # of the input and the kernel
    assert all(jnp.allclose(mine, theirs, rtol=1e-13, atol=1e-13) for mine, theirs in pairs)


def test_jax_is_left_as_it_was(measure: Measure) -> None:
    def found() -> tuple[Any, Any]:
        return jax.lax.conv_general_dilated_p.bind, vars(jax.core.Tracer).get("sharding")

    before = found()
    one = measure(4, 4, {"conv": {"channels": 4, "kernel": 3}})
    with pytest.raises(TypeError, match="missing 1 required"):
        runtimes.called(one.model, [])  # while it is traced
    assert found() == before


def test_a_call_of_what_a_module_extends_is_none_of_its_own(measure: Measure) -> None:
    """A ChannelConv calls what it has of nnx.Conv, as which other modules are called."""
    gate = [
        {"global_avg_pool": {"keepdims": True}},
        {"channel_conv": {"size": 3}, "name": "gate"},
    ]
    one = measure(4, 4, {"conv": {"channels": 4, "kernel": 1}}, {"multiply": [[], gate]})
    paths = [path for path, _ in one.net.analysis.elaborated.flat() if path[-1] == "gate"]
    images = np.ones((1, 4, 4, 4))
    seen = one.runtime.values(one.model, one.net.analysis, paths, images)
    assert [array.shape for array in seen.values()] == [(1, 4, 1, 1)]
