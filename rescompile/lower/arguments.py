"""What a call gives for the parameters of a block: numbers, and words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ..errors import DiagnosticCollector, Location, SpecError, did_you_mean
from ..expr.dims import Dim, Expr
from ..ir.structure import Param
from ..language.hints import meant
from ..language.models import WORDS, BlockSpec, Model, ParameterSpec, Step
from ..language.names import CALL_KEYS
from ..language.types import shown
from ..language.validate import shortcut
from ..ops import AXIS_NAMES
from .scope import NUMERIC, Scope, fault

EXTENTS = "extents"
# What a parameter's type is called in a sentence, and a value of it.
TYPES = {
    "int": ("a whole number", "64"),
    "float": ("a number", "0.5"),
    "bool": ("true or false", "true"),
    EXTENTS: ("a whole number for each axis", "[1, 7]"),
    "str": ("a word", "relu"),
}


def parts(key: str, spec: BlockSpec, axes: int) -> list[str]:
    """What the numbers for each axis are called in code."""
    taken = {*spec.parameters, *spec.let} - {key}

    def free(name: str) -> str:
        return free(f"{name}_") if name in taken else name

    return [key] if axes == 1 else [free(f"{key}_{name}") for name in AXIS_NAMES[axes]]


class Arguments:
    """Reads the arguments of calls; defaults belong to the scope `network`, not to the caller's."""

    def __init__(self, network: Scope, axes: int) -> None:
        self.network = network
        self.axes = axes
        self.shortcuts: dict[int, Any] = {}  # given in full, by the id of what spells them

    def read(
        self, step: Step, spec: BlockSpec, scope: Scope
    ) -> tuple[list[tuple[str, Dim]], dict[str, Any]]:
        """The numbers and the words that a block gets. Raises `SpecError` with all its faults."""
        collector = DiagnosticCollector()
        for key in step.arguments:
            with collector.part():
                _check_key(key, step, spec)
        args: list[tuple[str, Dim]] = []
        words: dict[str, Any] = {}
        respelt = {meant(key, spec.parameters) for key in step.arguments}
        for key, parameter in spec.parameters.items():
            if key not in step.arguments and key in respelt:
                continue  # a key that is only misspelt is not missing as well
            with collector.part():
                value = self.value(key, step, parameter, scope)
                if parameter.type == EXTENTS:
                    names = parts(key, spec, self.axes)
                    args += zip(names, value.extents(self.axes), strict=True)
                elif parameter.type in NUMERIC:
                    args.append((key, value.number(parameter.type)))
                else:
                    words[key] = self.word(value, parameter.type)
        collector.done()
        return args, words

    def value(self, key: str, step: Step, parameter: ParameterSpec, scope: Scope) -> Value:
        """What a parameter gets: the call's argument, or its default."""
        given = step.arguments.get(key)
        if given is not None:
            return Value(key, given, scope, step, key)
        if parameter.default is None:
            message = f"block '{step.block}' needs its parameter '{key}'"
            raise fault("E111", message, step.at(), f"add `{key}: ...` to the call")
        return Value(key, parameter.default, self.network, parameter, "default")

    def parameters(self, key: str, spec: BlockSpec) -> list[Param]:
        """What a parameter is in code; defaults are expressions over the network's parameters."""
        one = spec.parameters[key]
        given = Value("default", one.default, self.network, one, "default")
        if one.type != EXTENTS:
            default = None if one.default is None else given.number(one.type)
            return [Param(key, NUMERIC[one.type], default, one.once)]
        no = (None,) * self.axes
        defaults = no if one.default is None else given.extents(self.axes)
        names = parts(key, spec, self.axes)
        return [Param(n, int, d, one.once) for n, d in zip(names, defaults, strict=True)]

    def word(self, value: Value, type: str) -> Any:
        """A word, or the steps of a shortcut."""
        if isinstance(value.given, str):
            return value.scope.word(value.given, value.at)
        if type != "shortcut":
            raise value.wrong(type)
        key = id(value.given)
        if key not in self.shortcuts:
            self.shortcuts[key] = shortcut(value.given, value.at or Location("", 1, 1))
        return self.shortcuts[key]


@dataclass(frozen=True)
class Value:
    """What was given for a parameter, the scope that gives it a meaning, and where it stands."""

    parameter: str
    given: Any
    scope: Scope
    holder: Model
    key: str  # of the holder

    @property
    def at(self) -> Location | None:
        return self.holder.at(self.key)

    def number(self, type: str) -> Dim:
        """The number or the expression. Raises `SpecError` for a value of another type."""
        dim = self.scope.dim(self.given, self.holder, self.key, wanted=NUMERIC[type])
        fits = {
            "int": isinstance(dim, int) and not isinstance(dim, bool),
            "float": isinstance(dim, (int, float)) and not isinstance(dim, bool),
            "bool": isinstance(dim, bool),
        }
        if not isinstance(dim, Expr) and not fits[type]:
            raise self.wrong(type, dim)
        return dim

    def extents(self, axes: int) -> tuple[Dim, ...]:
        """A number or an expression for each axis, or one for all. Raises `SpecError`."""
        given = self.scope.several(self.given)
        if not isinstance(given, (list, tuple)):
            return (self.number("int"),) * axes
        if len(given) != axes:
            raise self.wrong(EXTENTS)
        return tuple(replace(self, given=one).number("int") for one in given)

    def wrong(self, type: str, found: Any = None) -> SpecError:
        what, example = TYPES[type]
        message = (
            f"'{self.parameter}' is {what}, not {shown(self.given if found is None else found)}"
        )
        more = "" if type == "str" else ", or an expression"
        return fault("E112", message, self.at, f"write `{self.parameter}: {example}`, say{more}")


def _check_key(key: str, step: Step, spec: BlockSpec) -> None:
    if key not in spec.parameters:
        known = [*spec.parameters, *(word for word in CALL_KEYS if word != "block")]
        message = f"block '{step.block}' has no parameter '{key}'"
        help = did_you_mean(key, known)
        if key in WORDS:
            help = "a step does one thing: make two steps of it, each with its own dash"
        raise fault("E110", message, step.key_at(key), help)
