"""Sums and products of expressions over whole numbers: channels, and counts of members."""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd

from .assume import assuming, knowing
from .dims import Binary, Dim, Expr, IfElse, Number, binary, if_else


def total(dims: Iterable[Dim], less: Dim = 0) -> Dim:
    """The sum of whole numbers, less another: equal terms together, numbers at the end."""
    counts: dict[Dim, int] = {}
    constant = _gather(less, -1, counts)
    for dim in dims:
        constant += _gather(dim, 1, counts)
    made: Dim = 0
    for term, count in sorted(counts.items(), key=lambda pair: pair[1] < 0):
        if count:
            several = binary("*", abs(count), term)
            made = binary("+" if count > 0 else "-", made, several)
    return binary("+", made, constant) if constant >= 0 else binary("-", made, -constant)


def gathered(dim: Dim) -> Dim:
    """A sum with its equal terms together, if fewer are left: w + g for c + (w - c) + g."""
    made = total((dim,))
    return made if _terms(made) < _terms(dim) else dim


def _terms(dim: Dim) -> int:
    if isinstance(dim, Binary) and dim.op in ("+", "-"):
        return _terms(dim.left) + _terms(dim.right)
    return 1 if isinstance(dim, Expr) or dim else 0


def not_zero(dim: Dim) -> Dim:
    """`dim != 0` as one writes it: `padding != 1` for 2 * padding - 2."""
    counts: dict[Dim, int] = {}
    constant = _gather(dim, 1, counts)
    counts = {term: count for term, count in counts.items() if count}
    if not counts or not isinstance(constant, int):
        return binary("!=", dim, 0)
    common = gcd(*counts.values(), constant)
    if all(count < 0 for count in counts.values()):
        common = -common
    ahead = [binary("*", n // common, term) for term, n in counts.items() if n // common > 0]
    behind = [binary("*", -n // common, term) for term, n in counts.items() if n // common < 0]
    return binary("!=", total(ahead), total(behind, constant // common))


def _gather(dim: Dim, sign: int, counts: dict[Dim, int]) -> Number:
    """Count the terms of a sum in `counts`; returns what is a number."""
    if not isinstance(dim, Expr):
        return sign * dim
    if isinstance(dim, Binary) and dim.op in ("+", "-"):
        right = sign if dim.op == "+" else -sign
        return _gather(dim.left, sign, counts) + _gather(dim.right, right, counts)
    if isinstance(dim, Binary) and dim.op == "*":
        for factor, term in ((dim.left, dim.right), (dim.right, dim.left)):
            if type(factor) is int and isinstance(term, Expr):
                return _gather(term, sign * factor, counts)
    counts[dim] = counts.get(dim, 0) + sign
    return 0


def product(dims: Iterable[Dim]) -> Dim:
    """The product, without factors of one."""
    made: Dim = 1
    for dim in dims:
        made = _times(made, dim)
    return made


def _times(left: Dim, right: Dim) -> Dim:
    """`left * right`; where one is there only without the other, a choice between them."""
    if not isinstance(left, IfElse) or assuming(right, knowing(left.test)) != 1:
        return binary("*", left, right)
    rest = _times(left.otherwise, assuming(right, knowing(left.test, False)))
    return if_else(left.test, left.then, rest)
