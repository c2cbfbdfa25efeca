"""Emitted Flax source brought to life: weights in and out, outputs, gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path as FilePath
from types import ModuleType
from typing import Any
from unittest.mock import patch

import flax
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from rescompile.emit.channels_last import to_first, to_last
from rescompile.emit.contract import Gradients, Weights
from rescompile.emit.runtime import LayerRuntime
from rescompile.emit.weights import COUNTER
from rescompile.ir.analysis import Analysis
from rescompile.ir.inputs import as_given, each_input
from rescompile.ir.structure import Path

from .files import FlaxFiles
from .places import Tensor, places, tensors

# What is run once or a few times takes longer to optimise than to run.
PLAIN = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
WEIGHTS = (nnx.Param, nnx.BatchStat)
# What `model.train()` and `model.eval()` set.
MODES = {
    mode: {"deterministic": not mode, "use_running_average": not mode} for mode in (True, False)
}


class FlaxRuntime(LayerRuntime, FlaxFiles):
    """Steps are found by their places; all is done in the precision of a model's weights.

    Models are compiled whole. A `patient` runtime draws weights when they are first asked for:
    JAX compiles for each shape what draws it, for nothing where others are given.
    """

    def __init__(self, patient: bool) -> None:
        self.patient = patient
        self.seed(0)
        self.functions: dict[Any, Any] = {}  # compiled for the last model
        self.undrawn: dict[int, Callable[[], Any]] = {}  # what draws the weights of models, by id

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
        self.functions.clear()

        def make() -> Any:
            model: Any = getattr(module, name)(rngs=nnx.Rngs(seed))
            model.dtype_of_weights = dtype
            state = nnx.state(model, WEIGHTS)
            nnx.update(model, jax.tree.map(lambda array: array.astype(dtype), state))
            return model

        with jax.enable_x64(dtype == "float64"):
            if not self.patient:
                return make()
            model = nnx.eval_shape(make)
            keys = map(jax.random.key, count(seed))
            nnx.update(model, jax.tree.map(lambda array: _blank(array, keys), nnx.state(model)))
        draw = jax.jit(lambda: nnx.state(make(), WEIGHTS), compiler_options=PLAIN)
        self.undrawn = {id(model): draw}
        return model

    def settle(self, model: nnx.Module) -> None:
        """Draw the weights of a model that has none as yet."""
        if draw := self.undrawn.pop(id(model), None):
            nnx.update(model, draw())

    def draw(
        self, model: nnx.Module, analysis: Analysis, path: Path, values: Any, training: bool
    ) -> Any:
        layer = self.found(model, analysis, [path])[path]
        with precision(model):
            made = layer(to_input(values), deterministic=not training, rngs=self.rngs)
            return to_output(made)

    def multiply(self, model: nnx.Module, analysis: Analysis, factors: Weights) -> None:
        for path, layer in self.found(model, analysis, factors).items():
            layer.__class__ = Known
            layer.factor = np.asarray(to_last(factors[path]))

    def variables(self, model: nnx.Module, analysis: Analysis) -> Iterator[tuple[Tensor, Any]]:
        """Every tensor with the variable that holds it."""
        for tensor in tensors(analysis.elaborated):
            yield tensor, _at(model, tensor.place)

    def set_weights(self, model: nnx.Module, analysis: Analysis, weights: Weights) -> None:
        given = dict(weights)
        self.undrawn.pop(id(model), None)
        with precision(model) as dtype:
            for tensor, variable in self.variables(model, analysis):
                name = ".".join(tensor.path)
                if tensor.path not in given:
                    raise ValueError(f"no weight for {name}")
                array = np.asarray(given.pop(tensor.path))
                if array.shape != tensor.layout.portable:
                    raise ValueError(f"{name} is {array.shape}, not {tensor.layout.portable}")
                variable.set_value(jnp.asarray(tensor.layout.to(array), dtype))
        if given:
            raise ValueError(f"no layers for {', '.join('.'.join(path) for path in given)}")

    def get_weights(self, model: nnx.Module, analysis: Analysis) -> dict[Path, Any]:
        with precision(model):
            self.settle(model)
        found = self.variables(model, analysis)
        return {tensor.path: portable(tensor, variable.get_value()) for tensor, variable in found}

    def compiled(self, what: str, call: Callable[..., Any], model: nnx.Module, *given: Any) -> Any:
        """What `call` makes of a model and arrays, the changes to the model being kept.

        It is compiled once for `what`, if that is a name, and each structure of a model.
        """
        self.settle(model)
        graph, state = nnx.split(model)

        def pure(state: Any, *given: Any) -> Any:
            live = nnx.merge(graph, state)
            return call(live, *given), nnx.state(live)

        found = jax.jit(pure, compiler_options=PLAIN if self.patient else None)
        found = self.functions.setdefault((what, graph), found) if what else found
        made, state = found(state, *given)
        nnx.update(model, state)
        return made

    def run(self, model: nnx.Module, images: Any, training: bool = False) -> list[Any]:
        model.set_attributes(**MODES[training], raise_if_not_found=False)
        with precision(model) as dtype:
            made = self.compiled("run", apply, model, to_inputs(images, dtype))
            return list(map(to_output, made))

    def values(
        self,
        model: nnx.Module,
        analysis: Analysis,
        paths: list[Path],
        images: Any,
        training: bool = False,
    ) -> dict[Path, Any]:
        """Of every module that is called once; functions are not seen."""

        def call(live: nnx.Module, inputs: list[jax.Array]) -> Any:
            with watching(self.found(live, analysis, paths)) as seen:
                apply(live, inputs)
            return list(seen.values())  # the order of paths, which a dictionary would lose

        model.set_attributes(**MODES[training], raise_if_not_found=False)
        with precision(model) as dtype:
            made = self.compiled("", call, model, to_inputs(images, dtype))
        found = zip(self.found(model, analysis, paths), made, strict=True)
        return {path: to_output(calls[0]) for path, calls in found if len(calls) == 1}

    def step(
        self, model: nnx.Module, analysis: Analysis, images: Any, targets: list[Any]
    ) -> Gradients:
        model.set_attributes(**MODES[True], raise_if_not_found=False)
        with precision(model) as dtype:
            wanted = [to_input(target, dtype) for target in targets]
            made = self.compiled("step", differentiate, model, to_inputs(images, dtype), wanted)
            (state, of_inputs), outputs = made
            found = {
                tensor.path: portable(tensor, _at(state, tensor.place).get_value())
                for tensor, variable in self.variables(model, analysis)
                if isinstance(variable, nnx.Param)
            }
            first = as_given(map(to_output, of_inputs), images)
            return Gradients(list(map(to_output, outputs)), found, first)

    def save(self, model: Any, analysis: Analysis, weights: Weights, file: FilePath) -> None:
        own = {path: array for path, array in weights.items() if path[-1] != COUNTER}
        self.write(analysis, "", own, "", file)


class Known(nnx.Dropout):  # type: ignore[misc]
    """Multiplies by known factors where it would drop something at random."""

    factor: Any

    def __call__(self, inputs: Any, **options: Any) -> Any:
        return inputs if self.deterministic else inputs * jnp.asarray(self.factor, inputs.dtype)


@contextmanager
def watching(modules: Mapping[Path, nnx.Module]) -> Iterator[dict[Path, list[Any]]]:
    """Keeps what modules make, inside; a call from within a module's own call does not count."""
    names = {id(module): path for path, module in modules.items()}
    seen: dict[Path, list[Any]] = {path: [] for path in modules}
    within: list[int] = []  # the modules that are under way

    def watched(call: Any) -> Any:
        def apply(self: Any, *args: Any, **options: Any) -> Any:
            path = None if id(self) in within else names.get(id(self))
            within.append(id(self))
            made = call(self, *args, **options)
            within.pop()
            if path is not None and isinstance(made, jax.Array):
                seen[path].append(made)
            return made

        return apply

    with ExitStack() as patches:
        for kind in {type(module) for module in modules.values()}:
            patches.enter_context(patch.object(kind, "__call__", watched(kind.__call__)))
        yield seen


