"""Expressions from text: a small part of Python's grammar, with `$` before names.

Python's own parser reads the text; every node that is not of the language is refused. Bounded in
length and in terms, so that no text can make the compiler hang.
"""

from __future__ import annotations

import ast
import re
from functools import reduce

from ..errors import did_you_mean
from .dims import (
    FUNCTIONS,
    Binary,
    Dim,
    ExprError,
    Function,
    IfElse,
    Unary,
    Var,
    bounded,
    simplify,
)

_AST_OPS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.And: "and",
    ast.Or: "or",
}
MAX_TEXT = 300
MAX_NODES = 100
_SIGIL = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_PREFIX = "\u00f8"  # of names, so that any word is one: letters of ASCII are none
_GLUED = re.compile(r"[A-Za-z0-9_)$]\$")
NAME_PARTS = "give parts of it names: under `let:` in a block, or under `parameters:`"
GRAMMAR = "there are + - * / // % **, comparisons, and/or/not, `a if c else b`, " + ", ".join(
    FUNCTIONS
)


def is_expression(value: object) -> bool:
    """Whether a YAML scalar is meant as an expression: it holds the sigil."""
    return isinstance(value, str) and "$" in value


def parse(text: str) -> Dim:
    """The expression that `text` spells; names carry the sigil `$`. Raises `ExprError`."""
    return simplify(read(text))


def read(text: str) -> Dim:
    """The expression as it is written, with nothing folded. Raises `ExprError`."""
    if len(text) > MAX_TEXT:
        raise ExprError(f"an expression has at most {MAX_TEXT} characters", NAME_PARTS)
    if not text.isascii():
        raise ExprError("an expression is written in ASCII", "retype it: some letter only looks so")
    if "${" in text:
        raise ExprError(f"'{text}' is not an expression", "write `$name`, without braces")
    if _GLUED.search(text):
        raise ExprError(f"'{text}' is not an expression", "an operator is missing before a `$`")
    python = _SIGIL.sub(lambda found: _PREFIX + found.group(1), text)
    try:
        tree = ast.parse(python.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExprError(f"'{text}' is not an expression", GRAMMAR) from None
    if sum(1 for _ in ast.walk(tree)) > 4 * MAX_NODES:
        raise ExprError(f"an expression has at most {MAX_NODES} terms", NAME_PARTS)
    return _convert(tree.body)


def _convert(node: ast.expr) -> Dim:
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        help = f"write `{str(node.value).lower()}`"
        raise ExprError(f"`{node.value}` is Python's word, not one of this language", help)
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        return bounded(node.value)
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
        message = f"'{name}' in an expression is not a name: names have the sigil `$`"
        raise ExprError(message, f"write `${name}`")
    return Var(name.removeprefix(_PREFIX))


def _convert_call(name: str, args: list[ast.expr]) -> Dim:
    if name not in FUNCTIONS:
        raise ExprError(f"unknown function '{name}'", did_you_mean(name, FUNCTIONS))
    counts = FUNCTIONS[name][1]
    if len(args) not in counts:
        wanted = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        message = f"{name}() takes {wanted} arguments, not {len(args)}"
        raise ExprError(message, "separate them by commas, within the parentheses")
    return Function(name, tuple(_convert(a) for a in args))
