"""Emitted models in Flax itself: transformed by JAX, beside one written by hand, and in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rescompile
from rescompile.convert.conversion import Converter
from rescompile.reference.weights import random_weights
from rescompile.registry import get_backend
from rescompile.verify.checks import Level
from rescompile.verify.verification import Options, verify
from rescompile.worker.client import Worker
from rescompile_flax.backend import flags

jax = pytest.importorskip("jax")
nnx = pytest.importorskip("flax.nnx")
optax = pytest.importorskip("optax")
serialization = pytest.importorskip("flax.serialization")
jnp = jax.numpy
SPEC = """\
rescompile: 1
name: mine
input: {channels: 3, height: 8, width: 8}
classes: 5
blocks:
  basic:
    parameters: {channels: {type: int}, stride: {type: int, default: 1, once: true}}
    body:
      - residual:
          shortcut: projection
          branch:
            - conv: {channels: $channels, kernel: 3, stride: $stride}
            - norm: {}
            - activation: {}
      - activation: {}
stages:
  - {name: layer1, block: basic, repeat: 2, channels: 4, stride: 2}
head:
  - global_avg_pool: {}
  - dropout: {rate: 0.5}
  - linear: {features: $classes}
"""

# XLA computes what the last norm gives once for the maximum and once for its gradient.
GREATEST = """\
rescompile: 1
name: greatest
input: {channels: 8, height: 8, width: 6}
stages:
  - {conv: {channels: 8, kernel: 3}}
  - {norm: {epsilon: 0.001}}
  - {conv: {channels: 8, kernel: 3}}
  - {norm: {epsilon: 0.001}}
  - {norm: {epsilon: 0.001}}
  - {norm: {epsilon: 0.001}}
head:
  - global_max_pool: {}
  - {linear: {features: 4}}
