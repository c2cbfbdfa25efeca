"""What an expression is: a number, or true or false. Neither stands for the other.

Python counts with booleans; here that would make a network of `True` channels.
"""

from __future__ import annotations

from collections.abc import Mapping

from .dims import PRECEDENCE, Binary, Dim, ExprError, Function, IfElse, Unary, Var, text

Kind = type[int] | type[float] | type[bool]
LOGIC = ("and", "or")
WORDS = {True: "true or false", False: "a number"}


def is_condition(dim: Dim, kinds: Mapping[str, Kind]) -> bool | None:
    """Whether `dim` is true or false rather than a number, where names are of these kinds.

    None where that hangs on a name without one. Raises `ExprError` where a part of it is of the
    wrong kind.
    """
    if isinstance(dim, Var):
        return None if dim.name not in kinds else kinds[dim.name] is bool
    if isinstance(dim, Unary):
        _want(dim.operand, dim.op == "not", f"`{dim.op}` takes", kinds)
        return dim.op == "not"
    if isinstance(dim, Binary):
        return _binary(dim, kinds)
    if isinstance(dim, IfElse):
        _want(dim.test, True, "after `if` stands what is", kinds)
        return _alike(dim.then, dim.otherwise, "if", kinds)
    if isinstance(dim, Function):
        for argument in dim.args:
            _want(argument, False, f"`{dim.name}` takes", kinds)
        return False
    return isinstance(dim, bool)


def _binary(dim: Binary, kinds: Mapping[str, Kind]) -> bool:
    if dim.op in ("==", "!="):
        _alike(dim.left, dim.right, dim.op, kinds)
        return True
    for side in (dim.left, dim.right):
        _want(side, dim.op in LOGIC, f"`{dim.op}` takes", kinds)
    return dim.op in LOGIC or dim.op not in PRECEDENCE


def _alike(left: Dim, right: Dim, op: str, kinds: Mapping[str, Kind]) -> bool | None:
    first, second = is_condition(left, kinds), is_condition(right, kinds)
    if None not in (first, second) and first is not second:
        message = (
            f"`{text(left)}` is {WORDS[bool(first)]}, and `{text(right)}` {WORDS[bool(second)]}"
        )
        raise ExprError(message, f"`{op}` takes two of one kind: compare with a number, say")
    return second if first is None else first


def _want(dim: Dim, condition: bool, who: str, kinds: Mapping[str, Kind]) -> None:
    found = is_condition(dim, kinds)
    if found is not None and found is not condition:
        message = f"{who} {WORDS[condition]}, but `{text(dim)}` is {WORDS[found]}"
        raise ExprError(message, way_out(dim, condition))


def way_out(dim: Dim, condition: bool) -> str:
    """What to write instead, where something true or false is wanted, or a number."""
    if not condition:
        return f"choose between two numbers: `64 if {text(dim)} else 32`, say"
    return f"compare it: `{text(dim)} != 1`, say"
