"""What Keras keeps for each operation: under which names, and in which order.

Files of weights and the models themselves are read by this one table. It has an entry for each op
that owns a tensor; nothing here needs Keras.
"""

from __future__ import annotations

from collections.abc import Mapping

from rescompile import ops
from rescompile.ops import Op
from rescompile.record import record

from .layers import UNBIASED


@record
class Storage:
    """The classes of an operation's layer; its variables, in order, by their names in PyTorch."""

    layers: tuple[str, ...]
    variables: Mapping[str, str]


DEPTHWISE = "DepthwiseConv2D"
WEIGHTED = {"weight": "kernel", "bias": "bias"}
NORM = {"weight": "gamma", "bias": "beta"}
RUNNING = {"running_mean": "moving_mean", "running_var": "moving_variance"}
STORAGE: dict[type[Op], Storage] = {
    ops.Conv: Storage(("Conv2D", DEPTHWISE), WEIGHTED),
    ops.ConvTranspose: Storage(("Conv2DTranspose",), WEIGHTED),
    ops.Linear: Storage(("Dense",), WEIGHTED),
    ops.BatchNorm: Storage(("BatchNormalization", UNBIASED), {**NORM, **RUNNING}),
    ops.LayerNorm: Storage(("LayerNormalization",), NORM),
    ops.GroupNorm: Storage(("GroupNormalization",), NORM),
    ops.LayerScale: Storage(("LayerScale",), {"": "scale"}),
}
