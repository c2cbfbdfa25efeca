"""What is known of signs: zeros around a max-pool never win where its input is never negative."""

from __future__ import annotations

from .activation import Activation, HardSigmoid, Relu, Relu6, Sigmoid, Softmax
from .channel import ChannelShuffle, PadChannels, Permute, SliceChannels, Upsample
from .regularise import Dropout, StochasticDepth
from .vector import Flatten
from .window import GlobalAvgPool, Pool

# Outputs that are never negative, whatever comes in.
NONNEGATIVE = (Relu, Relu6, Sigmoid, HardSigmoid, Softmax)
# Outputs that are not negative if the input is not.
KEEPS_SIGN = (
    Activation,
    Pool,
    GlobalAvgPool,
    Flatten,
    Dropout,
    StochasticDepth,
    PadChannels,
    SliceChannels,
    ChannelShuffle,
    Permute,
    Upsample,
)
