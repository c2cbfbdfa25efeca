"""Emitted Flax source brought to life: weights in and out, outputs, gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

import flax
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rescompile.emit.channels_last import to_first, to_last
from rescompile.emit.contract import Gradients, Weights
from rescompile.emit.placed import laid_out
from rescompile.emit.runtime import LayerRuntime
from rescompile.ir.analysis import Analysis
from rescompile.ir.inputs import as_given, each_input
from rescompile.ir.structure import Path

from .places import STATISTICS, keys, places, tensors

WEIGHTS = (nnx.Param, nnx.BatchStat)


class FlaxRuntime(LayerRuntime):
    """Steps are found by their places; models are compiled whole.

    A `patient` runtime draws weights when they are first asked for: JAX compiles for each shape
    what draws it, for nothing where others are given. Its last model says what float64 is.
    """

    def __init__(self, patient: bool) -> None:
        self.patient = patient
        self.seed(0)
        self.undrawn: Callable[[], Any] | None = None  # what draws the weights of the last model

    def layers(self, model: nnx.Module) -> Mapping[str, nnx.Module]:
        return {".".join(map(str, place)): module for place, module in nnx.iter_modules(model)}

    def found(self, model: Any, analysis: Analysis, paths: Iterable[Path]) -> dict[Path, Any]:
        layers, known = self.layers(model), places(analysis.elaborated)
        named = ((path, ".".join(known[path])) for path in paths if path in known)
        return {path: layers[name] for path, name in named if name in layers}

    def versions(self) -> dict[str, str]:
        return {"flax": flax.__version__, "jax": jax.__version__}

    def seed(self, seed: int) -> None:
        self.seeded, self.rngs = seed, nnx.Rngs(seed)

    def build(self, module: ModuleType, name: str, dtype: str) -> Any:
        seed = self.seeded

        def make() -> Any:
            model: Any = getattr(module, name)(rngs=nnx.Rngs(seed))
            state = nnx.state(model, WEIGHTS)
            nnx.update(model, jax.tree.map(lambda array: array.astype(dtype), state))
            return model

        if not self.patient:
            return make()
        jax.clear_caches()  # type: ignore[no-untyped-call]
        jax.config.update("jax_enable_x64", dtype == "float64")  # type: ignore[no-untyped-call]
        model = nnx.eval_shape(make)
        nnx.reseed(model, default=seed)
        self.undrawn = jax.jit(lambda: nnx.state(make(), WEIGHTS))
        return model

    def draw(
        self, model: nnx.Module, analysis: Analysis, path: Path, values: Any, training: bool
    ) -> Any:
        layer = self.found(model, analysis, [path])[path]
        return to_output(layer(to_input(values), deterministic=not training, rngs=self.rngs))

    def multiply(self, model: nnx.Module, analysis: Analysis, factors: Weights) -> None:
        for path, layer in self.found(model, analysis, factors).items():
            layer.__class__ = Known
            layer.factor = np.asarray(to_last(factors[path]))

    def set_weights(self, model: nnx.Module, analysis: Analysis, weights: Weights) -> None:
        held, self.undrawn = dict(nnx.to_flat_state(nnx.state(model, WEIGHTS))), None
        for tensor, array in laid_out(tensors(analysis.elaborated), weights):
            variable = held.pop(keys(tensor.place), None)
            if variable is None or variable.shape != array.shape:
                found = "not there" if variable is None else variable.shape
                raise ValueError(f"{'.'.join(tensor.path)} is {found} in Flax, not {array.shape}")
            variable.set_value(jnp.asarray(array, variable.dtype))
        if held:
            more = (".".join(map(str, place)) for place in held)
            raise ValueError(f"no weights for {', '.join(more)}")

    def get_weights(self, model: nnx.Module, analysis: Analysis) -> dict[Path, Any]:
        if self.undrawn is not None:
            nnx.update(model, self.undrawn())
            self.undrawn = None
        return portable(nnx.state(model, WEIGHTS), analysis)

    def run(self, model: nnx.Module, images: Any, training: bool = False) -> list[Any]:
        in_mode(model, training)
        return list(map(to_output, outputs(model, to_inputs(images, dtype_of(model)))))

    def values(
        self,
        model: nnx.Module,
        analysis: Analysis,
        paths: list[Path],
        images: Any,
        training: bool = False,
    ) -> dict[Path, Any]:
        """Of every module that is called once; functions are not seen."""
        in_mode(model, training)
        held = dict(nnx.to_flat_state(observed(model, to_inputs(images, dtype_of(model)))))
        known, seen = places(analysis.elaborated), {}
        for path in self.found(model, analysis, paths):
            calls = held.get((*keys(known[path]), "__call__"))
            made: Any = () if calls is None else calls.get_value()
            if len(made) == 1 and isinstance(made[0], jax.Array):
                seen[path] = to_output(made[0])
        return seen

    def step(
        self, model: nnx.Module, analysis: Analysis, images: Any, targets: list[Any]
    ) -> Gradients:
        in_mode(model, training=True)
        dtype = dtype_of(model)
        wanted = [to_input(target, dtype) for target in targets]
        (state, of_inputs), made = differentiate(model, to_inputs(images, dtype), wanted)
        gradients = portable(state, analysis, *STATISTICS.values())
        first = as_given(map(to_output, of_inputs), images)
        return Gradients(list(map(to_output, made)), gradients, first)


class Known(nnx.Dropout):  # type: ignore[misc]
    """Multiplies by known factors where it would drop something at random."""

    factor: Any

    def __call__(self, inputs: Any, **options: Any) -> Any:
        return inputs if self.deterministic else inputs * jnp.asarray(self.factor, inputs.dtype)


@nnx.jit  # type: ignore[untyped-decorator]
def outputs(model: Any, inputs: list[jax.Array]) -> list[Any]:
    made = model(*inputs)
    return [jnp.asarray(y) for y in (made if isinstance(made, tuple) else (made,))]


@nnx.jit  # type: ignore[untyped-decorator]
def observed(model: nnx.Module, inputs: list[jax.Array]) -> Any:
    """What leaves each call of a module, by place and method."""
    kept = nnx.Intermediate
    return nnx.capture(outputs.__wrapped__, kept, method_outputs=kept)(model, inputs)[1]


@nnx.jit  # type: ignore[untyped-decorator]
def differentiate(model: nnx.Module, inputs: list[jax.Array], targets: list[jax.Array]) -> Any:
    """The gradients of the weights and of the inputs, and the outputs."""

    def loss(model: nnx.Module, inputs: list[jax.Array]) -> Any:
        made = outputs(model, inputs)
        pairs = zip(targets, made, strict=True)
        return -sum((t * jax.nn.log_softmax(y)).sum() for t, y in pairs), made

    return nnx.grad(loss, argnums=(nnx.DiffState(0, nnx.Param), 1), has_aux=True)(model, inputs)


def in_mode(model: nnx.Module, training: bool) -> None:
    (model.train if training else model.eval)()


def dtype_of(model: nnx.Module) -> Any:
    """The type of a model's weights, or, where it has none, the one that JAX has by default."""
    weights = jax.tree.leaves(nnx.state(model, WEIGHTS))
    return next((weight.dtype for weight in weights), jnp.zeros(()).dtype)


def portable(state: Any, analysis: Analysis, *without: str) -> dict[Path, Any]:
    """The tensors of a state in PyTorch's layout, but for some kinds, which it does not have."""
    held = dict(nnx.to_flat_state(state))
    return {
        tensor.path: tensor.portable(np.asarray(held[keys(tensor.place)].get_value()))
        for tensor in tensors(analysis.elaborated)
        if tensor.kind not in without
    }


def to_inputs(images: Any, dtype: Any) -> list[Any]:
    return [to_input(given, dtype) for given in each_input(images)]


def to_input(array: Any, dtype: Any = None) -> Any:
    return jnp.asarray(np.ascontiguousarray(to_last(np.asarray(array))), dtype)


def to_output(array: Any) -> Any:
    """An array of its own, with its channels first."""
    return np.array(to_first(np.asarray(array)))
