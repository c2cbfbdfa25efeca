"""Expressions over block parameters: the part of a spec that stays symbolic down to the code.

A `Dim` is a plain number, or an `Expr` over names such as `channels` and `in_channels`. The
grammar is a small part of Python's: numbers, names with a sigil, + - * / // %, comparisons,
and/or/not, `a if c else b`, and min, max, int, round, ceil, make_divisible. Parsing and evaluation
are bounded in length, depth and size, so that no text can make the compiler hang.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping

from ..record import record

Number = int | float | bool
MAX_TEXT = 300
MAX_NODES = 100
MAX_VALUE = 2**40
MAX_TERMS = 1000  # of what becomes of expressions when names are filled in


NONZERO = "divide by something else, or guard it: `a // b if b > 0 else a`"


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
    """A name: a parameter of the block, or `in_channels`."""

    name: str


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


BINARY: dict[str, Callable[[Number, Number], Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
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
NEUTRAL = {"+": 0, "-": 0, "*": 1}  # what changes nothing behind an operator
PRECEDENCE = {"or": 1, "and": 2, "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6}
COMPARE = 4
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
    if isinstance(value, complex) or value != value or abs(value) > MAX_VALUE:
        help = "no network has numbers of this size: check the factors"
        raise ExprError("a value is out of bounds (its magnitude exceeds 2**40)", help)
    return value


def evaluate(dim: Dim, env: Mapping[str, Number]) -> Number:
    """The value of `dim` where names have the values of `env`. Raises `ExprError`."""
    if not isinstance(dim, Expr):
        return dim
    value = substitute(dim, env)
    if isinstance(value, Expr):
        raise ExprError(f"unknown name '${min(names(value))}'")
    return value


def substitute(dim: Dim, env: Mapping[str, Dim]) -> Dim:
    """`dim` with names replaced by numbers or expressions, and simplified.

    Raises `ExprError` where it has no value or grows out of bounds.
    """
    return small(_substitute(dim, env))


def small(dim: Dim) -> Dim:
    """`dim` itself. Raises `ExprError` where it has too many terms: doubled over and over, say."""
    left, waiting = MAX_TERMS, [dim]
    while waiting:
        here = waiting.pop()
        if not isinstance(here, Expr) or isinstance(here, Var):
            continue
        left -= 1
        if left < 0:
            raise ExprError(f"an expression grows to more than {MAX_TERMS} terms")
        waiting.extend(operands(here))
    return dim


def operands(dim: Expr) -> tuple[Dim, ...]:
    """What an expression is made of directly."""
    if isinstance(dim, Binary):
        return dim.left, dim.right
    if isinstance(dim, Unary):
        return (dim.operand,)
    if isinstance(dim, IfElse):
        return dim.test, dim.then, dim.otherwise
    return dim.args if isinstance(dim, Function) else ()


def _substitute(dim: Dim, env: Mapping[str, Dim]) -> Dim:
    if isinstance(dim, Var):
        return env.get(dim.name, dim)
    if isinstance(dim, Binary):
        left = _substitute(dim.left, env)
        if dim.op in ("and", "or") and not isinstance(left, Expr):
            return _substitute(dim.right, env) if bool(left) is (dim.op == "and") else bool(left)
        return binary(dim.op, left, _substitute(dim.right, env))
    if isinstance(dim, Unary):
        return unary(dim.op, _substitute(dim.operand, env))
    if isinstance(dim, IfElse):
        test = _substitute(dim.test, env)
        if not isinstance(test, Expr):  # the branch that is not taken need not have a value
            return _substitute(dim.then if test else dim.otherwise, env)
        return if_else(test, _substitute(dim.then, env), _substitute(dim.otherwise, env))
    if isinstance(dim, Function):
        return function(dim.name, tuple(_substitute(a, env) for a in dim.args))
    return dim


def replaced(dim: Dim, known: Mapping[Expr, Var]) -> Dim:
    """`dim` with whole terms replaced by names for them."""
    if not isinstance(dim, Expr) or isinstance(dim, Var):
        return dim
    if dim in known:
        return known[dim]
    if isinstance(dim, Binary):
        return Binary(dim.op, replaced(dim.left, known), replaced(dim.right, known))
    if isinstance(dim, Unary):
        return Unary(dim.op, replaced(dim.operand, known))
    if isinstance(dim, IfElse):
        parts = (dim.test, dim.then, dim.otherwise)
        return IfElse(*(replaced(part, known) for part in parts))
    assert isinstance(dim, Function)
    return Function(dim.name, tuple(replaced(part, known) for part in dim.args))


def if_else(test: Dim, then: Dim, otherwise: Dim) -> Dim:
    """`then if test else otherwise`, folded where it is known."""
    if not isinstance(test, Expr):
        return then if test else otherwise
    if isinstance(then, IfElse) and then.test == test:
        then = then.then
    if isinstance(otherwise, IfElse) and otherwise.test == test:
        otherwise = otherwise.otherwise
    if isinstance(then, bool) and isinstance(otherwise, bool) and then != otherwise:
        return test if then else negation(test)
    if isinstance(otherwise, IfElse) and otherwise.then == then:
        return if_else(logical_or(test, otherwise.test), then, otherwise.otherwise)
    return then if then == otherwise else IfElse(test, then, otherwise)


def simplify(dim: Dim) -> Dim:
    """`dim` with constant parts folded."""
    return substitute(dim, {})


def unary(op: str, operand: Dim) -> Dim:
    """`-` or `not` of an operand, folded where it is known; an equation is turned round."""
    if op == "not" and isinstance(operand, Binary) and operand.op in ("==", "!="):
        return Binary("!=" if operand.op == "==" else "==", operand.left, operand.right)
    if isinstance(operand, Expr):
        return Unary(op, operand)
    return -operand if op == "-" else not operand


def function(name: str, args: tuple[Dim, ...]) -> Dim:
    """A call of one of `FUNCTIONS`, folded where its arguments are known."""
    numbers = [a for a in args if not isinstance(a, Expr)]
    if len(numbers) < len(args):
        return Function(name, args)
    try:
        return bounded(FUNCTIONS[name][0](*numbers))
    except (ZeroDivisionError, OverflowError):
        raise ExprError(f"{name}{tuple(numbers)} has no value") from None


def binary(op: str, left: Dim, right: Dim) -> Dim:
    """`left op right`, folded where it is known."""
    if not isinstance(left, Expr) and not isinstance(right, Expr):
        try:
            return bounded(BINARY[op](left, right))
        except ZeroDivisionError:
            raise ExprError(f"division by zero: {left} {op} {right}", NONZERO) from None
    if op in ("and", "or"):
        return _logic(op, left, right)
    if op in MIRRORED:
        return _comparison(op, left, right)
    return _arithmetic(op, left, right)


def _comparison(op: str, left: Dim, right: Dim) -> Dim:
    if not isinstance(left, Expr):
        return Binary(MIRRORED[op], right, left)  # the number behind: as one reads it
    if op in ("==", "!=") and left == right:
        return op == "=="
    return Binary(op, left, right)


def _arithmetic(op: str, left: Dim, right: Dim) -> Dim:
    if op in ("/", "//", "%") and not isinstance(right, Expr) and right == 0:
        raise ExprError(f"division by zero: {text(left)} {op} 0", NONZERO)
    neutral = NEUTRAL.get(op)
    if _is(right, neutral):
        return left
    if _is(left, neutral) and op != "-":
        return right
    if isinstance(left, Binary) and op == left.op == "+" and type(right) is int is type(left.right):
        return binary("+", left.left, left.right + right)
    return Binary(op, left, right)


def _logic(op: str, left: Dim, right: Dim) -> Dim:
    for known, other in ((left, right), (right, left)):
        if not isinstance(known, Expr):
            return other if bool(known) is (op == "and") else bool(known)
        if known == unary("not", other):
            return op == "or"
    return left if left == right else Binary(op, left, right)


def _is(dim: Dim, number: int | None) -> bool:
    return type(dim) is int and dim == number


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


def logical_or(left: Dim, right: Dim) -> Dim:
    return _logic("or", left, right)


def logical_and(left: Dim, right: Dim) -> Dim:
    return _logic("and", left, right)


def negation(dim: Dim) -> Dim:
    """Where a condition does not hold."""
    return unary("not", dim)


def text(dim: Dim, sigil: str = "$") -> str:
    """`dim` in the spec's own syntax; with an empty sigil it is Python source."""
    return _text(dim, sigil, 0)


def _text(dim: Dim, sigil: str, outer: int) -> str:
    if isinstance(dim, Var):
        return sigil + dim.name
    if isinstance(dim, Binary):
        level = PRECEDENCE.get(dim.op, COMPARE)
        left = _text(dim.left, sigil, level if level != COMPARE else level + 1)
        shown = f"{left} {dim.op} {_text(dim.right, sigil, level + 1)}"
        return f"({shown})" if level < outer else shown
    if isinstance(dim, Unary):
        level, gap = (7, "") if dim.op == "-" else (3, " ")
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
    return repr(dim)
