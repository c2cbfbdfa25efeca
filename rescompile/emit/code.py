"""Code as trees: what a line of Python may be split at.

The emitters make calls, lists and sums as trees, and the rest as text; `parsed` reads text that
does not fit on its line into the same trees. What it does not know stays text, never split.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from textwrap import dedent
from typing import TypeAlias

from ..record import record

Code: TypeAlias = "str | Call | Items | Chain | Operation | Attribute"
Arg: TypeAlias = "Code | Keyword | Commented"


@record
class Call:
    """``func(args)``; ``explode`` puts each argument on its own line, however short it is.

    With other brackets it is a subscript, and without a function an expression in parentheses.
    """

    func: Code
    args: tuple[Arg, ...] = ()
    explode: bool = False
    brackets: str = "()"


@record
class Items:
    """A list or a tuple, given by its brackets; ``explode`` is as for :class:`Call`."""

    open: str
    close: str
    items: tuple[Arg, ...] = ()
    explode: bool = False


@record
class Chain:
    """Two or more operands joined by one binary operator: ``a + b + c``."""

    operator: str
    parts: tuple[Code, ...]


@record
class Operation:
    """Operands, each with what leads it: nothing, ``+``, ``not`` or, of ``a if b else c``, ``if``.

    Those of one rank stand on one level, as ruff splits them.
    """

    parts: tuple[tuple[str, Code], ...]
    rank: int


@record
class Attribute:
    """``value.name``, where the value may be split."""

    value: Code
    name: str


@record
class Keyword:
    """A keyword argument: ``name=value``."""

    name: str
    value: Code


@record
class Commented:
    """An argument whose line ends with ``# comment``; the brackets around it are exploded."""

    arg: Code | Keyword
    comment: str


