"""What repeats where steps have names is written out: each turn with its number in the names.

A name may have `{i}` and `{n}`, the number of the turn from zero and from one, or an expression in
braces, `cell_{$index + 6}`, over what is known there: numbers of turns, and parameters that calls
give as numbers. `{$left}` is also a word that a call gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..errors import Location
from ..expr.dims import text
from ..ir.call_stack import MAX_REPEAT
from ..ir.structure import INDEX
from ..language.models import BlockSpec, BranchSpec, Model, Step, Values
from ..language.names import filled, is_pattern
from ..language.validate import numbered
from .scope import Scope, fault

SHORT = {"i": f"${INDEX}", "n": f"${INDEX} + 1"}
NO_TURN = "`{i}` and `{n}` count the turns of `steps` or branches that repeat"


def count(part: BranchSpec | Step | Values, scope: Scope) -> int:
    """How many turns there are. Raises `SpecError` where that is not known."""
    found = scope.settled(part.repeat, part, "repeat")
    if isinstance(found, int) and 0 <= found <= MAX_REPEAT:
        return found
    message = f"repeat is {found}; it must be a whole number from 0 to {MAX_REPEAT}"
    raise fault("E204", message, part.at("repeat"), "check the expression")


def turns(part: BranchSpec | Step, scope: Scope) -> Iterator[tuple[int, Scope]]:
    """The number of each turn, and the scope of its steps."""
    for i in range(count(part, scope)):
        yield i, scope.at_index(i, part.index)


def ports(spec: BlockSpec, key: str, scope: Scope) -> dict[str, Location | None]:
    """The `inputs` or `outputs` of a block with their places, those that repeat written out."""
    given = getattr(spec, key)
    if isinstance(given, dict):
        return {name: spec.at(key, name) for name in given}
    found: dict[str, Location | None] = {}
    for i, port in enumerate(given):
        names = [port]
        if isinstance(port, Values):
            own = (scope.at_index(turn) for turn in range(count(port, scope)))
            names = [_name(port.name, port, "name", None, inner) for inner in own]
        found |= dict.fromkeys(names, spec.at(key, i))
    return found


def called(step: Step, scope: Scope) -> Step:
    """A step with the numbers of its turn in the names that it has, and in those it asks for.

    Raises `SpecError` where one has no number.
    """
    new: dict[str, Any] = {}
    for key, field in (("name", "name"), ("reuse", "reuse"), ("from", "from_")):
        value = getattr(step, field)
        if is_pattern(value):
            new[field] = _name(value, step, key, None, scope)
        elif isinstance(value, list) and any(map(is_pattern, value)):
            new[field] = [_name(one, step, key, i, scope) for i, one in enumerate(value)]
    options = step.options
    if is_pattern(to := getattr(options, "to", None)):
        told = {"to": _name(to, options, "to", None, scope)}
        new[step.word] = options.model_copy(update=told)
    return step.model_copy(update=new) if new else step


def _name(pattern: str, model: Model, key: str, place: int | None, scope: Scope) -> str:
    """The name that a pattern gives; `place` is where in a list it stands."""

    def number(inside: str) -> str:
        if inside in SHORT and INDEX not in scope.values:
            message = f"nothing repeats here that `{{{inside}}}` would count"
            raise fault("E207", message, model.at(key, place), NO_TURN)
        word = scope.words.get(inside.removeprefix("$")) if inside.startswith("$") else None
        if isinstance(word, str):
            return word
        found = scope.dim(SHORT.get(inside, inside), model, key, place)
        if isinstance(found, int) and found >= 0:
            return str(found)
        message = f"`{{{inside}}}` is {text(found)} here"
        help = "a name has whole numbers from 0 that are known here"
        raise fault("E204", message, model.at(key, place), help)

    return numbered(filled(pattern, number), key, model.at(key, place))
