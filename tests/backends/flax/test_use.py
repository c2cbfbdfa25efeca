"""What users do with emitted models beside what the spec says: other types, sizes and models."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import rescompile
from rescompile.language.load import zoo
from rescompile.live import import_source

jax = pytest.importorskip("jax")
nnx = pytest.importorskip("flax.nnx")
helpers = pytest.importorskip("rescompile_flax.helpers")
jnp = jax.numpy

# Pools in a class, in a sequence, with a stride that is a parameter, and functions of the file.
USUAL = ("resnet20_cifar", "vgg11", "resnet50_d", "shufflenet_v2_x0_5", "wavenet", "dm_nfnet_f0")


def maker(given: Any) -> Any:
    """The function of an emitted file that makes the network."""
    net = rescompile.load(given)
    return getattr(import_source(net.source("flax"), "flax", net.name), net.name)


@pytest.mark.parametrize(
    "name",
    [*USUAL, *(pytest.param(n, marks=pytest.mark.slow) for n in sorted({*zoo()} - {*USUAL}))],
)
def test_two_models_of_a_network_are_alike(name: str) -> None:
    """JAX traces a function once for both, and maps over their weights together."""
    make = maker(name)
    one, other = (nnx.eval_shape(partial(lambda i: make(rngs=nnx.Rngs(i)), i)) for i in range(2))
    assert nnx.graphdef(one) == nnx.graphdef(other)


def spec(channels: int, *stages: dict[str, Any]) -> dict[str, Any]:
    image = {"channels": channels, "height": 8, "width": 8}
    return {"rescompile": 1, "name": "one", "input": image, "stages": [*stages]}


def off(made: Any, wanted: Any) -> float:
    """By which part of the greatest value."""
    return float(jnp.abs(made - wanted).max() / jnp.abs(wanted).max())


CONV = {"channels": 4, "kernel": 3, "stride": 2}


@pytest.mark.parametrize(
    "step",
    [
        {"conv": CONV},
        {"std_conv": CONV},
        {"conv_transpose": {**CONV, "groups": 2}},
        {"activation": {"kind": "prelu"}},
        {"layer_scale": {"init": 0.1}},
        {"avg_pool": {"kernel": 3, "stride": 2, "ceil_mode": True}},
        {"upsample": {"scale": 2, "mode": "bilinear", "align_corners": True}},
    ],
    ids=lambda step: next(iter(step)),
)
def test_a_layer_takes_values_of_another_type(step: dict[str, Any]) -> None:
    model = maker(spec(4, step))(rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(1), (2, 8, 8, 4))
    wanted = model(x)
    half = x.astype(jnp.bfloat16)
    assert off(model(half), wanted) < 0.02
    for parameter in jax.tree.leaves(model, is_leaf=lambda leaf: isinstance(leaf, nnx.Variable)):
        if isinstance(parameter, nnx.Param):
            parameter.set_value(parameter[...].astype(jnp.bfloat16))
    y = model(half)
    assert y.dtype == jnp.bfloat16
    assert off(y, wanted) < 0.02


def test_weights_have_a_type_of_their_own() -> None:
    """That of a Python number gives way in the first step, and what was traced is traced again."""
    layers = ({"layer_scale": {"init": 0.1}}, {"activation": {"kind": "prelu"}})
    weights = jax.tree.leaves(nnx.state(maker(spec(4, *layers))(rngs=nnx.Rngs(0))))
    assert [weight.weak_type for weight in weights] == [False, False]


def test_places_of_many_pixels_are_exact_in_half_precision() -> None:
    x = jax.random.normal(jax.random.key(2), (1, 65, 1, 1))
    wanted = helpers.interpolate_aligned(x, size=(520, 1))
    assert off(helpers.interpolate_aligned(x.astype(jnp.bfloat16), size=(520, 1)), wanted) < 0.02


def test_a_map_of_another_size_is_resized_as_by_pytorch() -> None:
    torch = pytest.importorskip("torch")
    x = np.random.default_rng(2).normal(size=(1, 7, 9, 2)).astype("float32")
    first = torch.from_numpy(np.moveaxis(x, -1, 1).copy())
    for size in ((13, 10), (20, 27), (5, 4)):
        for own, how in (
            (helpers.upsample, {"mode": "nearest"}),
            (partial(helpers.interpolate, method="bilinear"), {"mode": "bilinear"}),
            (helpers.interpolate_aligned, {"mode": "bilinear", "align_corners": True}),
        ):
            wanted = torch.nn.functional.interpolate(first, size, **how)
            assert np.allclose(np.moveaxis(own(x, size=size), -1, 1), wanted, atol=1e-5), (
                size,
                how,
            )
