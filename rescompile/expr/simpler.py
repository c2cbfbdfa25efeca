"""Operators and functions of expressions, folded and written as shortly as they can be.

Sums and products of whole numbers are rearranged, those of others never: they may round.
"""

from __future__ import annotations

from collections.abc import Iterator

from .terms import (
    BINARY,
    FUNCTIONS,
    MIRRORED,
    NEGATIONS,
    WHOLE,
    Binary,
    Dim,
    Expr,
    ExprError,
    Function,
    IfElse,
    Unary,
    bounded,
    is_whole,
    text,
)

NONZERO = "divide by something else, or guard it: `a // b if b > 0 else a`"
RIGHT_NEUTRAL = {"+": 0, "-": 0, "*": 1, "**": 1}  # what changes nothing behind an operator
LEFT_NEUTRAL = {"+": 0, "*": 1}
OPPOSITE = {"+": "-", "-": "+"}


def if_else(test: Dim, then: Dim, otherwise: Dim) -> Dim:
    """`then if test else otherwise`, folded where it is known."""
    if not isinstance(test, Expr):
        return then if test else otherwise
    if isinstance(test, Unary):  # what is true comes first, as one reads it
        return if_else(test.operand, otherwise, then)
    if isinstance(then, IfElse) and then.test == test:
        then = then.then
    if isinstance(otherwise, IfElse) and otherwise.test == test:
        otherwise = otherwise.otherwise
    if then == otherwise:
        return then
    if isinstance(then, bool):  # and so the other one is a condition
        return logical_or(test, otherwise) if then else logical_and(negation(test), otherwise)
    if isinstance(otherwise, bool):
        return logical_or(negation(test), then) if otherwise else logical_and(test, then)
    if isinstance(otherwise, IfElse) and otherwise.then == then:
        return if_else(logical_or(test, otherwise.test), then, otherwise.otherwise)
    if isinstance(test, Binary) and test.op in ("==", "!="):  # `n if n != 1 else 1` is n
        equal, other = (then, otherwise) if test.op == "==" else (otherwise, then)
        if is_whole(other) and {equal, other} == {test.left, test.right}:
            return other
    return IfElse(test, then, otherwise)


def unary(op: str, operand: Dim) -> Dim:
    """`-` or `not` of an operand, folded where it is known; a comparison is turned round."""
    if op == "not" and isinstance(operand, Binary) and operand.op in NEGATIONS:
        return Binary(NEGATIONS[operand.op], operand.left, operand.right)
    if isinstance(operand, Unary) and op == operand.op:
        return operand.operand
    if isinstance(operand, Expr):
        return Unary(op, operand)
    return -operand if op == "-" else not operand


def function(name: str, args: tuple[Dim, ...]) -> Dim:
    """A call of one of `FUNCTIONS`, folded where its arguments are known."""
    numbers = [a for a in args if not isinstance(a, Expr)]
    if len(numbers) < len(args):
        rounds = name in WHOLE and len(args) == 1
        return args[0] if rounds and is_whole(args[0]) else Function(name, args)
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
        return _comparison(MIRRORED[op], right, left)  # the number behind: as one reads it
    if isinstance(right, bool):  # and so the other one is a condition
        return left if (op == "==") is right else negation(left)
    if left == right:
        return op in ("==", "<=", ">=")
    if not isinstance(left, Binary) or left.op not in OPPOSITE or not is_whole(left.left):
        return Binary(op, left, right)
    if type(left.right) is not int or type(right) is not int:
        return Binary(op, left, right)
    return _comparison(op, left.left, binary(OPPOSITE[left.op], right, left.right))


def _arithmetic(op: str, left: Dim, right: Dim) -> Dim:
    if op in ("/", "//", "%") and not isinstance(right, Expr) and right == 0:
        raise ExprError(f"division by zero: {text(left)} {op} 0", NONZERO)
    if _is(right, RIGHT_NEUTRAL.get(op)):
        return left
    if _is(left, LEFT_NEUTRAL.get(op)):
        return right
    if op == "//" and type(right) is int and is_whole(left):
        return _whole_quotient(left, right)
    if op in ("+", "-"):
        return _sum(op, left, right)
    if op == "*" and type(right) is int:
        return _times(left, right)
    if op == "//" and type(right) is int:
        return _quotient(left, right)
    return Binary(op, left, right)


