"""Statements one below the other, with the blocks that they stand in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from textwrap import wrap

from ..expr.dims import Var
from ..ir.structure import INDEX, Block
from ..record import record
from .code import uses
from .layout import Code, line_length, statement
from .scope import COUNTERS, Scope

RETURN = "return"  # in place of a target


@record
class Line:
    """A statement: code that is assigned to `target`, added to it, or returned; or plain text."""

    code: Code
    target: str = ""
    indent: int = 4
    comment: str = ""
    sign: str = "="

    def __str__(self) -> str:
        if isinstance(self.code, str) and not self.target:
            bare = " " * self.indent + self.code
            beside = f"{bare}  # {self.comment}" if self.comment else bare
            if beside == bare or len(beside) <= line_length():
                return beside
            return f"{' ' * self.indent}# {self.comment}\n{bare}"
        before = f"{self.target} {self.sign} " if self.target else ""
        before = "return " if self.target == RETURN else before
        pad = " " * self.indent
        if ", " in self.target and len(f"{pad}{before}(") > line_length():
            names = "".join(f"{pad}    {name},\n" for name in self.target.split(", "))
            code = statement(self.code, before=") = ", indent=self.indent, comment=self.comment)
            return f"{pad}(\n{names}{code}"
        return statement(self.code, before=before, indent=self.indent, comment=self.comment)

    @property
    def fits(self) -> bool:
        """Whether it is one line, and not too long."""
        return "\n" not in str(self) and len(str(self)) <= line_length()


class Writer:
    """The lines of one definition as they come."""

    def __init__(self, indent: int = 4) -> None:
        self.lines: list[Line] = []
        self.indent = indent

    def write(self, code: Code, target: str = "", comment: str = "", sign: str = "=") -> None:
        self.lines.append(Line(code, target, self.indent, comment, sign))

    def unpack(self, code: Code, target: str, notes: Iterable[str]) -> None:
        """An assignment of several values, with what is noted of each beside it, or above it."""
        line = Line(code, target, self.indent, ", ".join(notes))
        if line.comment and not line.fits:
            width = line_length() - self.indent - 2
            whole = line.comment.replace(", ", ",\n").replace(" ", "\0").replace("\n", " ")
            for part in wrap(whole, width, break_long_words=False):
                self.write("# " + part.replace("\0", " "))
            line = replace(line, comment="")
        self.lines.append(line)

    def give(self, names: Sequence[str]) -> None:
        """Return several values; what the last line makes of them is returned as it is."""
        last, given = self.lines[-1] if self.lines else None, ", ".join(names)
        if last and (last.target, last.sign, last.indent) == (given, "=", self.indent):
            self.lines[-1] = replace(last, target=RETURN)
        else:
            self.write(given, RETURN)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Lines under `head`, which ends with a colon; without any there is no head either."""
        self.write(head)
        place = len(self.lines)
        self.indent += 4
        yield
        self.indent -= 4
        if len(self.lines) == place:
            del self.lines[place - 1 :]

    def combine_conditions(self, place: int) -> None:
        """Let an `if` from `place` on that holds nothing but another `if` be one with it."""
        outer, inner, *rest = (*self.lines[place:], None, None)
        lines = [line for line in rest if line]
        if (
            outer
            and inner
            and _is_choice(inner)
            and all(one.indent > inner.indent for one in lines)
        ):
            asked = " and ".join(map(_operand, (outer, inner)))
            head = replace(outer, code=f"if {asked}:")
            if head.fits:
                inner_lines = [replace(line, indent=line.indent - 4) for line in lines]
                self.lines[place:] = [head, *inner_lines]

    @contextmanager
    def loop(self, scope: Scope, turns: str) -> Iterator[str]:
        """A loop over `range(turns)`; its counter has a name only if a line in it has it."""
        place = len(self.lines)
        with scope.bound(INDEX, *COUNTERS) as counter, self.block(""):
            yield counter
        shown = counter if uses(map(str, self.lines[place + 1 :]), counter) else "_"
        if len(self.lines) > place:  # else nothing is repeated
            self.lines[place] = Line(f"for {shown} in range({turns}):", indent=self.indent)


def _is_choice(line: Line) -> bool:
    return isinstance(line.code, str) and not line.target and line.code.startswith("if ")


def _operand(head: Line) -> str:
    """The condition of an `if`, as an operand of `and`."""
    asked = str(head.code).removeprefix("if ").removesuffix(":")
    return f"({asked})" if " or " in asked or " if " in asked else asked


def lets(block: Block, scope: Scope, indent: int = 4) -> list[Line]:
    """The values that a block's text gives names to, as far as it uses them."""
    lines: list[Line] = []
    for name, dim in reversed(block.lets):
        if name in scope.used:
            lines.insert(0, Line(scope.dim(dim), scope.dim(Var(name)), indent))
    return lines