"""


class ByHand(nnx.Module):  # type: ignore[misc, name-defined]
    """The first block of the network, as one writes it."""

    def __init__(self, rngs: Any) -> None:
        how = {"strides": 2, "use_bias": False, "rngs": rngs}
        norm = {"momentum": 0.9, "epsilon": 1e-5, "rngs": rngs}
        self.conv = nnx.Conv(3, 4, (3, 3), padding=((1, 1), (1, 1)), **how)
        self.norm = nnx.BatchNorm(4, **norm)
        self.projection = nnx.Conv(3, 4, (1, 1), padding="VALID", **how)
        self.projected = nnx.BatchNorm(4, **norm)

    def __call__(self, x: Any) -> Any:
        shortcut = self.projected(self.projection(x))
        return nnx.relu(nnx.relu(self.norm(self.conv(x))) + shortcut)


@pytest.fixture(scope="module")
def model() -> Any:
    return rescompile.load(SPEC).module("flax")


@pytest.fixture
def x() -> Any:
    return jnp.asarray(np.random.default_rng(0).standard_normal((6, 8, 8, 3)), jnp.float32)


def test_a_block_is_the_one_by_hand(model: Any, x: Any) -> None:
    block, mine = model.layer1.layers[0], ByHand(nnx.Rngs(1))
    convs = [m for _, m in nnx.iter_modules(block) if isinstance(m, nnx.Conv)]
    wide = next(conv for conv in convs if conv.kernel_size == (3, 3))
    narrow = next(conv for conv in convs if conv.kernel_size == (1, 1))
    mine.conv.kernel[...], mine.projection.kernel[...] = wide.kernel[...], narrow.kernel[...]
    block.train()
    mine.train()
    assert jnp.allclose(block(x), mine(x), atol=1e-6)
    held = [m.var[...] for _, m in nnx.iter_modules(block) if isinstance(m, nnx.BatchNorm)]
    own = [m.var[...] for m in (mine.norm, mine.projected)]
    assert sum(jnp.allclose(a, b, atol=1e-6) for a in held for b in own) == 2


def test_jax_transforms_it(model: Any, x: Any) -> None:
    model.eval()
    wanted = model(x)
    assert jnp.allclose(nnx.jit(lambda m, x: m(x))(model, x), wanted, atol=1e-5)
    batches = x.reshape(3, 2, 8, 8, 3)
    made = nnx.vmap(lambda m, x: m(x), in_axes=(None, 0))(model, batches)
    assert jnp.allclose(made.reshape(6, 5), wanted, atol=1e-5)


def test_a_step_that_some_calls_have_is_no_leaf_of_a_state(x: Any) -> None:
    """NNX takes an attribute for a module or for none as it is first assigned."""
    spec = SPEC.replace(
        "stride: {type: int", "acts: {type: bool, default: true}, stride: {type: int"
    )
    spec = spec.replace("    body:\n", "    body:\n      - {activation: {}, when: $acts}\n")
    spec = spec.replace("repeat: 2, channels: 4,", "channels: 4, acts: false,")
    more = "  - {name: layer2, block: basic, channels: 4}\nhead:"
    model = rescompile.load(spec.replace("head:", more)).module("flax")
    model.eval()
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(model))
    assert jnp.allclose(nnx.jit(lambda m, x: m(x))(model, x), model(x), atol=1e-5)


def test_the_gradient_of_a_maximum_finds_it(tmp_path: Path) -> None:
    """That of `jnp.max` looks for an equal value, and divides by none where roundings differ."""
    (tmp_path / "greatest.yaml").write_text(GREATEST, "utf-8")
    with Worker("flax") as worker:
        certificate = verify(str(tmp_path / "greatest.yaml"), [worker], Options())
    assert certificate.good, certificate.text()


def test_reductions_stay_away_from_where_they_crash() -> None:
    """Two blocks a stage are enough for jaxlib 0.10.2 to end with signal 11 in float64."""
    with Worker("flax") as worker:
        options = Options(Level.FORWARD, changes=("parameters.n=2",))
        certificate = verify("pyramidnet110", [worker], options)
    assert certificate.good, certificate.text()


@pytest.mark.parametrize(
    ("jaxlib", "told"), [("0.10.1", False), ("0.10.2", True), ("0.11.0.dev20260801", True)]
)
def test_a_flag_is_for_those_that_know_it(jaxlib: str, told: bool) -> None:
    assert ("ynn" in flags(jaxlib)) is told


def test_it_is_trained_as_flax_models_are(x: Any) -> None:
    model = rescompile.load(SPEC).module("flax")
    optimizer = nnx.Optimizer(model, optax.sgd(0.05, momentum=0.9), wrt=nnx.Param)
    labels = jnp.arange(6) % 5

    @nnx.jit  # type: ignore[untyped-decorator]
    def step(model: Any, optimizer: Any) -> Any:
        def loss(model: Any) -> Any:
            return optax.softmax_cross_entropy_with_integer_labels(model(x), labels).mean()

        value, gradients = nnx.value_and_grad(loss)(model)
        optimizer.update(model, gradients)
        return value

    model.train()
    before = model.layer1.layers[0].conv.kernel[...]
    losses = [float(step(model, optimizer)) for _ in range(40)]
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])
    assert not jnp.allclose(before, model.layer1.layers[0].conv.kernel[...])


def test_a_file_is_flaxs_own(model: Any, tmp_path: Path) -> None:
    """To the byte, and what Flax writes is read; the model gets it by `nnx.update`."""
    net, runtime = rescompile.load(SPEC), get_backend("flax").runtime()
    drawn = random_weights(net.analysis.elaborated, 3)
    weights = {path: array.astype("f4") for path, array in drawn.items()}
    np.savez(tmp_path / "w.npz", **{".".join(path): array for path, array in weights.items()})
    (tmp_path / "mine.yaml").write_text(SPEC, "utf-8")
    with Converter() as converter:
        converter.convert(tmp_path / "w.npz", str(tmp_path / "mine.yaml"), tmp_path / "w.msgpack")
        data = (tmp_path / "w.msgpack").read_bytes()
        nnx.update(model, serialization.msgpack_restore(data))
        for path, array in runtime.get_weights(model, net.analysis).items():
            assert np.array_equal(array, weights[path])
        state = nnx.to_pure_dict(nnx.state(model, (nnx.Param, nnx.BatchStat)))
        assert serialization.msgpack_serialize(state) == data
        converter.convert(tmp_path / "w.msgpack", str(tmp_path / "mine.yaml"), tmp_path / "b.npz")
    with np.load(tmp_path / "b.npz") as back:
        assert all(np.array_equal(back[".".join(path)], array) for path, array in weights.items())
