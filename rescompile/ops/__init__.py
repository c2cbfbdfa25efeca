"""The operations: one frozen dataclass each, with its shape rule and its parameters beside it.

The set is closed (`OPS`); a test proves that every table (cost, reference semantics, each backend)
covers it. Attributes are numbers, or expressions over block parameters until `bind` gives them
values. Shapes are channels-first and without the batch: `(C, H, W)` for maps, `(C,)` for vectors.
Padding is four numbers: top, bottom, left, right.
"""

from __future__ import annotations

from .activation import (
    Activation,
    Elu,
    Gelu,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    Relu,
    Relu6,
    Sigmoid,
    Silu,
    Softmax,
    Tanh,
)
from .base import (
    Op,
    Pair,
    Parameter,
    Quad,
    Same,
    Shape,
    ShapeError,
    attribute_dims,
    bind,
    bounded,
    map_attributes,
    show_shape,
)
from .channel import ChannelShuffle, PadChannels, Permute, Resampling, SliceChannels, Upsample
from .norm import BatchNorm, GroupNorm, LayerNorm
from .regularise import Dropout, LayerScale, StochasticDepth
from .resize import KEEPS, Resize, Resizes
from .vector import Flatten, Linear
from .window import AvgPool, Conv, ConvTranspose, GlobalAvgPool, MaxPool, Pool, same_padding

OPS: tuple[type[Op], ...] = (
    Conv,
    ConvTranspose,
    Linear,
    BatchNorm,
    LayerNorm,
    GroupNorm,
    Relu,
    Relu6,
    LeakyRelu,
    Sigmoid,
    HardSigmoid,
    Tanh,
    Silu,
    HardSwish,
    Gelu,
    Elu,
    Softmax,
    MaxPool,
    AvgPool,
    GlobalAvgPool,
    Flatten,
    Dropout,
    StochasticDepth,
    LayerScale,
    PadChannels,
    SliceChannels,
    ChannelShuffle,
    Permute,
    Upsample,
)
ACTIVATIONS: dict[str, type[Activation]] = {op.word: op for op in OPS if issubclass(op, Activation)}

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "AvgPool",
    "BatchNorm",
    "ChannelShuffle",
    "Conv",
    "ConvTranspose",
    "Dropout",
    "Elu",
    "Flatten",
    "Gelu",
    "GlobalAvgPool",
    "GroupNorm",
    "HardSigmoid",
    "HardSwish",
    "KEEPS",
    "LayerNorm",
    "LayerScale",
    "LeakyRelu",
    "Linear",
    "MaxPool",
    "OPS",
    "Op",
    "PadChannels",
    "Pair",
    "Parameter",
    "Permute",
    "Pool",
    "Quad",
    "Relu",
    "Relu6",
    "Resampling",
    "Resize",
    "Resizes",
    "Same",
    "Shape",
    "ShapeError",
    "Sigmoid",
    "Silu",
    "SliceChannels",
    "Softmax",
    "StochasticDepth",
    "Tanh",
    "Upsample",
    "attribute_dims",
    "bind",
    "bounded",
    "map_attributes",
    "same_padding",
    "show_shape",
]
