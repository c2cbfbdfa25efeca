"""A function of the emitted file, how it is called, and what it is told where several share it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...expr.dims import Expr
from ...record import record
from ..code import several
from ..label import Label
from ..layout import Call, Code, Keyword, signature
from ..lines import RETURN, Line
from ..program import Definition
from ..scope import Argument, Scope, call_args
from ..summary import docstring


@record
class Function(Definition):
    """From a tensor and the name of what it makes to a tensor.

    One that is `numbered` takes `start`, the number of its first layer in the caller's sequence.
    """

    numbered: bool = False
    tensor: str = "Tensor"
    inputs: tuple[str, ...] = ("x",)
    outputs: int = 1  # more of them are a tuple

    @property
    def signature(self) -> str:
        tensors = (f"{name}: {self.tensor}" for name in self.inputs)
        given = [*tensors, *(a.declared for a in self.arguments), "*", "name: str"]
        if self.numbered:
            given.append("start: int = 0")
        made = several(self.tensor, self.outputs) if self.outputs > 1 else self.tensor
        return signature(self.name, given, made)

    def call(
        self, source: str | tuple[str, ...], given: dict[str, str], label: Label, start: str = "0"
    ) -> Call:
        """A call: leading `channels` by position, the rest by keyword, defaults left out."""
        more = (Keyword("start", start),) if self.numbered and start != "0" else ()
        sources = source if isinstance(source, tuple) else (source,)
        return Call(
            self.name, (*sources, *call_args(self.arguments, given), label.keyword(), *more)
        )


def function(
    name: str,
    arguments: Iterable[Argument],
    lines: Iterable[Line],
    about: str = "",
    numbered: bool = False,
    tensor: str = "Tensor",
    inputs: tuple[str, ...] = ("x",),
    outputs: int = 1,
) -> Function:
    """A function; the last value of x is what it returns, if its lines return nothing."""
    body = [*map(str, _returning(list(lines)))]
    if not about and not body[0]:
        del body[0]
    told = tuple(docstring(about))
    return Function(name, tuple(arguments), tuple(body), told, numbered, tensor, inputs, outputs)


def _returning(lines: list[Line]) -> list[Line]:
    """The last value of x is returned."""
    if lines and lines[-1].target == RETURN:
        return lines
    if lines and lines[-1].target == "x" and lines[-1].indent == 4:
        return [*lines[:-1], replace(lines[-1], target=RETURN)]
    return [*lines, Line("x", RETURN)]


class Shared:
    """What a function is told that several places share: its parameters are what varies there.

    What they agree on is written into it. An expression over the parameters of a block means
    nothing in it, so that it is always told. `said` has what each place says of its options,
    `natural` has all options, with what each is where a call says nothing; the function's own
    text asks for those which are `tested`.
    """

    def __init__(
        self,
        name: str,
        natural: Mapping[str, str],
        said: Sequence[Mapping[str, Any]],
        tested: Collection[str] = (),
    ) -> None:
        self.name, self.said, self.natural = name, said, natural
        given = [{key: Scope().code(options[key]) for key in natural} for options in said]
        found = {key: {values[key] for values in given} for key in natural}
        asked = {key for options in said for key in natural if _is_symbolic(options[key])}
        self.fixed = given[0]
        self.varying = [k for k in natural if k in tested or k in asked or len(found[k]) > 1]
        usual = (key for key in self.varying if natural[key] in found[key])
        self.defaults = {key: natural[key] for key in usual}

    @property
    def values(self) -> dict[str, Code]:
        """The options within the function, as source."""
        return {key: key if key in self.varying else code for key, code in self.fixed.items()}

    def told(self, options: Mapping[str, Any], scope: Scope) -> list[Keyword]:
        """What a call says."""
        values = {key: scope.code(options[key]) for key in self.varying}
        return [Keyword(k, value) for k, value in values.items() if value != self.defaults.get(k)]

    @property
    def arguments(self) -> list[Argument]:
        """The parameters for it."""
        return [Argument(key, self.type(key), self.defaults.get(key)) for key in self.varying]

    def type(self, key: str) -> str:
        """Of an option that is true or false by itself, expressions are as well."""
        if self.natural[key] in ("True", "False"):
            return "bool"
        return type_of(options[key] for options in self.said)


def type_of(values: Iterable[Any]) -> str:
    """The type of what `Scope.code` makes of attributes."""
    found = {kind for value in values for kind in _types(value)}
    return " | ".join(sorted(found, key=lambda kind: (kind != "str", len(kind))))


def _types(value: Any) -> set[str]:
    if not isinstance(value, tuple):
        return {type(value).__name__ if isinstance(value, (bool, str)) else "int"}
    if isinstance(value[0], tuple):
        pair = "tuple[int, int]"
        if all(before == after for before, after in value):
            alike = len({before for before, _ in value}) == 1
            return {"int" if alike else several("int", len(value))}
        if len(value) == 3:
            return {f"tuple[{pair}, ...]"}  # all three beside other types fill a line
        return {several(pair, len(value)) if value[1:] else pair}
    return {"int"} if len({*value}) == 1 else {"int", several("int", len(value))}


def _is_symbolic(value: Any) -> bool:
    if isinstance(value, tuple):
        return any(map(_is_symbolic, value))
    return isinstance(value, Expr)