def apply(model: Any, inputs: list[jax.Array]) -> list[Any]:
    made = model(*inputs)
    return list(made) if isinstance(made, tuple) else [made]


def differentiate(model: nnx.Module, inputs: list[jax.Array], targets: list[jax.Array]) -> Any:
    """The gradients of the weights and of the inputs, and the outputs."""

    def loss(model: nnx.Module, inputs: list[jax.Array]) -> Any:
        made = apply(model, inputs)
        pairs = zip(targets, made, strict=True)
        return -sum((t * jax.nn.log_softmax(y)).sum() for t, y in pairs), made

    return nnx.grad(loss, argnums=(nnx.DiffState(0, nnx.Param), 1), has_aux=True)(model, inputs)


def _blank(array: Any, keys: Iterator[Any]) -> Any:
    """Zeros, or a key, of which no two are the same."""
    if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        return next(keys)
    return jnp.asarray(np.zeros(array.shape, array.dtype))


@contextmanager
def precision(model: nnx.Module) -> Iterator[str]:
    """JAX has float64 only where it is switched on."""
    dtype = getattr(model, "dtype_of_weights", "float32")
    with jax.enable_x64(dtype == "float64"):
        yield dtype


def _at(start: Any, place: Path) -> Any:
    """What a model, or a state of it, has at a place; a state has methods beside its entries."""
    for step in place:
        key = int(step) if step.isdigit() else step
        is_attribute = isinstance(start, nnx.Module) and isinstance(key, str)
        start = getattr(start, step) if is_attribute else start[key]
    return start


def portable(tensor: Tensor, array: Any) -> Any:
    return np.ascontiguousarray(tensor.layout.back(np.asarray(array)))


def to_inputs(images: Any, dtype: str) -> list[Any]:
    return [to_input(given, dtype) for given in each_input(images)]


def to_input(array: Any, dtype: str | None = None) -> Any:
    return jnp.asarray(np.ascontiguousarray(to_last(np.asarray(array))), dtype)


def to_output(array: Any) -> Any:
    """An array of its own, with its channels first."""
    return np.array(to_first(np.asarray(array)))