# How loosely operators bind.
PREFIX, POWER, PRODUCT, SUM, COMPARISON, LOGIC, CONDITIONAL = range(7)
_RANKS = {"**": POWER, "*": PRODUCT, "/": PRODUCT, "//": PRODUCT, "%": PRODUCT, "+": SUM, "-": SUM}
_RANKS |= {"and": LOGIC, "or": LOGIC}
_SYMBOLS: dict[type[ast.AST], str] = (
    {ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Add: "+", ast.Sub: "-"}
    | {ast.Pow: "**"}
    | {ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
    | {ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in"}
    | {ast.And: "and", ast.Or: "or", ast.Not: "not ", ast.USub: "-"}
)
_ATOM = re.compile(r"[\w.]*")
MANY = 5  # values, of which a type still counts each


def several(kind: str, count: int) -> str:
    """The type of a tuple of so many values of one type, which many are not counted in."""
    return f"tuple[{', '.join([kind] * count)}]" if count <= MANY else f"tuple[{kind}, ...]"


def used_names(lines: Iterable[str]) -> set[str]:
    """The names in the text of statements, other than as a keyword or in a string."""
    nodes = ast.walk(ast.parse(dedent("\n".join(lines))))
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def uses(lines: Iterable[str], name: str) -> bool:
    """Whether the text of statements has a name in it."""
    return name in used_names(lines)


def parsed(code: Code) -> Code:
    """Code with its outermost operators and brackets as a tree."""
    if isinstance(code, Chain):
        rank = _RANKS[code.operator]
        # An inner chain that binds no closer has parentheses.
        parts = [
            Call("", (part,)) if isinstance(part, Chain) and _RANKS[part.operator] >= rank else part
            for part in code.parts
        ]
        leads = ["", *[f"{code.operator} "] * (len(parts) - 1)]
        return _operation(zip(leads, parts, strict=True), rank)
    if not isinstance(code, str) or _ATOM.fullmatch(code):
        return code
    try:
        return _Reader(code).tree()
    except (KeyError, SyntaxError, _UnknownError):
        return code


class _UnknownError(Exception):
    """The text has something that is not split here."""


class _Reader:
    """Reads an expression into a tree, with the parentheses that it has in the text."""

    def __init__(self, text: str) -> None:
        self.source = text.encode()

    def tree(self) -> Code:
        node = ast.parse(self.source, mode="eval").body
        if isinstance(node, ast.Tuple) and not self.text(node).startswith("("):
            return Items("(", ")", self.parts(node.elts, *_ends(node)))
        return self.bare(node)

    def text(self, node: ast.expr) -> str:
        return self.source[slice(*_ends(node))].decode()

    def parts(self, nodes: Iterable[ast.expr], low: int, high: int) -> tuple[Code, ...]:
        """What stands between two places; brackets in there that are around a node are its own."""
        made: list[Code] = []
        for node in nodes:
            start, end = _ends(node)
            opened = self.source[low:start].rstrip().endswith(b"(")
            closed = self.source[end:high].lstrip().startswith(b")")
            code = self.bare(node)
            made.append(Call("", (code,)) if opened and closed else code)
        return tuple(made)

    def bare(self, node: ast.expr) -> Code:
        """A node without the parentheses around it."""
        start, end = _ends(node)
        if isinstance(node, (ast.Call, ast.Subscript)):
            return self.call(node)
        if isinstance(node, (ast.List, ast.Tuple)):
            items = self.parts(node.elts, start + 1, end - 1)
            return Items(chr(self.source[start]), chr(self.source[end - 1]), items)
        if isinstance(node, ast.Attribute) and not isinstance(node.value, ast.Name):
            (value,) = self.parts([node.value], start, end)
            return Attribute(value, node.attr)
        if isinstance(node, (ast.Name, ast.Attribute, ast.Constant, ast.JoinedStr)):
            return self.text(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
            text = self.text(node)
            if " " not in text:  # of two short operands, which stay together
                return text
        leads, nodes, rank = _operands(node)
        return _operation(zip(leads, self.parts(nodes, start, end), strict=True), rank)

    def call(self, node: ast.Call | ast.Subscript) -> Call:
        inner = node.func if isinstance(node, ast.Call) else node.value
        opening = "(" if isinstance(node, ast.Call) else "["
        start, end = _ends(node)
        (func,) = self.parts([inner], start, end)
        start = self.source.index(opening.encode(), _ends(inner)[1]) + 1
        if isinstance(node, ast.Call):
            args: list[Arg] = [*self.parts(node.args, start, end - 1)]
            values = self.parts((keyword.value for keyword in node.keywords), start, end - 1)
            names = (str(keyword.arg) for keyword in node.keywords)
            return Call(func, (*args, *map(Keyword, names, values)))
        if isinstance(node.slice, (ast.Slice, ast.Tuple)):
            return Call(func, (self.text(node.slice),), brackets="[]")
        return Call(func, self.parts([node.slice], start, end - 1), brackets="[]")


def _ends(node: ast.expr) -> tuple[int, int]:
    return node.col_offset, int(node.end_col_offset or 0)


def _operands(node: ast.expr) -> tuple[list[str], list[ast.expr], int]:
    """What leads the operands of an operator, the operands, and the rank."""
    if isinstance(node, ast.IfExp):
        return ["", "if ", "else "], [node.body, node.test, node.orelse], CONDITIONAL
    if isinstance(node, ast.Compare):
        leads = [f"{_SYMBOLS[type(op)]} " for op in node.ops]
        return ["", *leads], [node.left, *node.comparators], COMPARISON
    if isinstance(node, ast.BoolOp):
        leads = [f"{_SYMBOLS[type(node.op)]} "] * (len(node.values) - 1)
        return ["", *leads], node.values, LOGIC
    if isinstance(node, ast.BinOp) and type(node.op) in _SYMBOLS:
        symbol = _SYMBOLS[type(node.op)]
        return ["", f"{symbol} "], [node.left, node.right], _RANKS[symbol]
    if isinstance(node, ast.UnaryOp) and type(node.op) in _SYMBOLS:
        return [_SYMBOLS[type(node.op)]], [node.operand], PREFIX
    raise _UnknownError


def _operation(operands: Iterable[tuple[str, Code]], rank: int) -> Operation:
    """An operation with operands of its own rank on its own level."""
    parts: list[tuple[str, Code]] = []
    for lead, code in operands:
        code = parsed(code)
        if isinstance(code, Operation) and code.rank == rank != PREFIX:
            (_, first), *rest = code.parts
            parts += [(lead, first), *rest]
        else:
            parts.append((lead, code))
    return Operation(tuple(parts), rank)
