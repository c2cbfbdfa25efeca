"""Expressions over block parameters: the part of a spec that stays symbolic down to the code.

A `Dim` is a plain number, or an `Expr` over names such as `channels` and `in_channels`. The
grammar is a small part of Python's: numbers, names with a sigil, + - * / // % **, comparisons,
and/or/not, `a if c else b`, and min, max, int, round, ceil, make_divisible.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import field

from ..record import record

Number = int | float | bool
MAX_VALUE = 2**40


class ExprError(ValueError):
    """The text is not an expression, or it has no value; says why in a sentence."""

    def __init__(self, message: str, help: str = "", key: str = "") -> None:
        super().__init__(message)
        self.key = key  # the attribute that it is the value of, where one is known
        self.help = help


@record
class Expr:
    """Base of the symbolic part; everything else is a plain number."""


Dim = int | float | bool | Expr


@record
class Var(Expr):
    """A name: a parameter of the block, or `in_channels`.

    One that may be no whole number is a `fraction`: the order of its sums matters.
    """

    name: str
    fraction: bool = field(default=False, compare=False)


@record
class Binary(Expr):
    """Two operands and an operator of `BINARY`."""

    op: str
    left: Dim
    right: Dim


@record
class Unary(Expr):
    """`-` or `not`, and its operand."""

    op: str
    operand: Dim


@record
class IfElse(Expr):
    """`then if test else otherwise`."""

    test: Dim
    then: Dim
    otherwise: Dim


@record
class Function(Expr):
    """A call of one of `FUNCTIONS`."""

    name: str
    args: tuple[Dim, ...]


def make_divisible(value: float, divisor: int) -> int:
    """`value` rounded to the nearest multiple of `divisor`, never down by more than a tenth.

    The rule of the MobileNet family (Sandler et al. 2018, reference implementation).
    """
    rounded = max(divisor, int(value + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * value else rounded


def power(base: Number, exponent: Number) -> Number:
    """`base ** exponent`, exact for whole numbers. Raises `ExprError` where it has no value."""
    large = abs(base) > 1 and exponent * math.log2(abs(base)) > math.log2(MAX_VALUE) + 1
    if large:  # known before anything of that size is computed
        raise too_large()
    value: Number | complex = base**exponent
    if isinstance(value, complex):
        message = f"{base} ** {exponent} has no value: a root of a negative number"
        raise ExprError(message, "take a power of something that is not negative")
    return value


def too_large() -> ExprError:
    """What is wrong with a value out of bounds."""
    help = "no network has numbers of this size: check the factors"
    return ExprError("a value is out of bounds (its magnitude exceeds 2**40)", help)


BINARY: dict[str, Callable[[Number, Number], Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": power,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
}
MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
NEGATIONS = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
PRECEDENCE = {"or": 1, "and": 2, "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6, "**": 8}
COMPARE, PREFIX = 4, 7
FUNCTIONS: dict[str, tuple[Callable[..., Number], range]] = {
    "min": (min, range(2, 9)),
    "max": (max, range(2, 9)),
    "int": (int, range(1, 2)),
    "round": (round, range(1, 2)),
    "ceil": (math.ceil, range(1, 2)),
    "make_divisible": (make_divisible, range(2, 3)),
}
IN_MATH = ("ceil",)  # those that Python has in a module


def bounded(value: Number) -> Number:
    """`value` itself. Raises `ExprError` where it is out of bounds."""
    if value != value or abs(value) > MAX_VALUE:
        raise too_large()
    return value


def operands(dim: Expr) -> tuple[Dim, ...]:
    """What an expression is made of directly."""
    if isinstance(dim, Binary):
        return dim.left, dim.right
    if isinstance(dim, Unary):
        return (dim.operand,)
    if isinstance(dim, IfElse):
        return dim.test, dim.then, dim.otherwise
    return dim.args if isinstance(dim, Function) else ()


WHOLE = ("int", "round", "ceil", "make_divisible")  # functions whose values are whole numbers


def is_whole(dim: Dim) -> bool:
    """Whether a value is sure to be a whole number, so that its sums may be rearranged."""
    if isinstance(dim, Var):
        return not dim.fraction
    if isinstance(dim, Unary):
        return dim.op == "-" and is_whole(dim.operand)
    if isinstance(dim, IfElse):
        return is_whole(dim.then) and is_whole(dim.otherwise)
    if isinstance(dim, Function):
        return dim.name in WHOLE or all(map(is_whole, dim.args))
    if isinstance(dim, Binary):
        return dim.op in ("+", "-", "*", "//", "%") and is_whole(dim.left) and is_whole(dim.right)
    return isinstance(dim, int)


def names(dim: Dim) -> set[str]:
    """The names that occur in `dim`."""
    found: set[str] = set()
    _collect(dim, found)
    return found


def _collect(dim: Dim, found: set[str]) -> None:
    if isinstance(dim, Var):
        found.add(dim.name)
    elif isinstance(dim, Expr):
        for part in operands(dim):
            _collect(part, found)


def text(dim: Dim, sigil: str = "$") -> str:
    """`dim` in the spec's own syntax; with an empty sigil it is Python source."""
    return _text(dim, sigil, 0)


def _text(dim: Dim, sigil: str, outer: int) -> str:
    if isinstance(dim, Var):
        return sigil + dim.name
    if isinstance(dim, Binary):
        return _binary(dim, sigil, outer)
    if isinstance(dim, Unary):
        level, gap = (PREFIX, "") if dim.op == "-" else (3, " ")
        shown = f"{dim.op}{gap}{_text(dim.operand, sigil, level)}"
        return f"({shown})" if level < outer else shown
    if isinstance(dim, IfElse):
        parts = [_text(p, sigil, 1) for p in (dim.then, dim.test)]
        shown = f"{parts[0]} if {parts[1]} else {_text(dim.otherwise, sigil, 0)}"
        return f"({shown})" if outer > 0 else shown
    if isinstance(dim, Function):
        module = "" if sigil or dim.name not in IN_MATH else "math."
        return f"{module}{dim.name}({', '.join(_text(a, sigil, 0) for a in dim.args)})"
    if isinstance(dim, bool) and sigil:
        return str(dim).lower()
    shown = repr(dim)
    return f"({shown})" if shown.startswith("-") and outer > PREFIX else shown


def _binary(dim: Binary, sigil: str, outer: int) -> str:
    turns = not sigil and dim.op in MIRRORED and _is_capital(dim.left) and names(dim.right)
    if turns and not _is_capital(dim.right):  # as linters want what looks like a constant
        dim = Binary(MIRRORED[dim.op], dim.right, dim.left)
    level = PRECEDENCE.get(dim.op, COMPARE)
    left, right = (level + 1 if level == COMPARE else level), level + 1
    gap = " "
    if dim.op == "**":  # it takes what is right of it first
        left, right = level + 1, PREFIX
        gap = "" if not sigil and _is_short(dim.left) and _is_short(dim.right) else " "
    shown = f"{gap}{dim.op}{gap}".join(
        (_text(dim.left, sigil, left), _text(dim.right, sigil, right))
    )
    return f"({shown})" if level < outer else shown


def _is_capital(dim: Dim) -> bool:
    return isinstance(dim, Var) and dim.name.isupper()


def _is_short(dim: Dim) -> bool:
    """Whether an operand of a power stands next to its sign, as formatters of Python have it."""
    return (
        isinstance(dim, Var)
        or not isinstance(dim, Expr)
        or (isinstance(dim, Unary) and dim.op == "-" and _is_short(dim.operand))
    )
