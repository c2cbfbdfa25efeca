"""Expressions over block parameters: the part of a spec that stays symbolic down to the code.

A `Dim` is a plain number, or an `Expr` over names such as `channels` and `in_channels`. The
grammar is a small part of Python's: numbers, names with a sigil, + - * / // %, comparisons,
and/or/not, `a if c else b`, and min, max, int, round, make_divisible. Parsing and evaluation are
bounded in length, depth and size, so that no text can make the compiler hang.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

Number = int | float | bool
MAX_TEXT = 300
MAX_NODES = 100
MAX_VALUE = 2**40


class ExprError(ValueError):
    """The text is not an expression, or it has no value; says why in a sentence."""

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.help = help


@dataclass(frozen=True, slots=True)
class Expr:
    """Base of the symbolic part; everything else is a plain number."""


Dim = int | float | bool | Expr


@dataclass(frozen=True, slots=True)
class Var(Expr):
    """A name: a parameter of the block, or `in_channels`."""

    name: str


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    """Two operands and an operator of `BINARY`."""

    op: str
    left: Dim
    right: Dim


@dataclass(frozen=True, slots=True)
class Unary(Expr):
    """`-` or `not`, and its operand."""

    op: str
    operand: Dim


@dataclass(frozen=True, slots=True)
class IfElse(Expr):
    """`then if test else otherwise`."""

    test: Dim
    then: Dim
    otherwise: Dim


@dataclass(frozen=True, slots=True)
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
PRECEDENCE = {"or": 1, "and": 2, "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6}
COMPARE = 4
FUNCTIONS: dict[str, tuple[Callable[..., Number], range]] = {
    "min": (min, range(2, 9)),
    "max": (max, range(2, 9)),
    "int": (int, range(1, 2)),
    "round": (round, range(1, 2)),
    "make_divisible": (make_divisible, range(2, 3)),
}

_AST_OPS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.And: "and",
    ast.Or: "or",
}
_SIGIL = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_PREFIX = "v__"
_GLUED = re.compile(r"[A-Za-z0-9_)$]\$")
GRAMMAR = "there are + - * / // %, comparisons, and/or/not, `a if c else b`, " + ", ".join(
    FUNCTIONS
)


def is_expression(value: object) -> bool:
    """Whether a YAML scalar is meant as an expression: it holds the sigil."""
    return isinstance(value, str) and "$" in value


def parse(text: str) -> Dim:
    """The expression that `text` spells; names carry the sigil `$`. Raises `ExprError`."""
    if len(text) > MAX_TEXT:
        raise ExprError(f"an expression has at most {MAX_TEXT} characters")
    if not text.isascii():
        raise ExprError("an expression is written in ASCII")
    if _PREFIX in text:
        raise ExprError(f"names cannot hold '{_PREFIX}'")
    if _GLUED.search(text):
        raise ExprError(f"'{text}' is not an expression", "an operator is missing before a `$`")
    python = _SIGIL.sub(lambda found: _PREFIX + found.group(1), text)
    try:
        tree = ast.parse(python.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExprError(f"'{text}' is not an expression", GRAMMAR) from None
    if sum(1 for _ in ast.walk(tree)) > 4 * MAX_NODES:
        raise ExprError(f"an expression has at most {MAX_NODES} terms")
    return simplify(_convert(tree.body))


def _convert(node: ast.expr) -> Dim:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        raise ExprError(f"write `{str(node.value).lower()}` for `{node.value}`")
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return _bounded(node.value)
    if isinstance(node, ast.Name):
        return _convert_name(node.id)
    if isinstance(node, ast.BinOp) and type(node.op) in _AST_OPS:
        return Binary(_AST_OPS[type(node.op)], _convert(node.left), _convert(node.right))
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _AST_OPS:
        right = _convert(node.comparators[0])
        return Binary(_AST_OPS[type(node.ops[0])], _convert(node.left), right)
    if isinstance(node, ast.BoolOp):
        name = _AST_OPS[type(node.op)]
        return reduce(lambda a, b: Binary(name, a, b), [_convert(v) for v in node.values])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not)):
        name = "-" if isinstance(node.op, ast.USub) else "not"
        return Unary(name, _convert(node.operand))
    if isinstance(node, ast.IfExp):
        return IfElse(_convert(node.test), _convert(node.body), _convert(node.orelse))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _convert_call(node.func.id, node.args)
    shown = ast.unparse(node).replace(_PREFIX, "$")
    raise ExprError(f"`{shown}` is not part of the expression language", GRAMMAR)


def _convert_name(name: str) -> Dim:
    if name in ("true", "false"):
        return name == "true"
    if not name.startswith(_PREFIX):
        raise ExprError(f"write '${name}' for the parameter '{name}'")
    return Var(name.removeprefix(_PREFIX))


def _convert_call(name: str, args: list[ast.expr]) -> Dim:
    if name not in FUNCTIONS:
        raise ExprError(f"unknown function '{name}'; there are {', '.join(FUNCTIONS)}")
    counts = FUNCTIONS[name][1]
    if len(args) not in counts:
        wanted = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        raise ExprError(f"{name}() takes {wanted} arguments, not {len(args)}")
    return Function(name, tuple(_convert(a) for a in args))


def _bounded(value: Number) -> Number:
    if isinstance(value, complex) or value != value or abs(value) > MAX_VALUE:
        raise ExprError("a value is out of bounds (its magnitude exceeds 2**40)")
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
    """`dim` with names replaced by numbers or expressions, and simplified."""
    if isinstance(dim, Var):
        return env.get(dim.name, dim)
    if isinstance(dim, Binary):
        left = substitute(dim.left, env)
        if dim.op in ("and", "or") and not isinstance(left, Expr):
            return substitute(dim.right, env) if bool(left) is (dim.op == "and") else bool(left)
        return binary(dim.op, left, substitute(dim.right, env))
    if isinstance(dim, Unary):
        return _unary(dim.op, substitute(dim.operand, env))
    if isinstance(dim, IfElse):
        test = substitute(dim.test, env)
        if not isinstance(test, Expr):  # the branch that is not taken need not have a value
            return substitute(dim.then if test else dim.otherwise, env)
        return if_else(test, substitute(dim.then, env), substitute(dim.otherwise, env))
    if isinstance(dim, Function):
        return _call(dim.name, tuple(substitute(a, env) for a in dim.args))
    return dim


def if_else(test: Dim, then: Dim, otherwise: Dim) -> Dim:
    """`then if test else otherwise`, folded where it is known."""
    if not isinstance(test, Expr):
        return then if test else otherwise
    if isinstance(then, IfElse) and then.test == test:
        then = then.then
    if isinstance(otherwise, IfElse) and otherwise.test == test:
        otherwise = otherwise.otherwise
    return then if then == otherwise else IfElse(test, then, otherwise)


def simplify(dim: Dim) -> Dim:
    """`dim` with constant parts folded."""
    return substitute(dim, {})


def _unary(op: str, operand: Dim) -> Dim:
    if isinstance(operand, Expr):
        return Unary(op, operand)
    return -operand if op == "-" else not operand


def _call(name: str, args: tuple[Dim, ...]) -> Dim:
    numbers = [a for a in args if not isinstance(a, Expr)]
    if len(numbers) < len(args):
        return Function(name, args)
    try:
        return _bounded(FUNCTIONS[name][0](*numbers))
    except (ZeroDivisionError, OverflowError):
        raise ExprError(f"{name}{tuple(numbers)} has no value") from None


def binary(op: str, left: Dim, right: Dim) -> Dim:
    """`left op right`, folded where it is known."""
    if not isinstance(left, Expr) and not isinstance(right, Expr):
        try:
            return _bounded(BINARY[op](left, right))
        except ZeroDivisionError:
            raise ExprError(f"division by zero: {left} {op} {right}") from None
    if op in ("/", "//", "%") and not isinstance(right, Expr) and right == 0:
        raise ExprError(f"division by zero: {text(left)} {op} 0")
    if (_is(right, 0) and op in "+-") or (_is(right, 1) and op == "*"):
        return left
    if (_is(left, 0) and op == "+") or (_is(left, 1) and op == "*"):
        return right
    if op in ("and", "or"):
        return _logic(op, left, right)
    if (
        type(right) is int
        and isinstance(left, Binary)
        and op == left.op == "+"
        and type(left.right) is int
    ):
        return binary("+", left.left, left.right + right)
    if op == "!=" and left == right:
        return False
    if op == "==" and left == right:
        return True
    return Binary(op, left, right)


def _logic(op: str, left: Dim, right: Dim) -> Dim:
    for known, other in ((left, right), (right, left)):
        if not isinstance(known, Expr):
            return other if bool(known) is (op == "and") else bool(known)
    return left if left == right else Binary(op, left, right)


def _is(dim: Dim, number: int) -> bool:
    return type(dim) is int and dim == number


def names(dim: Dim) -> set[str]:
    """The names that occur in `dim`."""
    found: set[str] = set()
    _collect(dim, found)
    return found


def _collect(dim: Dim, found: set[str]) -> None:
    if isinstance(dim, Var):
        found.add(dim.name)
    elif isinstance(dim, Binary):
        _collect(dim.left, found)
        _collect(dim.right, found)
    elif isinstance(dim, Unary):
        _collect(dim.operand, found)
    elif isinstance(dim, IfElse):
        for part in (dim.test, dim.then, dim.otherwise):
            _collect(part, found)
    elif isinstance(dim, Function):
        for arg in dim.args:
            _collect(arg, found)


def total(dims: Iterable[Dim]) -> Dim:
    """The sum, with numbers gathered at the end."""
    constant: Number = 0
    symbolic: Dim = 0
    for dim in dims:
        if isinstance(dim, Expr):
            symbolic = binary("+", symbolic, dim)
        else:
            constant += dim
    return binary("+", symbolic, constant)


def product(dims: Iterable[Dim]) -> Dim:
    """The product, without factors of one."""
    made: Dim = 1
    for dim in dims:
        made = binary("*", made, dim)
    return made


def logical_or(left: Dim, right: Dim) -> Dim:
    return _logic("or", left, right)


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
        return f"{dim.name}({', '.join(_text(a, sigil, 0) for a in dim.args)})"
    if isinstance(dim, bool) and sigil:
        return str(dim).lower()
    return repr(dim)
