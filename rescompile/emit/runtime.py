"""What the runtimes have in common whose models keep their layers by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..ir.analysis import Analysis
from ..ir.inputs import as_given, each_input
from ..ir.structure import Path
from .channels_last import to_first, to_last
from .contract import Gradients, Weights
from .placed import Placed, laid_out

RATES = ("p", "rate")  # what layers call the rate at which they drop


class LayerRuntime:
    """A runtime of a framework where a path, joined by the `separator`, is the name of a layer."""

    separator = "."
    # What one has to have, beside the rest of `Runtime`:
    layers: Callable[..., Mapping[str, Any]]  # of a model: all, by name
    entering: Callable[..., Any]  # of a model and an array, channels first: a tensor of its type
    leaving: Callable[..., Any]  # of a tensor: the array
    outputs: Callable[..., Iterable[Any]]  # of a model, tensors, and whether it trains
    dropped: Callable[..., Any]  # of a layer that drops, a tensor, and whether it trains
    # Of a model, an analysis, tensors and targets, in training: the outputs, the gradients of the
    # weights as `Gradients` has them, and those of the inputs.
    differentiate: Callable[..., tuple[Iterable[Any], dict[Path, Any], Iterable[Any]]]

    def found(self, model: Any, analysis: Analysis, paths: Iterable[Path]) -> dict[Path, Any]:
        """The layers that there are at some paths."""
        layers = self.layers(model)
        named = ((path, self.separator.join(path)) for path in paths)
        return {path: layers[name] for path, name in named if name in layers}

    def quiet(self, model: Any) -> None:
        """As `Runtime.quiet`."""
        for layer in self.layers(model).values():
            for name in RATES:
                if isinstance(getattr(layer, name, None), float):
                    setattr(layer, name, 0.0)

    def rates(self, model: Any, analysis: Analysis, paths: list[Path]) -> dict[Path, float]:
        """As `Runtime.rates`."""
        return {
            path: float(getattr(layer, name))
            for path, layer in self.found(model, analysis, paths).items()
            for name in RATES
            if hasattr(layer, name)
        }

    def draw(self, model: Any, analysis: Analysis, path: Path, values: Any, training: bool) -> Any:
        """As `Runtime.draw`."""
        layer = self.found(model, analysis, [path])[path]
        return self.leaving(self.dropped(layer, self.entering(model, values), training))

    def run(self, model: Any, images: Any, training: bool = False) -> list[Any]:
        """As `Runtime.run`."""
        inputs = [self.entering(model, array) for array in each_input(images)]
        return list(map(self.leaving, self.outputs(model, inputs, training)))

    def step(self, model: Any, analysis: Analysis, images: Any, targets: list[Any]) -> Gradients:
        """As `Runtime.step`."""
        inputs = [self.entering(model, array) for array in each_input(images)]
        wanted = [self.entering(model, array) for array in targets]
        outputs, gradients, first = self.differentiate(model, analysis, inputs, wanted)
        of_inputs = as_given(map(self.leaving, first), images)
        return Gradients(list(map(self.leaving, outputs)), gradients, of_inputs)


class LastRuntime(LayerRuntime):
    """One whose channels stand last, and which keeps weights in variables."""

    # Of a model and an analysis: every weight, and the variable that holds it.
    variables: Callable[..., Iterable[tuple[Placed, Any]]]
    assign: Callable[..., Any]  # of a variable and an array
    array: Callable[..., Any]  # of a variable or a tensor: its numbers as an array of its own
    tensor: Callable[..., Any]  # of a model and an array: a tensor of its type

    def entering(self, model: Any, array: Any) -> Any:
        return self.tensor(model, to_last(array))

    def leaving(self, tensor: Any) -> Any:
        return to_first(self.array(tensor))

    def set_weights(self, model: Any, analysis: Analysis, weights: Weights) -> None:
        held = dict(self.variables(model, analysis))
        for tensor, array in laid_out(held, weights):
            shape = tuple(held[tensor].shape)
            if array.shape != shape:
                name = ".".join(tensor.path)
                raise ValueError(f"{name} is {shape} in the model, not {array.shape}")
            self.assign(held[tensor], array)

    def get_weights(self, model: Any, analysis: Analysis) -> dict[Path, Any]:
        return self.portable(self.variables(model, analysis))

    def portable(self, held: Iterable[tuple[Placed, Any]]) -> dict[Path, Any]:
        """What is held for some weights, in PyTorch's layout."""
        return {weight.path: weight.portable(self.array(tensor)) for weight, tensor in held}
