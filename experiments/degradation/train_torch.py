"""The training in PyTorch: a plain loop."""

from __future__ import annotations

import platform
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rescompile.files import replacing

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
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    run.machine = machine(device)
    model, optimizer = prepare(run.network, run.recipe)
    model.to(device)
    if run.checkpoint.exists():
        load(run, model, optimizer)
    for iteration in range(run.start, run.scale.iterations):
        set_rate(optimizer, run.rate(iteration))
        images, labels = run.batches.training(iteration)
        step(model, optimizer, to_torch(images, device), torch.from_numpy(labels).to(device))
        run.progress(iteration + 1)
        if (iteration + 1) % run.scale.every == 0:
            run.evaluate(iteration + 1, lambda images: predict(model, images))
            save(run, iteration + 1, model, optimizer)


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


def step(
    model: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor
) -> Tensor:
    """One step of SGD; gives the loss before it."""
    model.train()
    optimizer.zero_grad()
    loss = nn.functional.cross_entropy(model(images), labels)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return loss.detach()


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def to_torch(images: Any, device: torch.device) -> Tensor:
    """N x C x H x W, with the channels last in memory, as they come: faster on a CPU."""
    return torch.from_numpy(images).to(device).permute(0, 3, 1, 2)


def predict(model: nn.Module, images: Any) -> Any:
    """The logits in evaluation mode."""
    model.eval()
    device = next(model.parameters()).device
    parts = range(0, len(images), EVALUATED)
    with torch.inference_mode():
        found = [model(to_torch(images[i : i + EVALUATED], device)).cpu() for i in parts]
    return np.concatenate([part.numpy() for part in found])


def save(run: Run, iteration: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """All that the next iteration depends on, in one file that is replaced in one step."""
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
    with replacing(run.checkpoint) as beside:
        torch.save({"identity": run.identity, "iteration": iteration, **state}, beside)


def load(run: Run, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    with run.opening():
        found = torch.load(run.checkpoint, weights_only=True)
        run.resume(found["iteration"], found["identity"])
        model.load_state_dict(found["model"])
        optimizer.load_state_dict(found["optimizer"])


def machine(device: torch.device) -> dict[str, Any]:
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    versions = {"python": platform.python_version(), "numpy": np.__version__}
    about = {"device": "gpu" if gpu else "cpu", "kind": gpu or processor()}
    return {
        "versions": {**versions, "torch": torch.__version__},
        "machine": {**about, "threads": torch.get_num_threads()},
    }
