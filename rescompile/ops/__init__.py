"""The operations, one frozen dataclass each: all that the core knows of an operation.

Attributes with what they may be and mean, shapes, channels, weights and how they start, costs, what
an element sees, and what the emitters and the proofs ask of a family: all but the meaning in
numbers (reference) and the names in a framework (a backend). The set is closed (`OPS`, in the order
of the manual); a test proves that every table covers it. Attributes are numbers, or expressions
over block parameters until `bind` gives them values. Shapes are channels-first and without the
batch: `(C, H, W)` for maps, `(C,)` for vectors. Padding is four numbers: top, bottom, left, right.
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
from .attribute import REQUIRED, Attribute, Kind, attributes
from .base import (
    MAX_EXTENT,
    Op,
    Pair,
    Parameter,
    Quad,
    Role,
    Same,
    Shape,
    ShapeError,
    Weighted,
    attribute_dims,
    bind,
    bounded,
    map_attributes,
    show_shape,
)
from .channel import (
    ChannelShuffle,
    DepthToSpace,
    PadChannels,
    Permute,
    Rearrangement,
    Resampling,
    SliceChannels,
    SpaceToDepth,
    Upsample,
)
from .convolution import Conv, Convolution, ConvTranspose
from .norm import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, Norm
from .pool import AdaptiveAvgPool, AvgPool, GlobalAvgPool, GlobalMaxPool, GlobalPool, MaxPool, Pool
from .regularise import Dropout, LayerScale, StochasticDepth
from .resize import KEEPS, Resize, Resizes
from .vector import Flatten, Linear
from .window import same_padding

OPS: tuple[type[Op], ...] = (
    Conv,
    ConvTranspose,
    Linear,
    BatchNorm,
    LayerNorm,
    GroupNorm,
    InstanceNorm,
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
    AdaptiveAvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    Flatten,
    Dropout,
    StochasticDepth,
    LayerScale,
    PadChannels,
    SliceChannels,
    ChannelShuffle,
    Permute,
    Upsample,
    DepthToSpace,
    SpaceToDepth,
)
ACTIVATIONS: dict[str, type[Activation]] = {op.word: op for op in OPS if issubclass(op, Activation)}
NORMS: dict[str, type[Norm]] = {op.kind: op for op in OPS if issubclass(op, Norm)}

__all__ = [
    "ACTIVATIONS",
    "Activation",
    "AdaptiveAvgPool",
    "Attribute",
    "AvgPool",
    "BatchNorm",
    "ChannelShuffle",
    "Conv",
    "ConvTranspose",
    "Convolution",
    "DepthToSpace",
    "Dropout",
    "Elu",
    "Flatten",
    "Gelu",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GlobalPool",
    "GroupNorm",
    "HardSigmoid",
    "HardSwish",
    "InstanceNorm",
    "KEEPS",
    "Kind",
    "LayerNorm",
    "LayerScale",
    "LeakyRelu",
    "Linear",
    "MAX_EXTENT",
    "MaxPool",
    "NORMS",
    "Norm",
    "OPS",
    "Op",
    "PadChannels",
    "Pair",
    "Parameter",
    "Permute",
    "Pool",
    "Quad",
    "REQUIRED",
    "Rearrangement",
    "Relu",
    "Relu6",
    "Resampling",
    "Resize",
    "Resizes",
    "Role",
    "Same",
    "Shape",
    "ShapeError",
    "Sigmoid",
    "Silu",
    "SliceChannels",
    "Softmax",
    "SpaceToDepth",
    "StochasticDepth",
    "Tanh",
    "Upsample",
    "Weighted",
    "attribute_dims",
    "attributes",
    "bind",
    "bounded",
    "map_attributes",
    "same_padding",
    "show_shape",
]
