"""Keras' layers with their arguments, written as source and read back by one table.

A layer takes the arguments that emitted files give it, in Keras' order, with a default only where a
file may leave one out: a number that matters is always written. `name` goes without saying.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from functools import partial
from inspect import Parameter, Signature
from typing import Any

from rescompile.emit.functions.function import function as any_function
from rescompile.emit.layout import Arg, Call, Code, Keyword
from rescompile.emit.scope import Scope
from rescompile.expr.dims import Expr
from rescompile.ir.structure import JoinKind

TENSOR = "KerasTensor"
# What emitted functions rely on: neither a network, nor a value of a block can be called so.
RESERVED = frozenset(
    (
        *("keras", "layers", "KerasTensor", "math", "sys"),
        *("bool", "float", "int", "max", "min", "range", "round", "str", "tuple", "ValueError"),
    )
)
function = partial(any_function, tensor=TENSOR)

CONV, DEPTHWISE, TRANSPOSED = "Conv2D", "DepthwiseConv2D", "Conv2DTranspose"
MAX, MEAN = "MaxPooling2D", "AveragePooling2D"
NORM, UNBIASED = "BatchNormalization", "UnbiasedBatchNormalization"
JOINS = {JoinKind.ADD: "Add", JoinKind.MULTIPLY: "Multiply", JoinKind.CONCAT: "Concatenate"}
OWN = ("LayerScale", UNBIASED)  # layers that a file defines itself


def _takes(positional: str = "", keyword: str = "", **defaults: Any) -> Signature:
    both = (Parameter.POSITIONAL_OR_KEYWORD, positional), (Parameter.KEYWORD_ONLY, keyword)
    return Signature(
        [
            Parameter(name, kind, default=defaults.get(name, Parameter.empty))
            for kind, names in both
            for name in names.split()
        ]
    )


_CONV: dict[str, Any] = {"strides": 1, "padding": "valid", "dilation_rate": 1, "use_bias": True}
LAYERS: dict[str, Signature] = {
    CONV: _takes(
        "filters kernel_size strides padding",
        "dilation_rate groups use_bias kernel_initializer",
        **_CONV,
        groups=1,
    ),
    DEPTHWISE: _takes(
        "kernel_size strides padding",
        "dilation_rate depth_multiplier use_bias depthwise_initializer",
        **_CONV,
        depth_multiplier=1,
    ),
    TRANSPOSED: _takes("filters kernel_size strides", "use_bias kernel_initializer", **_CONV),
    "Dense": _takes("units", "use_bias kernel_initializer", use_bias=True),
    NORM: _takes("", "momentum epsilon"),
    UNBIASED: _takes("", "momentum epsilon"),
    "LayerNormalization": _takes("", "epsilon"),
    "GroupNormalization": _takes("groups", "epsilon"),
    "LayerScale": _takes("init"),
    "ReLU": _takes("max_value", max_value=None),
    "LeakyReLU": _takes("", "negative_slope"),
    "ELU": _takes(),
    "Softmax": _takes(),
    "Activation": _takes("activation"),
    "Dropout": _takes("rate", "noise_shape", noise_shape=None),
    MAX: _takes("pool_size strides", "padding", strides=None, padding="valid"),
    MEAN: _takes("pool_size strides", "padding", strides=None, padding="valid"),
    "GlobalAveragePooling2D": _takes("", "keepdims", keepdims=False),
    "ZeroPadding2D": _takes("padding"),
    "Cropping2D": _takes("cropping"),
    "UpSampling2D": _takes("size", "interpolation", interpolation="nearest"),
    "Permute": _takes("dims"),
    "Flatten": _takes(),
    **{name: _takes() for name in JOINS.values()},
}


def written(layer: str, given: Mapping[str, Code], name: Keyword) -> Call:
    """A layer, constructed: defaults are left out, and what follows them is given by keyword."""
    made: list[Arg] = []
    positional = True
    for parameter in LAYERS[layer].parameters.values():
        default = literal(parameter.default)
        value = given.get(parameter.name, default)
        positional &= parameter.kind is not Parameter.KEYWORD_ONLY and value != default
        if value != default:
            made.append(value if positional else Keyword(parameter.name, value))
    return Call(layer if layer in OWN else f"layers.{layer}", (*made, name))


def literal(value: object) -> str:
    """A word, a number or a shape as source text."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def source(value: Any, scope: Scope) -> Code:
    """An attribute as source text; a word of Keras is text already."""
    if isinstance(value, tuple):
        return scope.pair(value) if len(value) == 2 else scope.sides(value)
    if isinstance(value, Enum):
        return literal(value.value)
    if isinstance(value, (str, bool)):
        return str(value)
    return number(value) if isinstance(value, float) else scope.dim(value)


def is_symbolic(value: Any) -> bool:
    """Whether an attribute is an expression over the parameters of a block."""
    return any(isinstance(dim, Expr) for dim in (value if isinstance(value, tuple) else (value,)))


def number(value: float) -> str:
    """A float as it is written by hand: 1e-5, not 1e-05."""
    mantissa, e, exponent = repr(float(value)).partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def complement(momentum: float) -> float:
    """1 - momentum without rounding dust: Keras' is the weight of the old statistics."""
    return float(1 - Decimal(repr(momentum)))
