"""How a file's tensors come into a network that is not quite the one they were made for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..emit.weights import Slot, Stored
from ..ops import Shape
from .names import Renames, is_under

RGB = 3
MOST = 64  # channels of an image; what a file has more of is not read, however little it packs


@dataclass(frozen=True)
class Fitting:
    """What is asked for beside the tensors themselves; all of it are names, so that it can travel.

    `skip` are names or beginnings of names, of the file or the network, that are not read, and
    `ignore` those that a file may have and the network need not. `head` and `stem` are the layers
    at the network's `ends`; `new_head` says that what is not as in the file starts afresh in the
    head, `adapt` that kernels of the stem are fitted to other channels.
    """

    renames: Renames = ()
    skip: Sequence[str] = ()
    ignore: Sequence[str] = ()
    head: Sequence[str] = ()
    stem: Sequence[str] = ()
    new_head: bool = False
    adapt: bool = False

    def starts_afresh(self, slot: Slot) -> bool:
        """Whether a tensor may start as the spec says where the file has it otherwise or not."""
        return self.new_head and is_under(".".join(slot.path), self.head)

    def adapted(self, slot: Slot, stored: Stored) -> tuple[Any, str] | None:
        """A kernel on the image for as many channels as the network has, and what was done.

        None where it is no such kernel, or where no rule tells another.
        """
        if not self.adapt or not is_under(".".join(slot.path), self.stem):
            return None
        pairs = list(zip(stored.shape, slot.shape, strict=False))
        axes = [axis for axis, (old, new) in enumerate(pairs) if old != new]
        if len(stored.shape) != len(slot.shape) or len(axes) != 1 or not _is_input(slot, axes[0]):
            return None
        there, count = pairs[axes[0]]
        if not 0 < there <= MOST or (count != 1 and there not in (1, RGB)):
            return None
        made = with_channels(stored.read(), axes[0], count)
        done = "summed" if count == 1 else f"repeated for {count}, times {there}/{count}"
        return made, f"{there} input channel{'s' * (there != 1)} {done}"


PLAIN = Fitting()


def _is_input(slot: Slot, axis: int) -> bool:
    """Whether an axis of a kernel, as the file has it, is that of the input's channels."""
    numbers = np.arange(slot.shape[axis])
    around: Shape = tuple(-1 if i == axis else 1 for i in range(len(slot.shape)))
    placed = slot.portable(np.broadcast_to(numbers.reshape(around), slot.shape))
    return placed.ndim == 4 and bool((placed == np.arange(placed.shape[1])[:, None, None]).all())


def with_channels(kernel: Any, axis: int, count: int) -> Any:
    """A kernel for `count` input channels from one for as many as it has.

    For one channel, the sum over all: a grey image gives what it gave as RGB. For others, what
    there is, again and again, and as much smaller as it became more. These are the rules of timm's
    `adapt_input_conv`, which starts from RGB; from grey, an RGB image counts as its mean.
    """
    there = kernel.shape[axis]
    wide = kernel.astype(np.result_type(kernel.dtype, np.float32))
    if count == 1:
        made = wide.sum(axis=axis, keepdims=True)
    else:
        scale = wide.dtype.type(there / count)
        made = wide.take(np.arange(count) % there, axis=axis) * scale
    return made.astype(kernel.dtype)
