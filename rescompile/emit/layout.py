"""Python statements laid out as ``ruff format`` lays them out.

The emitters describe a statement as text, or as a small tree (:data:`Code`), and leave the line
breaks to this module, so that ``ruff format`` (default settings but for the line length) leaves an
emitted file as it is. How long its lines may be is set around an emission, by :func:`lines_of`.
Only the forms that the emitters need are covered, within these bounds:

* No more than one method is called on the result of a call, and powers are never split.
* A comment is short enough that it alone does not push a line past the limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from ..prose import columns
from .code import (
    PREFIX,
    Arg,
    Attribute,
    Call,
    Chain,
    Code,
    Commented,
    Items,
    Keyword,
    Operation,
    parsed,
)

__all__ = (
    "LINE_LENGTH",
    "NARROWEST",
    "WIDEST",
    "Arg",
    "Call",
    "Chain",
    "Code",
    "Commented",
    "Items",
    "Keyword",
    "line",
    "line_length",
    "lines_of",
    "signature",
    "statement",
)

LINE_LENGTH = 100  # unless something else is asked for
NARROWEST, WIDEST = 79, 320  # what can be: PEP 8's, and ruff's limit
_INDENT = 4
_PRAGMA = re.compile(r"  # *(noqa\b|(isort|type|pyright|pylint|flake8|ruff|ty):).*", re.DOTALL)
_LINE = re.compile(
    r"( *)(?:((?:if|elif|while|for \w+ in) )(.+)(:)"
    r"|((?:return|raise|[\w.]+(?:, [\w.]+)* [+-]?=) )([^#]+)()"
    r"|()((?:super\(\)\.)?[\w.]+\([^#]*\))())"
)


_length: ContextVar[int] = ContextVar("line length", default=LINE_LENGTH)


def line_length() -> int:
    """How long the lines of the file may be that is being emitted."""
    return _length.get()


@contextmanager
def lines_of(length: int) -> Iterator[None]:
    """Inside, lines are as long as `length` at most."""
    token = _length.set(length)
    try:
        yield
    finally:
        _length.reset(token)


def statement(
    code: Code, *, before: str = "", after: str = "", indent: int = 0, comment: str = ""
) -> str:
    """Lay out the statement ``{before}{code}{after}  # {comment}``."""
    pad = " " * indent
    end = after + _comment(comment)
    flat = _flat(code)
    if flat is not None and _fits([line := f"{pad}{before}{flat}{end}"]):
        return line
    code = inner = parsed(code)
    while isinstance(inner, Operation) and inner.rank == PREFIX:
        ((_, inner),) = inner.parts
    operation = isinstance(inner, Operation)
    bare = _split(code, before, end, indent)
    if not (before or operation) or isinstance(inner, Items) or _is_in_brackets(inner):
        return "\n".join(bare)
    outer = [line for line in bare if not line.startswith(pad + " ")]
    if _fits(outer) and (not operation or _splits_at_brackets(code)):
        return "\n".join(bare)
    inner_end = ""
    if isinstance(code, str) and not after and (code.isidentifier() or code[0] in "'\"0123456789"):
        inner_end, end = end, ""  # the comment of a name or a constant stays next to it
    body = _nested(code, "", inner_end, indent + _INDENT)
    wrapped = [f"{pad}{before}(", *body, f"{pad}){end}"]
    # Parentheses around an operation make it splittable; those around anything else have to help.
    return "\n".join(wrapped if operation or _fits(wrapped) else bare)


def line(text: str) -> str:
    """Lay out a line that was made as text: an assignment, or the head of a loop or condition."""
    found = None if _fits([text]) else _LINE.fullmatch(text)
    if found is None:
        return text
    pad, before, code, after = (part for part in found.groups() if part is not None)
    return statement(code, before=before, after=after, indent=len(pad))


def signature(name: str, params: Sequence[str], returns: str, indent: int = 0) -> str:
    """Lay out ``def name(params) -> returns:``."""
    if not params:
        return statement(returns, before=f"def {name}() -> ", after=":", indent=indent)
    pad, inner = " " * indent, " " * (indent + _INDENT)
    line = f"{pad}def {name}({', '.join(params)}) -> {returns}:"
    if _fits([line]):
        return line
    body = [inner + ", ".join(params)]
    if len(params) == 1 or not _fits(body):
        body = [f"{inner}{param}," for param in params]
    return "\n".join([f"{pad}def {name}(", *body, f"{pad}) -> {returns}:"])


class _Bracket(NamedTuple):
    """A pair of brackets, where a line may be split, and what is between them."""

    open: str
    close: str
    items: tuple[Arg, ...]
    explode: bool = False
    packs: bool = True  # whether the items may share one line of their own
    comma: bool = False  # whether a single item has a comma, as in a tuple


def _pieces(code: Code) -> Iterator[str | _Bracket]:
    """Yield the text and the brackets of ``code`` in order."""
    code = parsed(code)
    if isinstance(code, str):
        yield code
    elif isinstance(code, Attribute):
        yield from _pieces(code.value)
        yield f".{code.name}"
    elif isinstance(code, Call):
        yield from _pieces(code.func)
        opening, closing = code.brackets[0], code.brackets[1]
        bracket = _Bracket(opening, closing, code.args, code.explode)
        yield bracket if code.args else code.brackets
    elif isinstance(code, Items):
        comma = code.open == "("
        # The comma of a tuple's only item does not keep the tuple exploded.
        explode = code.explode and not (comma and len(code.items) == 1)
        pair = _Bracket(code.open, code.close, code.items, explode, packs=False, comma=comma)
        yield pair if code.items else code.open + code.close
    else:
        assert isinstance(code, Operation)
        for index, (lead, part) in enumerate(code.parts):
            yield f" {lead}" if index else lead
            yield from _pieces(part)