def _whole_quotient(dim: Dim, number: int) -> Dim:
    """A whole number over another, which may divide one of its factors."""
    if number == 1:
        return dim
    if isinstance(dim, Binary) and dim.op == "*":
        for factor, other in ((dim.right, dim.left), (dim.left, dim.right)):
            if type(factor) is int and factor % number == 0 and is_whole(other):
                return binary("*", other, factor // number)
    return Binary("//", dim, number)


def _times(dim: Dim, number: int) -> Dim:
    """A product with a number, which is a factor already perhaps."""
    if isinstance(dim, Binary) and dim.op == "*" and is_whole(dim.left):
        other = dim.right if type(dim.right) is int else None
        return Binary("*", dim, number) if other is None else binary("*", dim.left, other * number)
    return Binary("*", dim, number)


def _quotient(dim: Dim, number: int) -> Dim:
    """A whole quotient, without what a product has as a factor already: c * 4 // 2 is c * 2."""
    if isinstance(dim, Binary) and dim.op == "*" and is_whole(dim.left):
        factor = dim.right
        if type(factor) is int and factor % number == 0:
            return binary("*", dim.left, factor // number)
    return Binary("//", dim, number)


def _sum(op: str, left: Dim, right: Dim) -> Dim:
    """A sum or a difference; of whole numbers with one constant, and without what cancels."""
    terms = [*_terms(left, "+"), *_terms(right, op)]
    known = [term if sign == "+" else -term for sign, term in terms if type(term) is int]
    named = [(sign, term) for sign, term in terms if type(term) is not int]
    rest = _uncancelled(named)
    if (len(known) < 2 and rest == named) or not all(is_whole(term) for _, term in named):
        return Binary(op, left, right)
    ahead = next((i for i, (sign, _) in enumerate(rest) if sign == "+"), None)
    constant = bounded(sum(known))
    if constant and (ahead is None or type(terms[0][1]) is int):
        made: Dim = constant
    elif ahead is None:
        made = unary("-", rest.pop(0)[1]) if rest else 0
    else:
        made = rest.pop(ahead)[1]
        rest += [("+" if constant > 0 else "-", abs(constant))] if constant else []
    for sign, term in rest:
        made = Binary(sign, made, term)
    return made


def _terms(dim: Dim, sign: str) -> Iterator[tuple[str, Dim]]:
    """The terms of sums and differences, with their signs."""
    if isinstance(dim, Binary) and dim.op in OPPOSITE:
        yield from _terms(dim.left, sign)
        yield from _terms(dim.right, dim.op if sign == "+" else OPPOSITE[dim.op])
    else:
        yield sign, dim


def _uncancelled(terms: list[tuple[str, Dim]]) -> list[tuple[str, Dim]]:
    """Signed terms without those that stand there with either sign."""
    left: list[tuple[str, Dim]] = []
    for sign, term in terms:
        if (opposite := (OPPOSITE[sign], term)) in left:
            left.remove(opposite)
        else:
            left.append((sign, term))
    return left


def _logic(op: str, left: Dim, right: Dim) -> Dim:
    for known, other in ((left, right), (right, left)):
        if not isinstance(known, Expr):
            return other if bool(known) is (op == "and") else bool(known)
        if known == unary("not", other):
            return op == "or"
    return left if left == right else Binary(op, left, right)


def _is(dim: Dim, number: int | None) -> bool:
    return type(dim) is int and dim == number


def logical_or(left: Dim, right: Dim) -> Dim:
    return _logic("or", left, right)


def logical_and(left: Dim, right: Dim) -> Dim:
    return _logic("and", left, right)


def negation(dim: Dim) -> Dim:
    """Where a condition does not hold."""
    return unary("not", dim)
