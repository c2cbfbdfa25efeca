"""A function of the emitted file, and how it is called."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ...record import record
from ..label import Label
from ..layout import Call, Keyword, signature
from ..lines import RETURN, Line
from ..program import Definition
from ..scope import Argument, call_args
from ..summary import docstring


@record
class Function(Definition):
    """From a tensor and the name of what it makes to a tensor.

    One that is `numbered` takes `start`, the number of its first layer in the caller's sequence.
    """

    numbered: bool = False
    tensor: str = "Tensor"

    @property
    def signature(self) -> str:
        given = [f"x: {self.tensor}", *(a.declared for a in self.arguments), "*", "name: str"]
        if self.numbered:
            given.append("start: int = 0")
        return signature(self.name, given, self.tensor)

    def call(self, source: str, given: dict[str, str], label: Label, start: str = "0") -> Call:
        """A call: leading `channels` by position, the rest by keyword, defaults left out."""
        more = (Keyword("start", start),) if self.numbered and start != "0" else ()
        return Call(self.name, (source, *call_args(self.arguments, given), label.keyword(), *more))


def function(
    name: str,
    arguments: Iterable[Argument],
    lines: Iterable[Line],
    about: str = "",
    numbered: bool = False,
    tensor: str = "Tensor",
) -> Function:
    """A function; the last value of x is what it returns."""
    body = tuple(map(str, _returning(list(lines))))
    return Function(name, tuple(arguments), body, tuple(docstring(about)), numbered, tensor)


def _returning(lines: list[Line]) -> list[Line]:
    if lines and lines[-1].indent == 4 and lines[-1].target == "x":
        return [*lines[:-1], replace(lines[-1], target=RETURN)]
    return [*lines, Line("x", RETURN)]
