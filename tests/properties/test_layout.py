"""Expressions that are given as text are laid out as `ruff format` lays them out, byte for byte.

Many are put through ruff at once, since a process for each would take minutes.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruff.__main__ import find_ruff_bin

from rescompile.emit.layout import Call, Keyword, line, signature, statement

EXAMPLES = int(os.environ.get("RESCOMPILE_FUZZ", "60"))
RUFF = [find_ruff_bin(), "format", "--isolated", "--line-length", "100", "-"]

ARITHMETIC = ("+", "-", "*", "/", "//", "%")
COMPARISONS = ("==", "!=", "<", "<=", ">", ">=", "is not", "in")
FORMS = ("atom", "chain", "logic", "comparison", "choice", "prefix", "call", "list", "method")
FORMS += ("power",)
ATOMS = ("0", "16", "0.25", "x.shape[-1]", '"same"', "f()", "math.ceil(a / 2)")


class Drawn:
    """Draws expressions; `term` is one that needs no parentheses as an operand."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def pick(self, values: Sequence[str]) -> str:
        return self.draw(st.sampled_from(values))

    def word(self) -> str:
        return self.pick("abcd") * self.draw(st.integers(1, 30))

    def whole(self, depth: int, forms: Sequence[str] = FORMS) -> str:
        form = self.pick(forms) if depth else "atom"
        return str(getattr(self, form)(depth - 1))

    def term(self, depth: int) -> str:
        text = self.whole(depth)
        alone = not isinstance(
            ast.parse(text, mode="eval").body,
            (ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.UnaryOp),
        )
        return text if alone else f"({text})"

    def atom(self, depth: int) -> str:
        return self.pick(ATOMS) if self.draw(st.integers(0, 3)) == 0 else self.word()

    def chain(self, depth: int) -> str:
        return self.joined(depth, ARITHMETIC, self.term)

    def logic(self, depth: int) -> str:
        return self.joined(depth, ("and", "or"), self.operand)

    def joined(self, depth: int, operators: Sequence[str], operand: Callable[[int], str]) -> str:
        count = self.draw(st.integers(1, 3))
        rest = (f" {self.pick(operators)} {operand(depth)}" for _ in range(count))
        return "".join([operand(depth), *rest])

    def operand(self, depth: int) -> str:
        """Of `and` and `or`, which bind less than what may stand here."""
        text = self.whole(depth, ("atom", "comparison", "chain", "call", "prefix", "logic"))
        if isinstance(ast.parse(text, mode="eval").body, ast.BoolOp):
            text = f"({text})"
        return text

    def comparison(self, depth: int) -> str:
        sides = [self.whole(depth, ("atom", "chain", "call")) for _ in range(2)]
        return f"{sides[0]} {self.pick(COMPARISONS)} {sides[1]}"

    def choice(self, depth: int) -> str:
        forms = [form for form in FORMS if form != "choice"]
        then, test = (self.whole(depth, forms) for _ in range(2))
        return f"{then} if {test} else {self.whole(depth)}"

    def prefix(self, depth: int) -> str:
        if self.draw(st.booleans()):
            return f"not {self.comparison(depth)}"
        return self.pick(("-", "not ")) + self.term(depth)

    def power(self, depth: int) -> str:
        """Formatters of Python want short operands next to the sign."""
        base, exponent = self.term(depth), self.term(depth)
        gap = "" if all(re.fullmatch(r"\w+|0\.25", one) for one in (base, exponent)) else " "
        return f"{base}{gap}**{gap}{exponent}"

    def call(self, depth: int) -> str:
        given = [self.whole(depth) for _ in range(self.draw(st.integers(1, 3)))]
        if self.draw(st.booleans()):
            given[-1] = f"{self.word()}={given[-1]}"
        return f"{self.word()}({', '.join(given)})"

    def list(self, depth: int) -> str:
        return f"[{self.whole(depth)}, {self.whole(depth)}]"

    def method(self, depth: int) -> str:
        return f"{self.word()}({self.whole(depth)}).flatten(1)"


@st.composite
def expressions(draw: st.DrawFn) -> str:
    return Drawn(draw).whole(draw(st.integers(1, 4)))


places = st.sampled_from(
    ["x = {}", "x += {}", "return {}", "if {}:", "while {}:", "keyword", "own"]
)


def laid_out(place: str, text: str, indent: int) -> str:
    if place == "keyword":
        return statement(Call("f", ("x", Keyword("given", text))), before="x = ", indent=indent)
    if place == "own":
        return statement(text, before="self.attribute = ", indent=indent)
    return line(unbroken(place, text, indent))


def unbroken(place: str, text: str, indent: int) -> str:
    pad = " " * indent
    if place == "keyword":
        return f"{pad}x = f(x, given={text})"
    return pad + {"own": "self.attribute = {}"}.get(place, place).format(text)


def module(lines: list[str], places: list[str], indents: list[int]) -> str:
    made = []
    for number, (shown, place, indent) in enumerate(zip(lines, places, indents, strict=True)):
        head = signature(f"f{number}", [], "None")
        depth = [f"{' ' * n}if a:" for n in range(4, indent, 4)]
        body = [" " * (indent + 4) + "pass"] if place.endswith(":") else []
        made.append("\n".join([head, *depth, shown, *body]))
    return "\n\n\n".join(made) + "\n"


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(places, expressions(), st.sampled_from([4, 8, 12])), min_size=1))
def test_text_is_laid_out_as_by_ruff(drawn: list[tuple[Any, ...]]) -> None:
    at = [place for place, _, _ in drawn], [indent for _, _, indent in drawn]
    source = module([unbroken(*one) for one in drawn], *at)
    done = subprocess.run(RUFF, input=source, check=True, stdout=subprocess.PIPE, encoding="utf-8")
    assert module([laid_out(*one) for one in drawn], *at) == done.stdout
