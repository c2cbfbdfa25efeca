"""Elementwise functions."""

from __future__ import annotations

from typing import ClassVar

from ..record import record
from .base import Op


class Activation(Op):
    """Base of the elementwise functions."""

    __slots__ = ()


class Relu(Activation):
    """max(x, 0)."""

    __slots__ = ()
    word: ClassVar[str] = "relu"


class Relu6(Activation):
    """x within 0 and 6."""

    __slots__ = ()
    word: ClassVar[str] = "relu6"


@record
class LeakyRelu(Activation):
    """x where positive, else slope * x."""

    word: ClassVar[str] = "leaky_relu"
    slope: float = 0.01


class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    __slots__ = ()
    word: ClassVar[str] = "sigmoid"


class HardSigmoid(Activation):
    """relu6(x + 3) / 6."""

    __slots__ = ()
    word: ClassVar[str] = "hard_sigmoid"


class Tanh(Activation):
    """Hyperbolic tangent."""

    __slots__ = ()
    word: ClassVar[str] = "tanh"


class Silu(Activation):
    """x * sigmoid(x), also called swish."""

    __slots__ = ()
    word: ClassVar[str] = "silu"


class HardSwish(Activation):
    """x * relu6(x + 3) / 6."""

    __slots__ = ()
    word: ClassVar[str] = "hard_swish"


class Gelu(Activation):
    """x * Phi(x), exact (by erf)."""

    __slots__ = ()
    word: ClassVar[str] = "gelu"


class Elu(Activation):
    """x where positive, else exp(x) - 1."""

    __slots__ = ()
    word: ClassVar[str] = "elu"


class Softmax(Activation):
    """exp(x) over its sum along the channels."""

    __slots__ = ()
    word: ClassVar[str] = "softmax"