def _flat(arg: Arg) -> str | None:
    """Return ``arg`` on one line, or None if it has to be split."""
    if isinstance(arg, str):
        return arg
    if isinstance(arg, Commented):
        return None
    if isinstance(arg, Keyword):
        value = _flat(arg.value)
        return None if value is None else f"{arg.name}={value}"
    text = ""
    for piece in _pieces(arg):
        flat = piece if isinstance(piece, str) else _flat_bracket(piece)
        if flat is None:
            return None
        text += flat
    return text


def _flat_bracket(bracket: _Bracket) -> str | None:
    text = _flat_items(bracket)
    comma = "," if bracket.comma and len(bracket.items) == 1 else ""
    return None if text is None else f"{bracket.open}{text}{comma}{bracket.close}"


def _flat_items(bracket: _Bracket) -> str | None:
    """Return the items on one line, without their brackets, or None if they have to be split."""
    texts = []
    for item in bracket.items:
        if bracket.explode or (text := _flat(item)) is None:
            return None
        texts.append(text)
    return ", ".join(texts)


def _split(code: Code, before: str, after: str, indent: int) -> list[str]:
    """Split ``code`` at its brackets, except for each pair that fits on its line.

    A pair fits if all that follows it up to the next opening bracket fits as well.
    """
    pieces: list[tuple[str | _Bracket, int]] = []
    follow = _width(after)
    for piece in reversed(list(_pieces(code))):
        pieces.append((piece, follow))
        follow = follow + _width(piece) if isinstance(piece, str) else len(piece.open)
    pad = " " * indent
    lines = []
    line = pad + before
    for piece, follow in reversed(pieces):
        if isinstance(piece, str):
            line += piece
            continue
        flat = _flat_bracket(piece)
        if flat is not None and _width(line + flat) + follow <= line_length():
            line += flat
        else:
            lines += [line + piece.open, *_body(piece, indent + _INDENT)]
            line = pad + piece.close
    return [*lines, line + after]


def _body(bracket: _Bracket, indent: int) -> list[str]:
    """Return the lines between a split pair of brackets."""
    if bracket.packs and (flat := _flat_items(bracket)) is not None:
        line = " " * indent + flat
        if _fits([line]):
            return [line]
    explode = bracket.explode or any(isinstance(item, Commented) for item in bracket.items)
    comma = "," if explode or bracket.comma or len(bracket.items) > 1 else ""
    lines = []
    for item in bracket.items:
        before, after = "", comma
        if isinstance(item, Commented):
            after, item = after + _comment(item.comment), item.arg
        if isinstance(item, Keyword):
            before, item = f"{item.name}=", item.value
        lines += _nested(item, before, after, indent)
    return lines


def _nested(code: Code, before: str, after: str, indent: int) -> list[str]:
    """Lay out ``code`` within brackets, on lines of its own."""
    flat = _flat(code)
    if flat is not None and _fits([line := f"{' ' * indent}{before}{flat}{after}"]):
        return [line]
    code = parsed(code)
    if not isinstance(code, Operation):
        return _split(code, before, after, indent)
    lines = []
    last = len(code.parts) - 1
    for index, (lead, part) in enumerate(code.parts):
        lead = lead if index else before + lead
        lines += _nested(part, lead, after if index == last else "", indent)
    return lines


def _splits_at_brackets(code: Code) -> bool:
    """Whether ruff splits an operation at the brackets in it rather than add parentheses around.

    It does where one operator binds less than all others, and brackets are first or last.
    """
    ranks = list(_ranks(code))
    if ranks.count(max(ranks, default=PREFIX)) > 1:
        return False
    first = last = code
    while isinstance(first, Operation) and not first.parts[0][0]:
        first = first.parts[0][1]
    while isinstance(last, Operation):
        last = last.parts[-1][1]
    called = isinstance(last, Call) and last.brackets == "()" and bool(last.args)
    return called or _is_in_brackets(first) or _is_in_brackets(last)


def _is_in_brackets(code: Code) -> bool:
    """Whether code is all brackets, with something in them, so that ruff adds none around."""
    return bool(code.items) if isinstance(code, Items) else isinstance(code, Call) and not code.func


def _ranks(code: Code) -> Iterator[int]:
    """The ranks of the operators outside of brackets."""
    if isinstance(code, Operation):
        yield from [code.rank] * (len(code.parts) - 1)
        for _, part in code.parts:
            yield from _ranks(parsed(part))


def _comment(text: str) -> str:
    return f"  # {text}" if text else ""


def _fits(lines: Iterable[str]) -> bool:
    return all(_width(line) <= line_length() for line in lines)


def _width(text: str) -> int:
    """Return the columns that ruff counts: two for a wide character, none for a pragma comment."""
    if "#" in text:
        text = _PRAGMA.sub("", text)
    return columns(text)
