"""Emitted PyTorch source brought to life: weights in and out, outputs, gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from pathlib import Path as FilePath
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rescompile.emit.contract import Weights
from rescompile.emit.guard import Bound
from rescompile.emit.runtime import LayerRuntime
from rescompile.emit.weights import COUNTER, Slot, Stored, state_slots
from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import Path, path_of

from . import files


class TorchRuntime(LayerRuntime):
    """Weights are the state dict: the path of a parameter, joined by dots, is its key."""

    def layers(self, model: nn.Module) -> Mapping[str, nn.Module]:
        return dict(model.named_modules())

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__}

    def seed(self, seed: int) -> None:
        torch.manual_seed(seed)

    def build(self, module: ModuleType, name: str, dtype: str) -> nn.Module:
        model: nn.Module = getattr(module, name)()
        if dtype == "float64":
            _allow_float64(model)
        return model.to(getattr(torch, dtype))

    def entering(self, model: nn.Module, array: Any) -> Tensor:
        given = torch.as_tensor(np.array(array))
        return given.to(next((p.dtype for p in model.parameters()), given.dtype))

    def leaving(self, tensor: Tensor) -> Any:
        """The numbers of a tensor as an array of its own."""
        return tensor.detach().cpu().numpy().copy()

    def outputs(self, model: nn.Module, inputs: list[Tensor], training: bool) -> Sequence[Tensor]:
        model.train(training)
        with torch.no_grad():
            return _outputs(model(*inputs))

    def differentiate(
        self, model: nn.Module, analysis: Analysis, inputs: list[Tensor], targets: list[Tensor]
    ) -> tuple[Sequence[Tensor], dict[Path, Any], Sequence[Tensor]]:
        model.train()
        inputs = [x.requires_grad_() for x in inputs]
        # Clones: the first layer may work in place.
        outputs = _outputs(model(*(x.clone() for x in inputs)))
        pairs = zip(outputs, targets, strict=True)
        losses = [-(target * F.log_softmax(output, 1)).sum() for output, target in pairs]
        named = dict(model.named_parameters())
        loss, wanted = torch.stack(losses).sum(), [*inputs, *named.values()]
        found = torch.autograd.grad(loss, wanted, allow_unused=True, materialize_grads=True)
        paths = map(path_of, named)
        gradients = zip(paths, (one.numpy() for one in found[len(inputs) :]), strict=True)
        return outputs, dict(gradients), found[: len(inputs)]

    def dropped(self, layer: nn.Module, x: Tensor, training: bool) -> Any:
        return layer.train(training)(x)

    def multiply(self, model: nn.Module, analysis: Analysis, factors: Weights) -> None:
        for path, module in self.found(model, analysis, factors).items():
            _replace(module, _multiplied(module, torch.as_tensor(factors[path])))

    def set_weights(self, model: nn.Module, analysis: Analysis, weights: Weights) -> None:
        dtype = next((p.dtype for p in model.parameters()), torch.float32)
        given = {".".join(path): _tensor(w).to(dtype) for path, w in weights.items()}
        counters = {k: v for k, v in model.state_dict().items() if k.endswith(COUNTER)}
        try:
            model.load_state_dict({**given, **counters})
        except RuntimeError as error:
            raise ValueError(str(error)) from None

    def get_weights(self, model: nn.Module, analysis: Analysis) -> dict[Path, Any]:
        state = model.state_dict().items()
        return {path_of(k): self.leaving(v) for k, v in state if not k.endswith(COUNTER)}

    def values(
        self,
        model: nn.Module,
        analysis: Analysis,
        paths: list[Path],
        images: Any,
        training: bool = False,
    ) -> dict[Path, Any]:
        """Of every module that is called once: one that is shared stands for several paths."""
        seen: dict[Path, list[Any]] = {path: [] for path in paths}

        def keep(path: Path, module: nn.Module, args: Any, output: Any) -> None:
            if isinstance(output, Tensor):  # copied: what follows may work in place
                seen[path].append(self.leaving(output))

        with ExitStack() as hooks:
            for path, module in self.found(model, analysis, paths).items():
                hooks.enter_context(module.register_forward_hook(partial(keep, path)))
            self.run(model, images, training)
        return {path: made[0] for path, made in seen.items() if len(made) == 1}

    def slots(self, model: nn.Module, analysis: Analysis) -> list[Slot]:
        return state_slots(analysis)

    def read(self, file: FilePath, bound: Bound) -> AbstractContextManager[list[Stored]]:
        return files.read(file, bound)

    def save(
        self,
        model: nn.Module,
        analysis: Analysis,
        weights: Weights,
        file: FilePath,
        about: Mapping[str, str],
    ) -> None:
        files.write(file, state_slots(analysis), weights)


def _tensor(array: Any) -> Tensor:
    """A tensor over the numbers of an array where PyTorch can take them as they lie."""
    return torch.as_tensor(np.require(array, requirements=["C", "W"]))


def _outputs(made: Any) -> tuple[Tensor, ...]:
    return made if isinstance(made, tuple) else (made,)


def _replace(module: nn.Module, forward: Callable[[Tensor], Tensor]) -> None:
    """Have a module apply something else from now on."""
    setattr(module, "forward", forward)  # noqa: B010 - a method


def _multiplied(module: nn.Module, factor: Tensor) -> Callable[[Tensor], Tensor]:
    return lambda x: x * factor.to(x.dtype) if module.training else x


def _allow_float64(model: nn.Module) -> None:
    """Give float64 models formulas that have its digits.

    PyTorch's derivative of hardsigmoid has the constant 1/6 in float32, even in float64: 3e-8 of
    its value is wrong (measured on 2.13). So is 1 / alpha in that of celu. Softplus is taken for x
    from a threshold on: at 20, its default, 2e-9 is wrong; at 40, nothing.
    """
    for module in model.modules():
        if type(module) is nn.Hardsigmoid:
            _replace(module, lambda x: F.relu6(x + 3.0) / 6.0)
        elif type(module) is nn.CELU:
            _replace(module, partial(_celu, module.alpha))
        elif type(module) is nn.Softplus:
            module.threshold = 40


def _celu(alpha: float, x: Tensor) -> Tensor:
    return alpha * F.elu(x / alpha)
