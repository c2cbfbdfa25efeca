"""Names of layers and modules as they are written in code: strings that repetitions number."""

from __future__ import annotations

from dataclasses import replace

from ..expr.dims import Dim, Expr, binary
from ..ir.nodes import Call
from ..record import record
from .layout import Keyword
from .program import NAME
from .scope import Scope


@record
class Label:
    """A name as the inside of an f-string: `{name}_conv1`, its parts joined by the `separator`."""

    text: str = ""
    separator: str = "_"

    def child(self, part: str) -> Label:
        part = part.replace(".", self.separator)  # a member of a list
        return replace(self, text=f"{self.text}{self.separator}{part}" if self.text else part)

    def numbered(self, number: Dim, scope: Scope) -> Label:
        """A child that is called by its number."""
        return self.child(_shown(number, scope))

    def turn(self, node: Call, i: Dim, scope: Scope, name: str = "", start: Dim = 0) -> Label:
        """Repetition `i` of a call: its number in the sequence, or what the pattern makes of it.

        `name` stands for the name of the call, where that is not written out.
        """
        if node.children == "{i}":
            return self.numbered(binary("+", start, i), scope)
        made = node.children.replace(NAME, name or str(node.name))
        made = made.replace("{i}", _shown(i, scope))
        return self.child(made.replace("{n}", _shown(binary("+", i, 1), scope)))

    def code(self, suffix: str = "") -> str:
        """The name as a Python expression."""
        text = self.text + suffix
        if text == "{name}":
            return "name"
        return f'f"{text}"' if "{" in text else f'"{text}"'

    def keyword(self, suffix: str = "") -> Keyword:
        return Keyword("name", self.code(suffix))


def _shown(dim: Dim, scope: Scope) -> str:
    shown = scope.dim(dim)
    return f"{{{shown}}}" if isinstance(dim, Expr) else shown
