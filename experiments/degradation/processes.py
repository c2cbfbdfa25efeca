"""PyTorch on several devices: DistributedDataParallel over the processes of torchrun."""

from __future__ import annotations

import atexit
import os
from contextlib import suppress
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from .execution import Execution, world_size
from .run import Run

PARTING = timedelta(seconds=20)


def device() -> torch.device:
    """This process's device, after it has joined the others, if there are any."""
    gpu = torch.cuda.is_available()
    place = torch.device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if gpu else "cpu")
    if gpu:
        torch.cuda.set_device(place)
    if world_size() > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if gpu else "gloo")
        atexit.register(leave)
    return place


def leave() -> None:
    """Part from the other processes, at the end of all: gloo aborts one that the others left."""
    if distributed.get_backend() == "gloo":
        with suppress(RuntimeError):  # where another has failed, which is told already
            distributed.monitored_barrier(timeout=PARTING)
    distributed.destroy_process_group()


def spread(model: nn.Module, execution: Execution, place: torch.device) -> nn.Module:
    """The same model, whose gradients are the means of all processes' ones.

    It starts from the first process's weights and keeps its running statistics.
    """
    if execution.devices == 1:
        return model
    if execution.norms == "synchronised":
        model = synchronised(model, place)
    ids = [place.index] if place.type == "cuda" else None
    return DistributedDataParallel(model, device_ids=ids)


def part(batch: Any) -> Any:
    """What of a batch is this process's; all parts are equal."""
    if world_size() == 1:
        return batch
    return batch[distributed.get_rank() :: distributed.get_world_size()]


def agree(run: Run) -> None:
    """What the first process has measured, all know."""
    if world_size() > 1:
        known = [run.records]
        distributed.broadcast_object_list(known, src=0)
        run.records = known[0]


def synchronised(model: nn.Module, place: torch.device) -> nn.Module:
    """The model with norms over the whole batch; the names of its weights stay."""
    if place.type == "cuda":
        made: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        return made
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = SynchronisedBatchNorm2d
    return model


class _Sum(torch.autograd.Function):
    """A tensor summed over the processes: so are the gradients that come back to it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        x = x.clone()
        distributed.all_reduce(x)
        return x

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        gradient = gradient.contiguous().clone()
        distributed.all_reduce(gradient)
        return gradient


def _sum(x: Tensor) -> Tensor:
    made: Tensor = _Sum.apply(x)  # type: ignore[no-untyped-call]
    return made


class SynchronisedBatchNorm2d(nn.BatchNorm2d):
    """What nn.SyncBatchNorm is on GPUs, on CPUs, where PyTorch has none."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        assert self.momentum is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        count = x.numel() // x.shape[1] * distributed.get_world_size()
        mean = _sum(x.sum((0, 2, 3))) / count
        centred = x - mean[:, None, None]
        variance = _sum(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / (count - 1)), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return centred * scale[:, None, None] + self.bias[:, None, None]
