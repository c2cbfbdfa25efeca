"""Emitted Keras source brought to life: weights, outputs, gradients, in a process with Keras.

Which engine Keras runs on is decided by KERAS_BACKEND, before Keras is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path as FilePath
from types import ModuleType
from typing import Any

import keras
import numpy as np

from rescompile.emit.channels_last import Proofs
from rescompile.emit.contract import Weights
from rescompile.emit.placed import Placed
from rescompile.emit.runtime import LastRuntime
from rescompile.emit.weights import Slot
from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import Path

from . import files
from .differentiate import differentiate, forget, listed
from .exact import allow_float64, make_exact
from .files import tensors


def flat(model: Any) -> list[Any]:
    """Every layer in the order of files: those of models in it, which are shared, come last."""
    inner = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    own = [layer for layer in model.layers if not isinstance(layer, keras.Model)]
    return [*own, *(layer for one in inner for layer in flat(one))]


def weights_of(model: Any, analysis: Analysis) -> list[Placed]:
    """Every weight, in the order of the model's layers."""
    layers = ((layer.name, type(layer).__name__) for layer in flat(model))
    return list(tensors(analysis.elaborated, layers))


class KerasRuntime(LastRuntime):
    """Layers are found by name: the path of an operation, joined by underscores."""

    separator = "_"

    def layers(self, model: Any) -> Mapping[str, Any]:
        return {layer.name: layer for layer in flat(model)}

    def versions(self) -> dict[str, str]:
        engine = keras.backend.backend()
        module = __import__(engine)
        return {"keras": keras.__version__, engine: module.__version__}

    def seed(self, seed: int) -> None:
        keras.utils.set_random_seed(seed)

    def build(self, module: ModuleType, name: str, dtype: str) -> Any:
        keras.backend.clear_session()
        keras.config.set_floatx(dtype)
        if dtype == "float64":
            allow_float64()
        model = getattr(module, name)()
        if dtype == "float64":
            make_exact(model)
        return model

    def variables(self, model: Any, analysis: Analysis) -> Iterator[tuple[Placed, Any]]:
        layers = self.layers(model)
        for tensor in weights_of(model, analysis):
            layer, variable = tensor.place
            yield tensor, getattr(layers[layer], variable)

    def assign(self, variable: Any, array: Any) -> None:
        variable.assign(np.asarray(array, order="C"))  # of no axes, it keeps none

    def tensor(self, model: Any, array: Any) -> Any:
        """In the dtype that models have now."""
        array = np.ascontiguousarray(array).astype(keras.config.floatx())
        return keras.ops.convert_to_tensor(array)

    def array(self, tensor: Any) -> Any:
        """Of any engine."""
        plain = tensor.detach() if hasattr(tensor, "detach") else tensor
        return np.array(keras.ops.convert_to_numpy(plain))

    def outputs(self, model: Any, inputs: list[Any], training: bool) -> list[Any]:
        return listed(model(inputs, training=training))

    def differentiate(
        self, model: Any, analysis: Analysis, inputs: list[Any], targets: list[Any]
    ) -> Any:
        outputs, gradients, of_inputs = differentiate(model, inputs, targets)
        found = self.variables(model, analysis)
        own = ((one, gradients[v.path]) for one, v in found if v.path in gradients)
        return outputs, self.portable(own), of_inputs

    def dropped(self, layer: Any, x: Any, training: bool) -> Any:
        return layer(x, training=training)

    def quiet(self, model: Any) -> None:
        super().quiet(model)
        forget(model)

    def multiply(self, model: Any, analysis: Analysis, factors: Weights) -> None:
        forget(model)
        for path, layer in self.found(model, analysis, factors).items():
            layer.call = _multiplied(self.entering(model, factors[path]))

    def values(
        self, model: Any, analysis: Analysis, paths: list[Path], images: Any, training: bool = False
    ) -> dict[Path, Any]:
        """Of every layer that is called as its path is: blocks are functions here, and not seen.

        Nor are layers that are shared, which have several values.
        """
        own = (layer for layer in model.layers if not isinstance(layer, keras.Model))
        layers = {layer.name: layer for layer in own}
        mixed = Proofs(analysis.elaborated).mixed
        seen: dict[Path, Any] = {}
        for path in paths:
            name = "_".join(path)
            # A stride that Keras' convolution cannot take is a layer of its own behind it.
            layer = layers.get(f"{name}_subsample", layers.get(name))
            if layer is not None and path not in mixed:
                seen[path] = layer.output
        if not seen:
            return {}
        part = keras.Model(model.inputs, list(seen.values()))
        return dict(zip(seen, self.run(part, images, training), strict=True))

    def slots(self, model: Any, analysis: Analysis) -> list[Slot]:
        return [tensor.slot for tensor in weights_of(model, analysis)]

    read = staticmethod(files.read)

    def save(
        self,
        model: Any,
        analysis: Analysis,
        weights: Weights,
        file: FilePath,
        about: Mapping[str, str],
    ) -> None:
        self.set_weights(model, analysis, weights)
        if file.name.endswith(".weights.h5"):
            model.save_weights(file)
        else:
            model.save(file)


def _multiplied(factor: Any) -> Callable[..., Any]:
    return lambda x, training=False: x * factor if training else x
