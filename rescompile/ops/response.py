"""Normalisations by the strength of what channels say, at a position or over the whole map."""

from __future__ import annotations

from ..expr.dims import Dim
from .attribute import Kind, attribute, operation
from .base import Op, Parameter, Shape, ShapeError, as_map


@operation
class LocalResponseNorm(Op):
    """x / (k + alpha * mean) ** beta, of the mean of x * x over `size` neighbouring channels.

    Channel c is in the middle of them: they are c - size // 2 to c + (size - 1) // 2, and zeros
    beyond the first and the last. So have it PyTorch, and Caffe and ONNX where the size is odd.
    Where a sum stands instead of the mean, as in the paper of AlexNet and in TensorFlow, alpha is
    here `size` times as large.
    """

    word, axes = "local_response_norm", (2,)
    keeps_sign = stateless = True
    size: Dim = attribute(Kind.POSITIVE, "How many channels are neighbours.")
    alpha: float = attribute(Kind.FLOAT, "The factor of the mean, from 0.", default=1e-4)
    beta: float = attribute(Kind.FLOAT, "The exponent.", default=0.75)
    k: float = attribute(Kind.FLOAT, "What is added, above 0.", default=1.0)

    def output(self, x: Shape) -> Shape:
        if not self.k > 0:
            message = f"local_response_norm: k is {self.k}; it must be above 0"
            raise ShapeError(message, help="or zero is divided by zero where x is zero", key="k")
        if self.alpha < 0:
            message = f"local_response_norm: alpha is {self.alpha}; it must be at least 0"
            raise ShapeError(message, help="or a negative number has a root", key="alpha")
        return as_map(x, self.word)


@operation
class GlobalResponseNorm(Op):
    """x + weight * x * n + bias, where n is a channel's norm over the mean of all channels' norms.

    The norms are over all positions; weight and bias are of each channel, and zero at first (Woo et
    al. 2023, ConvNeXt V2). It may stand under `positions`.
    """

    word, axes = "global_response_norm", (2,)
    positional = fresh = True
    epsilon: float = attribute(Kind.EPSILON, "Added to the mean of the norms.", default=1e-6)
    positions: bool = False  # whether the channels are last

    def output(self, x: Shape) -> Shape:
        return as_map(x, self.word)

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        return Parameter("weight", (x[0],)), Parameter("bias", (x[0],))

    def sees(self, x: Shape) -> None:
        return None


@operation
class L2Norm(Op):
    """x over its Euclidean norm along the channels, at each position by itself; the shape stays.

    `epsilon` divides where the norm is less, so that zeros stay zeros. A `layer_scale` after it has
    the factors that are learned for channels (Liu et al. 2015, ParseNet).
    """

    word = "l2_norm"
    keeps_sign = stateless = True
    epsilon: float = attribute(Kind.EPSILON, "The least that divides.", default=1e-12)
