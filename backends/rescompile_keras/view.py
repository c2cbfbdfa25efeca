"""What rules of operations need of the emitter, and names that emitted files need themselves."""

from __future__ import annotations

from functools import partial

from rescompile.emit.functions.define import BLOCK
from rescompile.emit.functions.function import Function
from rescompile.emit.functions.function import function as any_function
from rescompile.emit.label import Label
from rescompile.emit.lines import Line
from rescompile.emit.scope import Argument, Scope

__all__ = ["BLOCK", "Argument", "Function", "Label", "Line", "Scope", "function", "number"]

TENSOR = "KerasTensor"
# What emitted functions rely on: neither a network, nor a value of a block can be called so.
RESERVED = frozenset(
    (
        *("keras", "layers", "KerasTensor", "math", "sys"),
        *("bool", "float", "int", "max", "min", "range", "round", "str", "tuple", "ValueError"),
    )
)
function = partial(any_function, tensor=TENSOR)


def number(value: float) -> str:
    """A float as it is written by hand: 1e-5, not 1e-05."""
    mantissa, e, exponent = repr(float(value)).partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa
