"""The meaning of every operation, each a definition in NumPy float64 (`MEANINGS`).

A meaning takes the bound operation, its input, (N, C, *spatial) or (N, C), its parameters by leaf
name in PyTorch's layout, and whether the network is in training, and returns the output with the
batch.
Evaluation is PyTorch's `eval()`. In training, BatchNorm normalises by the statistics of the batch,
and an operation that draws random numbers is refused unless its rate is zero: no two programs draw
the same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ... import ops
from ...ops import Op
from ..activations import FUNCTIONS
from ..arrays import Array, Params
from .attention import channel_conv, channel_max, channel_mean, split_softmax
from .channel import (
    channel_shuffle,
    crop,
    depth_to_space,
    pad_channels,
    pad_map,
    permute,
    slice_channels,
    space_to_depth,
)
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
from .regularise import drop, layer_scale, scale
from .resample import upsample
from .response import global_response_norm, l2_norm, local_response_norm
from .vector import flatten, linear, unflatten

Meaning = Callable[[Any, Array, Params, bool], Array]
MEANINGS: dict[type[Op], Meaning] = {
    ops.Conv: conv,
    ops.StdConv: std_conv,
    ops.ConvTranspose: conv_transpose,
    ops.Linear: linear,
    ops.BatchNorm: batch_norm,
    ops.LayerNorm: layer_norm,
    ops.GroupNorm: group_norm,
    ops.InstanceNorm: instance_norm,
    **FUNCTIONS,
    ops.MaxPool: max_pool,
    ops.AvgPool: avg_pool,
    ops.AdaptiveAvgPool: adaptive_avg_pool,
    ops.AdaptiveMaxPool: adaptive_max_pool,
    ops.GlobalAvgPool: global_avg_pool,
    ops.GlobalMaxPool: global_max_pool,
    ops.GlobalAttentionPool: global_attention_pool,
    ops.Flatten: flatten,
    ops.Unflatten: unflatten,
    ops.Dropout: drop,
    ops.StochasticDepth: drop,
    ops.LayerScale: layer_scale,
    ops.Scale: scale,
    ops.Pad: pad_map,
    ops.Crop: crop,
    ops.PadChannels: pad_channels,
    ops.SliceChannels: slice_channels,
    ops.ChannelShuffle: channel_shuffle,
    ops.DepthToSpace: depth_to_space,
    ops.SpaceToDepth: space_to_depth,
    ops.Permute: permute,
    ops.Upsample: upsample,
    ops.UpsampleTo: upsample,
    ops.SplitSoftmax: split_softmax,
    ops.ChannelMean: channel_mean,
    ops.ChannelMax: channel_max,
    ops.ChannelConv: channel_conv,
    ops.LocalResponseNorm: local_response_norm,
    ops.L2Norm: l2_norm,
    ops.GlobalResponseNorm: global_response_norm,
}
