"""Expressions with values for their names: what every other room imports.

Evaluation is bounded in size, so that no text can make the compiler hang.
"""

from __future__ import annotations

from collections.abc import Mapping

from .simpler import binary, function, if_else, logical_and, logical_or, negation, unary
from .terms import (
    BINARY,
    FUNCTIONS,
    PRECEDENCE,
    Binary,
    Dim,
    Expr,
    ExprError,
    Function,
    IfElse,
    Number,
    Unary,
    Var,
    bounded,
    is_whole,
    make_divisible,
    names,
    operands,
    text,
)

__all__ = [
    "BINARY",
    "FUNCTIONS",
    "PRECEDENCE",
    "Binary",
    "Dim",
    "Expr",
    "ExprError",
    "Function",
    "IfElse",
    "Number",
    "Unary",
    "Var",
    "binary",
    "bounded",
    "evaluate",
    "function",
    "if_else",
    "is_whole",
    "logical_and",
    "logical_or",
    "make_divisible",
    "names",
    "negation",
    "operands",
    "replaced",
    "simplify",
    "small",
    "substitute",
    "text",
    "unary",
]
MAX_TERMS = 1000  # of what becomes of expressions when names are filled in


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


def replaced(dim: Dim, known: Mapping[Expr, Dim]) -> Dim:
    """`dim` as it is written, with whole terms replaced by names for them."""
    if not isinstance(dim, Expr) or dim in known:
        return known[dim] if isinstance(dim, Expr) else dim
    if isinstance(dim, Var):
        return dim
    if isinstance(dim, Binary):
        return Binary(dim.op, replaced(dim.left, known), replaced(dim.right, known))
    if isinstance(dim, Unary):
        return Unary(dim.op, replaced(dim.operand, known))
    if isinstance(dim, IfElse):
        parts = (dim.test, dim.then, dim.otherwise)
        return IfElse(*(replaced(part, known) for part in parts))
    assert isinstance(dim, Function)
    return Function(dim.name, tuple(replaced(part, known) for part in dim.args))


def simplify(dim: Dim) -> Dim:
    """`dim` with constant parts folded."""
    return substitute(dim, {})
