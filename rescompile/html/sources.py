"""The source of a network for every backend, and its spec in one file, with colours.

The classes are few and ours: a span for every token would make a page five times as long.
"""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup, escape
from pygments.lexer import Lexer
from pygments.lexers.data import YamlLexer
from pygments.lexers.python import PythonLexer
from pygments.lexers.special import TextLexer
from pygments.token import Comment, Keyword, Name, Number, String, Token, _TokenType

from ..api import Architecture
from ..errors import UnsupportedError
from ..prose import visible
from ..record import record
from ..registry import default_backends, get_backend

AS_IS = {"stripnl": False, "ensurenl": False}  # lexers would trim the text
CLASSES = {
    Comment: "hc",
    Keyword: "hk",
    Name.Builtin: "hb",
    Name.Class: "hd",
    Name.Decorator: "hd",
    Name.Function: "hd",
    Name.Tag: "hk",
    Number: "hn",
    String: "hs",
}


@record
class Source:
    """A text with its title; `reasons` stand instead of it where a backend cannot express it."""

    title: str
    about: str
    code: Markup = Markup("")
    reasons: tuple[str, ...] = ()


def sources(net: Architecture) -> tuple[Source, ...]:
    """The spec, resolved, and what each backend by default makes of it."""
    spec = _source("Spec", f"{net.name}.yaml", net.resolved(), YamlLexer(**AS_IS))
    return (spec, *(_emitted(net, name) for name in default_backends()))


def _emitted(net: Architecture, backend: str) -> Source:
    target = get_backend(backend)
    lexer = PythonLexer(**AS_IS) if target.suffix == ".py" else TextLexer(**AS_IS)
    try:
        return _source(target.title, net.name + target.suffix, net.source(backend), lexer)
    except UnsupportedError as error:
        return Source(target.title, "not expressible", reasons=error.reasons)


def _source(title: str, file: str, text: str, lexer: Lexer) -> Source:
    text = visible(text, keep="\n")
    return Source(title, f"{file}, {text.count(chr(10)):,} lines", highlight(text, lexer))


def highlight(text: str, lexer: Lexer) -> Markup:
    """A text as HTML, with a span for each run of tokens of one class."""
    parts = []
    tokens = lexer.get_tokens(text)
    for mark, same in groupby(tokens, key=lambda token: _class(token[0])):
        shown = escape("".join(value for _, value in same))
        parts.append(f'<span class="{mark}">{shown}</span>' if mark else str(shown))
    return Markup("".join(parts))


def _class(token: _TokenType) -> str:
    """The class of the nearest kind of token that has one."""
    while token is not Token:
        if token in CLASSES:
            return CLASSES[token]
        token = token.parent
    return ""
