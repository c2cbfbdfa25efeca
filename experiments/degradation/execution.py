"""How a training is executed: in which precision, in which layout, and on how many devices."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import StudyError

PRECISIONS = ("float32", "bfloat16", "float16")
LAYOUTS = ("channels_last", "channels_first")
NORMS = ("synchronised", "device")
TORCHRUN = "torchrun --nproc-per-node N -m experiments.degradation run --frameworks torch"


def world_size() -> int:
    """As many as torchrun has started, each with a device of its own."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def leads() -> bool:
    """Whether this is the process that writes."""
    return int(os.environ.get("RANK", "0")) == 0


@dataclass(frozen=True)
class Execution:
    """`precision` is that of convolutions and products: weights stay in float32.

    Each of the devices has an equal part of every batch. Norms take their statistics from all of
    it, or each `device` from its part; then the running statistics are the first one's.
    """

    precision: str = "float32"
    layout: str = "channels_last"
    norms: str = "synchronised"
    devices: int = 1

    def check(self, framework: str, batch: int) -> None:
        """Raises `StudyError` where a framework cannot do this."""
        started, count = world_size(), self.devices
        if int(os.environ.get("LOCAL_WORLD_SIZE", started)) != started:
            raise StudyError("torchrun has started processes on several machines, not on one")
        if framework == "torch" and count != started:
            raise StudyError(
                f"PyTorch has a process for each device: leave --devices out, {TORCHRUN}"
            )
        if framework == "keras" and started > 1:
            raise StudyError(f"torchrun is for PyTorch: {TORCHRUN}; Keras has --devices")
        if framework == "keras" and self.layout != LAYOUTS[0]:
            raise StudyError("Keras' engines choose the layout in memory: leave --layout out")
        if framework == "keras" and self.norms != NORMS[0]:
            raise StudyError("Keras on JAX takes a batch as one: --norms device is PyTorch's alone")
        if batch % count:
            raise StudyError(f"a batch of {batch} has no {count} equal parts")

    def on(self, gpu: bool) -> None:
        """Raises `StudyError` where the devices cannot do this, once a framework knows them."""
        if self.precision != PRECISIONS[0] and not gpu:
            raise StudyError(
                f"{self.precision} is for GPUs, and there is none: leave --precision out"
            )

    def numerics(self, batch: int) -> dict[str, Any]:
        """What of it results depend on, beyond rounding."""
        whole = self.norms == NORMS[0]
        return {
            "precision": self.precision,
            "norm_images": batch if whole else batch // self.devices,
        }


ONE_DEVICE = Execution()


def numerics(record: Mapping[str, Any]) -> dict[str, Any]:
    """That of a line of results; what does not say it is of one device, in float32."""
    usual = ONE_DEVICE.numerics(record["scale"]["batch"])
    return {key: record.get(key, value) for key, value in usual.items()}
