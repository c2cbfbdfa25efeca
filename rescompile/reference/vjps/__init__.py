"""The derivative of every operation, each a definition in NumPy float64 (`VJPS`).

A VJP takes what the meaning took and gave, and the gradient of a loss with respect to the
output `y`; it returns that with respect to the input `x`, and to each trainable parameter by leaf.
Where an operation has a kink (zero for relu, a tie in a max-pool), it takes the side that the
frameworks take: zero for relu, the first of equals for a max-pool.
"""

from __future__ import annotations

import numpy as np

from ... import ops
from ...ops import Op
from ..activations import SLOPES
from .activation import log_softmax, prelu, softmax
from .attention import channel_conv, channel_max, channel_mean, split_softmax
from .channel import pad_map, rearranged
from .convolution import conv, conv_transpose, std_conv
from .norm import batch_norm, group_norm, instance_norm, layer_norm
from .pool import (
    adaptive_avg_pool,
    adaptive_max_pool,
    avg_pool,
    global_attention_pool,
    global_avg_pool,
    global_max_pool,
    max_pool,
)
from .pulled import Vjp, elementwise
from .regularise import layer_scale, unchanged
from .resample import upsample
from .response import global_response_norm, l2_norm, local_response_norm
from .vector import linear

VJPS: dict[type[Op], Vjp] = {
    ops.Conv: conv,
    ops.StdConv: std_conv,
    ops.ConvTranspose: conv_transpose,
    ops.Linear: linear,
    ops.BatchNorm: batch_norm,
    ops.LayerNorm: layer_norm,
    ops.GroupNorm: group_norm,
    ops.InstanceNorm: instance_norm,
    **{kind: elementwise(slope) for kind, slope in SLOPES.items()},
    ops.Prelu: prelu,
    ops.Softmax: softmax,
    ops.LogSoftmax: log_softmax,
    ops.MaxPool: max_pool,
    ops.AvgPool: avg_pool,
    ops.AdaptiveAvgPool: adaptive_avg_pool,
    ops.AdaptiveMaxPool: adaptive_max_pool,
    ops.GlobalAvgPool: global_avg_pool,
    ops.GlobalMaxPool: global_max_pool,
    ops.GlobalAttentionPool: global_attention_pool,
    ops.Dropout: unchanged,
    ops.StochasticDepth: unchanged,
    ops.LayerScale: layer_scale,
    ops.Scale: elementwise(lambda op, x, y: np.full_like(x, op.factor)),
    ops.Pad: pad_map,
    ops.Upsample: upsample,
    ops.UpsampleTo: upsample,
    ops.SplitSoftmax: split_softmax,
    ops.ChannelMean: channel_mean,
    ops.ChannelMax: channel_max,
    ops.ChannelConv: channel_conv,
    ops.LocalResponseNorm: local_response_norm,
    ops.L2Norm: l2_norm,
    ops.GlobalResponseNorm: global_response_norm,
    **{kind: rearranged for kind in ops.OPS if issubclass(kind, ops.Rearrangement)},
}
