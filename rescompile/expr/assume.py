"""Expressions where a condition is known: under `when: $narrow`, `8 if $narrow else 16` is 8.

A condition counts by its truth alone, so what is known is used where only truth matters: in the
tests of `a if c else b`, and in conditions themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from .simpler import binary, function, if_else, negation, unary
from .terms import BINARY, NEGATIONS, Binary, Dim, Expr, Function, IfElse, Unary, names

Known = Mapping[Expr, bool]  # conditions, and whether they hold


def knowing(condition: Dim, holds: bool = True) -> Known:
    """What is known where a condition holds, or where it does not."""
    if not isinstance(condition, Expr):
        return {}
    known: dict[Expr, bool] = {condition: holds}
    if isinstance(condition, Unary) and condition.op == "not":
        known |= knowing(condition.operand, not holds)
    if isinstance(condition, Binary):
        if condition.op in NEGATIONS:
            known[negation(condition)] = not holds  # type: ignore[index]
        elif condition.op == ("and" if holds else "or"):
            known |= knowing(condition.left, holds)
            known |= knowing(condition.right, holds)
    return known


def without(known: Known, name: str) -> Known:
    """What is known still where a name means something else."""
    return {condition: holds for condition, holds in known.items() if name not in names(condition)}


def assuming(dim: Dim, known: Known) -> Dim:
    """The value of `dim`, written as simply as what is known allows."""
    if isinstance(dim, IfElse):
        test = truth(dim.test, known)
        then = assuming(dim.then, {**known, **knowing(test)})
        return if_else(test, then, assuming(dim.otherwise, {**known, **knowing(test, False)}))
    if isinstance(dim, Binary) and dim.op in ("and", "or"):
        return truth(dim, known)
    if isinstance(dim, Binary):
        return binary(dim.op, assuming(dim.left, known), assuming(dim.right, known))
    if isinstance(dim, Unary):
        return unary(dim.op, assuming(dim.operand, known))
    if isinstance(dim, Function):
        return function(dim.name, tuple(assuming(arg, known) for arg in dim.args))
    return dim


def truth(condition: Dim, known: Known) -> Dim:
    """A condition with the same truth as `condition`, written as simply."""
    if not isinstance(condition, Expr):
        return bool(condition)
    if condition in known:
        return known[condition]
    if isinstance(condition, Unary) and condition.op == "not":
        return unary("not", truth(condition.operand, known))
    if isinstance(condition, Binary) and condition.op in ("and", "or"):
        return _both(condition.op, condition.left, condition.right, known)
    if isinstance(condition, Binary) and condition.op in NEGATIONS:
        found = {_implied(fact, condition) for fact, holds in known.items() if holds} - {None}
        if found:
            return bool(found.pop())
    return assuming(condition, known)


def _both(op: str, left: Dim, right: Dim, known: Known) -> Dim:
    """`and` or `or`; each side is asked only where the other one does not decide."""
    left = truth(left, known)
    right = truth(right, {**known, **knowing(left, op == "and")})
    left = truth(left, {**known, **knowing(right, op == "and")})
    return binary(op, left, right)


def _implied(fact: Dim, asked: Binary) -> bool | None:
    """Whether a comparison holds wherever another one does, if that tells.

    Between and beside the two numbers neither comparison changes, so a point each is enough.
    """
    if isinstance(fact, Binary) and fact.op == "or":
        either = {_implied(fact.left, asked), _implied(fact.right, asked)}
        return either.pop() if len(either) == 1 else None
    if not isinstance(fact, Binary) or fact.op not in NEGATIONS or fact.left != asked.left:
        return None
    if isinstance(fact.right, Expr) or isinstance(asked.right, Expr):
        return None
    low, high = sorted((fact.right, asked.right))
    points = (low - 1, low, (low + high) / 2, high, high + 1)
    inside = [point for point in points if BINARY[fact.op](point, fact.right)]
    found = {bool(BINARY[asked.op](point, asked.right)) for point in inside}
    return found.pop() if len(found) == 1 else None
