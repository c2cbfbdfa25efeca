"""Emitted Flax source brought to life: weights in and out, outputs, gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

import flax
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rescompile.emit.channels_last import to_last
from rescompile.emit.classes.places import places
from rescompile.emit.contract import Weights
from rescompile.emit.placed import Placed
from rescompile.emit.runtime import LastRuntime
from rescompile.ir.analysis import Analysis
from rescompile.ir.inputs import each_input
from rescompile.ir.structure import Path

from .compiled import Compiled, lightly
from .places import keys, tensors
from .syntax import FlaxSyntax

WEIGHTS = (nnx.Param, nnx.BatchStat)


class FlaxRuntime(LastRuntime):
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
        layers, known = self.layers(model), places(analysis.elaborated, FlaxSyntax)
        named = ((path, ".".join(known[path])) for path in paths if path in known)
        return {path: layers[name] for path, name in named if name in layers}

    def versions(self) -> dict[str, str]:
        return {"flax": flax.__version__, "jax": jax.__version__}

    def seed(self, seed: int) -> None:
        self.seeded, self.rngs = seed, nnx.Rngs(seed)

    def build(self, module: ModuleType, name: str, dtype: str) -> Any:
        seed = self.seeded

        def make() -> Any:
            with lightly():
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

    def variables(self, model: nnx.Module, analysis: Analysis) -> Iterator[tuple[Placed, Any]]:
        held = dict(nnx.to_flat_state(nnx.state(model, WEIGHTS)))
        known = {keys(tensor.place): tensor for tensor in tensors(analysis.elaborated)}
        if wrong := held.keys() ^ known.keys():
            places = sorted("/".join(map(str, place)) for place in wrong)
            raise ValueError(f"weights that only one side has: {', '.join(places)}")
        return ((tensor, held[place]) for place, tensor in known.items())

    def assign(self, variable: nnx.Variable, array: Any) -> None:
        variable.set_value(jnp.asarray(array, variable.dtype))

    def tensor(self, model: nnx.Module, array: Any) -> jax.Array:
        """Of the type of a model's weights, or, where it has none, of JAX's own."""
        weights = jax.tree.leaves(nnx.state(model, WEIGHTS))
        dtype = next((weight.dtype for weight in weights), jnp.zeros(()).dtype)
        return jnp.asarray(np.ascontiguousarray(array), dtype)

    def array(self, tensor: Any) -> Any:
        return np.array(tensor.get_value() if isinstance(tensor, nnx.Variable) else tensor)

    def outputs(self, model: nnx.Module, inputs: list[jax.Array], training: bool) -> Any:
        return called(in_mode(model, training), inputs)

    def differentiate(
        self, model: nnx.Module, analysis: Analysis, inputs: list[Any], targets: list[Any]
    ) -> Any:
        (state, first), made = differentiate(in_mode(model, training=True), inputs, targets)
        held = dict(nnx.to_flat_state(state))
        found = ((one, held.get(keys(one.place))) for one in tensors(analysis.elaborated))
        return made, self.portable(pair for pair in found if pair[1] is not None), first

    def dropped(self, layer: Any, x: jax.Array, training: bool) -> Any:
        return layer(x, deterministic=not training, rngs=self.rngs)

    def multiply(self, model: nnx.Module, analysis: Analysis, factors: Weights) -> None:
        for path, layer in self.found(model, analysis, factors).items():
            layer.__class__ = Known
            layer.factor = to_last(factors[path])

    def set_weights(self, model: nnx.Module, analysis: Analysis, weights: Weights) -> None:
        self.undrawn = None
        super().set_weights(model, analysis, weights)

    def get_weights(self, model: nnx.Module, analysis: Analysis) -> dict[Path, Any]:
        if self.undrawn is not None:
            nnx.update(model, self.undrawn())
            self.undrawn = None
        return super().get_weights(model, analysis)

    def values(
        self,
        model: nnx.Module,
        analysis: Analysis,
        paths: list[Path],
        images: Any,
        training: bool = False,
    ) -> dict[Path, Any]:
        """Of every module that is called once; functions are not seen."""
        inputs = [self.entering(model, array) for array in each_input(images)]
        calls = observed(in_mode(model, training), inputs)
        known, seen = places(analysis.elaborated, FlaxSyntax), {}
        for path in self.found(model, analysis, paths):
            values = calls[".".join(known[path])]
            if len(values) == 1 and isinstance(values[0], jax.Array):
                seen[path] = self.leaving(values[0])
        return seen


class Known(nnx.Dropout):  # type: ignore[misc]
    """Multiplies by known factors where it would drop something at random."""

    factor: Any

    def __call__(self, inputs: Any, **options: Any) -> Any:
        return inputs if self.deterministic else inputs * jnp.asarray(self.factor, inputs.dtype)


def applied(model: Any, inputs: list[jax.Array]) -> list[Any]:
    made = model(*inputs)
    return [jnp.asarray(y) for y in (made if isinstance(made, tuple) else (made,))]


called = Compiled(applied)


@Compiled
def observed(model: nnx.Module, inputs: list[jax.Array]) -> dict[str, list[Any]]:
    """What leaves each call of a module, by its place."""
    calls: dict[str, list[Any]] = {}
    for place, module in nnx.iter_modules(model):
        made = calls[".".join(map(str, place))] = []
        module.__class__ = watched(type(module), made)
    applied(model, inputs)
    return calls


def watched(kind: type[nnx.Module], made: list[Any]) -> type[nnx.Module]:
    """A kind of modules whose calls are kept, but not those by which it calls what it extends.

    nnx.capture keeps both.
    """

    def call(self: Any, *args: Any, **options: Any) -> Any:
        y = kind.__call__(self, *args, **options)
        made.append(y)
        return y

    return type(kind.__name__, (kind,), {"__call__": call})


@Compiled
def differentiate(model: nnx.Module, inputs: list[jax.Array], targets: list[jax.Array]) -> Any:
    """The gradients of the weights and of the inputs, and the outputs."""

    def loss(model: nnx.Module, inputs: list[jax.Array]) -> Any:
        made = applied(model, inputs)
        pairs = zip(targets, made, strict=True)
        return -sum((t * jax.nn.log_softmax(y)).sum() for t, y in pairs), made

    return nnx.grad(loss, argnums=(nnx.DiffState(0, nnx.Param), 1), has_aux=True)(model, inputs)


def in_mode(model: nnx.Module, training: bool) -> nnx.Module:
    (model.train if training else model.eval)()
    return model
