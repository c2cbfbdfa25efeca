"""The training in PyTorch: a plain loop."""

from __future__ import annotations

import platform
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rescompile.files import replacing

from . import processes
from .execution import leads
from .machine import processor
from .recipe import Recipe
from .run import Run, emitted

EVALUATED = 500  # images at a time


def train(run: Run, threads: int | None = None) -> None:
    """From the start or the last checkpoint to the end."""
    if threads:
        torch.set_num_threads(threads)
    torch.backends.cudnn.deterministic = True  # a run is the same every time
    torch.manual_seed(run.seed)
    device, how = processes.device(), run.execution
    how.on(gpu=device.type == "cuda")
    run.machine = machine(device, how.devices)
    model, optimizer = prepare(run.network, run.recipe)
    model.to(device)
    if device.type == "cuda" and how.layout == "channels_last":
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    half = Half(how.precision, device)
    if run.checkpoint.exists():
        load(run, model, optimizer, half)
    spread = processes.spread(model, how, device)
    for iteration in range(run.start, run.scale.iterations):
        set_rate(optimizer, run.rate(iteration))
        images, labels = map(processes.part, run.batches.training(iteration))
        x = to_torch(images, device, how.layout)
        step(spread, optimizer, x, torch.from_numpy(labels).to(device), half)
        run.progress(iteration + 1)
        if (iteration + 1) % run.scale.every == 0:
            if leads():
                run.evaluate(iteration + 1, lambda images: predict(model, images, how.layout, half))
                save(run, iteration + 1, model, optimizer, half)
            processes.agree(run)


def prepare(network: str, recipe: Recipe) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The emitted model with new weights, and its optimizer."""
    model: nn.Module = emitted("torch", network)()
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=recipe.rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )
    return model, optimizer


class Half:
    """Mixed precision: what is computed in half precision, and the scale of float16's gradients.

    With float32 it does nothing.
    """

    def __init__(self, precision: str, device: torch.device) -> None:
        self.dtype: torch.dtype = getattr(torch, precision)
        self.device = device.type
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.dtype == torch.float16)

    def __call__(self) -> AbstractContextManager[Any]:
        whole = self.dtype == torch.float32
        return nullcontext() if whole else torch.autocast(self.device, self.dtype)


def step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    labels: Tensor,
    half: Half | None = None,
) -> Tensor:
    """One step of SGD; gives the loss before it."""
    half = half or Half("float32", images.device)
    model.train()
    optimizer.zero_grad()
    with half():
        loss = nn.functional.cross_entropy(model(images), labels)
    half.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
    half.scaler.step(optimizer)
    half.scaler.update()
    return loss.detach()


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def to_torch(images: Any, device: torch.device, layout: str = "channels_last") -> Tensor:
    """N x C x H x W, with the channels last in memory, as they come, unless told otherwise."""
    x = torch.from_numpy(images).to(device).permute(0, 3, 1, 2)
    return x if layout == "channels_last" else x.contiguous()


def predict(
    model: nn.Module, images: Any, layout: str = "channels_last", half: Half | None = None
) -> Any:
    """The logits in evaluation mode."""
    model.eval()
    device = next(model.parameters()).device
    parts = range(0, len(images), EVALUATED)
    with torch.inference_mode(), half() if half else nullcontext():
        found = [model(to_torch(images[i : i + EVALUATED], device, layout)) for i in parts]
    return np.concatenate([part.float().cpu().numpy() for part in found])


def save(
    run: Run, iteration: int, model: nn.Module, optimizer: torch.optim.Optimizer, half: Half
) -> None:
    """All that the next iteration depends on, in one file that is replaced in one step."""
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    state["scaler"] = half.scaler.state_dict()
    with replacing(run.checkpoint) as beside:
        torch.save({"identity": run.identity, "iteration": iteration, **state}, beside)


def load(run: Run, model: nn.Module, optimizer: torch.optim.Optimizer, half: Half) -> None:
    with run.opening():
        found = torch.load(run.checkpoint, map_location="cpu", weights_only=True)
        run.resume(found["iteration"], found["identity"])
        model.load_state_dict(found["model"])
        optimizer.load_state_dict(found["optimizer"])
        half.scaler.load_state_dict(found.get("scaler", {}))


def machine(device: torch.device, devices: int) -> dict[str, Any]:
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    about = {"device": "gpu" if gpu else "cpu", "kind": gpu or processor()}
    return {
        "versions": {**versions, "torch": torch.__version__},
        "machine": {**about, "devices": devices, "threads": torch.get_num_threads()},
    }
