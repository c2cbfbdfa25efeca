"""Elementwise functions."""

from __future__ import annotations

from .attribute import Kind, attribute, operation
from .base import Op, Parameter, Shape, ShapeError


class Activation(Op):
    """Base of the elementwise functions; most keep zero and more at zero or above."""

    __slots__ = ()
    keeps_sign = orderless = positional = stateless = light = True


class Relu(Activation):
    """max(x, 0)."""

    __slots__ = ()
    word = "relu"
    nonnegative = in_place = True


class Relu6(Activation):
    """x within 0 and 6."""

    __slots__ = ()
    word = "relu6"
    nonnegative = in_place = True


@operation
class LeakyRelu(Activation):
    """x where positive, else slope * x."""

    word = "leaky_relu"
    in_place = True
    slope: float = attribute(
        Kind.SLOPE, "Of `leaky_relu`: the factor of negative values.", default=0.01
    )


@operation
class Prelu(Activation):
    """x where positive, else a learned factor times x, one for each channel (He et al. 2015)."""

    word = "prelu"
    # Each channel has a factor of its own.
    orderless = positional = stateless = False
    shared: bool = attribute(
        Kind.BOOL, "Of `prelu`: whether all channels have one factor.", default=False
    )
    init: float = attribute(Kind.FLOAT, "Of `prelu`: the factors at first.", default=0.25)

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        return (Parameter("weight", (1 if self.shared else x[0],), start=self.init),)


class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    __slots__ = ()
    word = "sigmoid"
    nonnegative = True


class HardSigmoid(Activation):
    """relu6(x + 3) / 6."""

    __slots__ = ()
    word = "hard_sigmoid"
    nonnegative = True


class Tanh(Activation):
    """Hyperbolic tangent."""

    __slots__ = ()
    word = "tanh"


class Silu(Activation):
    """x * sigmoid(x), also called swish."""

    __slots__ = ()
    word = "silu"
    in_place = True


class HardSwish(Activation):
    """x * relu6(x + 3) / 6."""

    __slots__ = ()
    word = "hard_swish"
    in_place = True


class Gelu(Activation):
    """x * Phi(x), exact (by erf)."""

    __slots__ = ()
    word = "gelu"


class Elu(Activation):
    """x where positive, else exp(x) - 1."""

    __slots__ = ()
    word = "elu"


@operation
class Celu(Activation):
    """x where positive, else alpha * (exp(x / alpha) - 1) (Barron 2017)."""

    word = "celu"
    in_place = True
    alpha: float = attribute(
        Kind.ALPHA, "Of `celu`: minus the least value that it takes.", default=1.0
    )


class Selu(Activation):
    """1.0507... * x where positive, else 1.7580... * (exp(x) - 1) (Klambauer et al. 2017)."""

    __slots__ = ()
    word = "selu"
    in_place = True


class Softplus(Activation):
    """log(1 + exp(x))."""

    __slots__ = ()
    word = "softplus"
    nonnegative = True


class Softsign(Activation):
    """x / (1 + |x|)."""

    __slots__ = ()
    word = "softsign"


class Mish(Activation):
    """x * tanh(softplus(x))."""

    __slots__ = ()
    word = "mish"
    in_place = True


class LogSigmoid(Activation):
    """log(1 / (1 + exp(-x)))."""

    __slots__ = ()
    word = "log_sigmoid"
    keeps_sign = False


class HardTanh(Activation):
    """x within -1 and 1."""

    __slots__ = ()
    word = "hard_tanh"
    in_place = True


@operation
class Thresholded(Activation):
    """Base of what depends on where x lies beside a number."""

    threshold: float = attribute(
        Kind.FLOAT,
        "Of `hard_shrink`, `soft_shrink` and `threshold`: the number that x is compared with.",
        default=0.5,
    )


class Shrink(Thresholded):
    """Base of what is zero around zero."""

    __slots__ = ()

    def output(self, x: Shape) -> Shape:
        if self.threshold < 0:
            message = f"{self.word}: threshold is {self.threshold}; it must be at least 0"
            raise ShapeError(
                message, help="what is this near to zero becomes zero", key="threshold"
            )
        return x


class HardShrink(Shrink):
    """x where |x| is above the threshold, else 0."""

    __slots__ = ()
    word = "hard_shrink"


class SoftShrink(Shrink):
    """x nearer to zero by the threshold, and 0 where it would pass it."""

    __slots__ = ()
    word = "soft_shrink"


class TanhShrink(Activation):
    """x - tanh(x)."""

    __slots__ = ()
    word = "tanh_shrink"


@operation
class Threshold(Thresholded):
    """x where it is above the threshold, else `value`."""

    word = "threshold"
    keeps_sign = False
    value: float = attribute(
        Kind.FLOAT, "Of `threshold`: what stands for all that is not above.", default=0.0
    )


class LogSoftmax(Activation):
    """log(softmax(x)) along the channels."""

    __slots__ = ()
    word = "log_softmax"
    keeps_sign = positional = False


class Softmax(Activation):
    """exp(x) over its sum along the channels."""

    __slots__ = ()
    word = "softmax"
    nonnegative = True
    positional = False  # the channels are not where they are in the code around it
