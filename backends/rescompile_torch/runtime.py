"""Emitted PyTorch source brought to life: weights in and out, outputs, gradients."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path as FilePath
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rescompile.emit.contract import Gradients, Weights
from rescompile.emit.guard import Bound
from rescompile.emit.weights import COUNTER, Slot, Stored, leaf_of
from rescompile.ir.analysis import Analysis
from rescompile.ir.structure import Path

from . import files

RATES = ("p", "rate")  # as nn.Dropout calls it, and the emitted StochasticDepth


class TorchRuntime:
    """Weights are the state dict: the path of a parameter, joined by dots, is its key."""

    def versions(self) -> dict[str, str]:
        return {"torch": torch.__version__}

    def seed(self, seed: int) -> None:
        torch.manual_seed(seed)

    def build(self, module: ModuleType, name: str, dtype: str) -> nn.Module:
        model: nn.Module = getattr(module, name)()
        if dtype == "float64":
            _allow_float64(model)
        return model.to(getattr(torch, dtype))

    def quiet(self, model: nn.Module) -> None:
        for module in model.modules():
            for name in RATES:
                if isinstance(getattr(module, name, None), float):
                    setattr(module, name, 0.0)

    def rates(self, model: nn.Module, paths: list[Path]) -> dict[Path, float]:
        modules = dict(model.named_modules())
        found = {path: _rate_of(modules.get(".".join(path))) for path in paths}
        return {path: float(rate) for path, rate in found.items() if rate is not None}

    def draw(self, model: nn.Module, path: Path, values: Any, training: bool) -> Any:
        module = model.get_submodule(".".join(path)).train(training)
        return module(_input(model, values)).numpy().copy()

    def multiply(self, model: nn.Module, factors: Weights) -> None:
        modules = dict(model.named_modules())
        for path, factor in factors.items():
            module = modules.get(".".join(path))
            if module is not None:
                setattr(module, "forward", _multiplied(module, factor))  # noqa: B010 - a method

    def set_weights(self, model: nn.Module, analysis: Analysis, weights: Weights) -> None:
        given = {".".join(path): _tensor(w) for path, w in weights.items()}
        counters = {k: v for k, v in model.state_dict().items() if k.endswith(COUNTER)}
        dtype = next((p.dtype for p in model.parameters()), torch.float32)
        try:
            model.load_state_dict({**{k: v.to(dtype) for k, v in given.items()}, **counters})
        except RuntimeError as error:
            raise ValueError(str(error)) from None

    def get_weights(self, model: nn.Module, analysis: Analysis) -> dict[Path, Any]:
        state = model.state_dict()
        return {
            tuple(key.split(".")): value.detach().cpu().numpy().copy()
            for key, value in state.items()
            if not key.endswith(COUNTER)
        }

    def run(self, model: nn.Module, images: Any, training: bool = False) -> list[Any]:
        model.train(training)
        with torch.no_grad():
            return [output.numpy().copy() for output in _outputs(model(_input(model, images)))]

    def values(
        self,
        model: nn.Module,
        analysis: Analysis,
        paths: list[Path],
        images: Any,
        training: bool = False,
    ) -> dict[Path, Any]:
        """Of every module that is called once: one that is shared stands for several paths."""
        seen: dict[Path, list[Any]] = {}

        def hook(path: Path) -> Any:
            def keep(module: nn.Module, args: Any, output: Any) -> None:
                if isinstance(output, Tensor):  # copied: what follows may work in place
                    seen.setdefault(path, []).append(output.detach().numpy().copy())

            return keep

        modules = dict(model.named_modules())
        handles = [
            modules[".".join(path)].register_forward_hook(hook(path))
            for path in paths
            if ".".join(path) in modules
        ]
        try:
            self.run(model, images, training)
        finally:
            for handle in handles:
                handle.remove()
        return {path: found[0] for path, found in seen.items() if len(found) == 1}

    def step(
        self, model: nn.Module, analysis: Analysis, images: Any, targets: list[Any]
    ) -> Gradients:
        model.train()
        x = _input(model, images).requires_grad_()
        outputs = _outputs(model(x.clone()))  # a clone: the first layer may work in place
        losses = [
            -(torch.as_tensor(target).to(output.dtype) * F.log_softmax(output, 1)).sum()
            for output, target in zip(outputs, targets, strict=True)
        ]
        named = dict(model.named_parameters())
        found = torch.autograd.grad(
            torch.stack(losses).sum(),
            [x, *named.values()],
            allow_unused=True,
            materialize_grads=True,
        )
        arrays = [gradient.numpy() for gradient in found]
        gradients = {tuple(k.split(".")): g for k, g in zip(named, arrays[1:], strict=True)}
        return Gradients(
            [output.detach().numpy().copy() for output in outputs], gradients, arrays[0]
        )

    def slots(self, model: nn.Module, analysis: Analysis) -> list[Slot]:
        return [
            Slot(
                tuple(name.split(".")),
                name,
                leaf_of(name),
                tuple(value.shape),
                optional=leaf_of(name) == COUNTER,
            )
            for name, value in model.state_dict().items()
        ]

    def read(self, file: FilePath, bound: Bound) -> AbstractContextManager[list[Stored]]:
        return files.read(file, bound)

    def save(self, model: nn.Module, analysis: Analysis, weights: Weights, file: FilePath) -> None:
        files.write(file, self.slots(model, analysis), weights)


def _tensor(array: Any) -> Tensor:
    """A tensor over the numbers of an array where PyTorch can take them as they lie."""
    return torch.as_tensor(np.require(array, requirements=["C", "W"]))


def _input(model: nn.Module, images: Any) -> Tensor:
    given = torch.as_tensor(np.array(images))
    return given.to(next((p.dtype for p in model.parameters()), given.dtype))


def _rate_of(module: nn.Module | None) -> Any:
    return next((getattr(module, name) for name in RATES if hasattr(module, name)), None)


def _multiplied(module: nn.Module, factor: Any) -> Callable[[Tensor], Tensor]:
    def forward(x: Tensor) -> Tensor:
        return x * torch.as_tensor(factor).to(x.dtype) if module.training else x

    return forward


def _outputs(made: Any) -> tuple[Tensor, ...]:
    return made if isinstance(made, tuple) else (made,)


class _ExactHardsigmoid(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.relu6(x + 3.0) / 6.0


def _allow_float64(model: nn.Module) -> None:
    """PyTorch's derivative of hardsigmoid has the constant 1/6 in float32, even in float64.

    3e-8 of its value is wrong therefore (measured on 2.13); float64 models get an exact one.
    """
    for module in model.modules():
        for name, child in module.named_children():
            if type(child) is nn.Hardsigmoid:
                setattr(module, name, _ExactHardsigmoid())
