"""Where steps are being lowered: the names and words that have a meaning there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import Diagnostic, Location, SpecError, did_you_mean
from ..expr.dims import Dim, Expr, ExprError, Var, is_whole, names, substitute, text
from ..expr.kinds import WORDS, Kind, is_condition, way_out
from ..expr.parse import read
from ..ir.flow import expand
from ..ir.structure import BLOCK_INDEX, CLASSES, IN_CHANNELS, INDEX
from ..language.models import Model

NUMERIC: dict[str, Kind] = {"int": int, "float": float, "bool": bool}


def fault(code: str, message: str, at: Location | None, help: str = "") -> SpecError:
    """An error to raise, with one diagnostic."""
    return SpecError([Diagnostic(code, message, at, help=help)])


def _meant(name: str, known: Iterable[str]) -> str:
    """Did you mean, with the sigil."""
    return did_you_mean(f"${name}", [f"${one}" for one in known])


@dataclass
class Scope:
    """The network, a block's definition, or a sequence in one of them.

    `names` stay symbolic, `values` are filled in, `words` are kinds and shortcuts. `channels` is
    what enters the next step, as an expression; None after an error or a flatten.
    """

    owner: str
    numbered: bool
    names: dict[str, Kind]
    values: dict[str, Dim]
    words: dict[str, Any]
    channels: Dim | None
    in_block: bool = False
    lists: dict[str, tuple[Dim, ...]] = field(default_factory=dict)  # names for several numbers
    lets: list[tuple[str, Dim]] = field(default_factory=list)
    named: dict[str, Dim] = field(default_factory=dict)  # the channels of inputs and named steps
    again: dict[str, str] = field(default_factory=dict)  # steps again, and what they are of
    given: dict[str, tuple[str, ...]] = field(default_factory=dict)  # the outputs of calls
    flowing: tuple[str, ...] = ()  # the values of the step before, where those are several

    @property
    def fractions(self) -> dict[str, Dim]:
        """The names that may stand for no whole number."""
        return {name: Var(name, True) for name, kind in self.names.items() if kind is float}

    def inner(self, *, numbered: bool) -> Scope:
        return replace(self, numbered=numbered)

    def with_index(self) -> Scope:
        """Where something repeats, the turns of which a number tells apart."""
        values = {name: value for name, value in self.values.items() if name != INDEX}
        return replace(self, names={**self.names, INDEX: int}, values=values)

    def at_index(self, index: int, called: str | None = None) -> Scope:
        """One of the turns, written out; its number may have a name of its own as well."""
        own = {INDEX: index} if called is None else {INDEX: index, called: index}
        return replace(self, values={**self.values, **own})

    @property
    def written_out(self) -> bool:
        """Whether the present steps are those of a turn that is written out."""
        return INDEX in self.values

    def free(self, wanted: str) -> str:
        """`wanted`, or with a number where the scope has such a name."""
        numbered = (f"{wanted}{i}" for i in range(2, 10_000))
        return next(name for name in (wanted, *numbered) if name not in self.names)

    def let(self, wanted: str, dim: Dim) -> Var:
        """A name for an expression, like `wanted`; the same one wherever it is the same."""
        for name, known in self.lets:
            if known == dim and name.rstrip("0123456789") == wanted:
                return Var(name)
        name = self.free(wanted)
        self.lets.append((name, dim))
        self.names[name] = int
        return Var(name)

    def define(self, name: str, value: Any, model: Model) -> None:
        """A name for an expression under `let` of a model; for a number that is filled in.

        It hides what is called so outside. Raises `SpecError`.
        """
        dim = self.dim(value, model, "let", name, wanted=None)
        for outer in (self.values, self.words):
            outer.pop(name, None)
        if not isinstance(dim, Expr):
            self.values[name] = dim
            return
        self.lets.append((name, dim))
        try:  # where the name stands the expression is written out: that must be of some size
            expand(tuple(self.lets), Var(name))
        except ExprError as error:
            raise fault("E204", f"'{name}': {error}", model.at("let", name)) from None
        number = int if is_whole(dim) else float
        self.names[name] = bool if is_condition(dim, self.names) else number

    def word(self, value: str, at: Location | None) -> Any:
        """The word that `$name` stands for, or the word itself."""
        if not value.startswith("$"):
            return value
        name = value[1:]
        if name in self.words:
            return self.words[name]
        message = f"'{value}' does not name a word"
        help = _meant(name, self.words) or f"write the word, or add '{name}' to `parameters:`"
        if name == "shortcut":
            message = "`$shortcut` is the network's shortcut, but the network says none"
            help = "set `shortcut: projection` (or another kind) at the top of the spec"
        raise fault("E207", message, at, help)

    def condition(self, value: Any, model: Model, key: str) -> Dim:
        """What is true or false: as `dim`, but no number. Raises `SpecError`."""
        return self.dim(value, model, key, wanted=bool)

    def dim(
        self,
        value: Any,
        model: Model,
        key: str,
        index: str | int | None = None,
        wanted: Kind | None = float,
    ) -> Dim:
        """A number, or the expression that a string spells, known values filled in.

        `key` is where `model` holds the value. Nothing true or false stands for a number, nor the
        other way round; without `wanted` it is either. Raises `SpecError`.
        """
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        at = model.at(key, index)
        try:
            read_as = read(value)
            dim = substitute(read_as, {**self.fractions, **self.values})
        except ExprError as error:
            raise fault("E204", str(error), at, error.help) from None
        self.check_kind(read_as, index if isinstance(index, str) else key, wanted, at)
        unknown = names(dim) - set(self.names)
        if unknown:
            name = min(unknown)
            if isinstance(self.words.get(name), str):
                message = f"`${name}` is the word '{self.words[name]}', not a number or a condition"
                help = f"write a number, `true` or `false` for '{name}', without quotes"
                raise fault("E207", message, at, help)
            raise fault("E207", f"unknown name '${name}'", at, self._unknown(name))
        return dim

    def several(self, value: Any) -> Any:
        """The numbers that a name stands for; whatever else a value is stays as it is."""
        named = isinstance(value, str) and value.startswith("$")
        return self.lists.get(value[1:], value) if named else value

    def settled(self, value: Any, model: Model, key: str, wanted: Kind = int) -> Any:
        """A value that is known where a block is called. Raises `SpecError` for another."""
        dim = self.dim(value, model, key, wanted=wanted)
        if isinstance(dim, Expr):
            message = f"`{key}` has to be known here, but it depends on `{text(dim)}`"
            help = "which branches there are may depend on parameters that calls give as numbers"
            raise fault("E204", message, model.at(key), help)
        return dim

    def check_kind(self, dim: Dim, key: str, wanted: Kind | None, at: Location | None) -> None:
        """Refuse a condition that stands for a number, and a number for a condition."""
        known = {name: type(value) for name, value in self.values.items()}
        kinds = {**{n: k if k is bool else float for n, k in known.items()}, **self.names}
        try:
            found = is_condition(dim, kinds)
        except ExprError as error:
            raise fault("E112", str(error), at, error.help) from None
        if wanted is None or found is None or found is (wanted is bool):
            return
        message = f"`{key}` is {WORDS[wanted is bool]}, but `{text(dim)}` is {WORDS[found]}"
        raise fault("E112", message, at, way_out(dim, wanted is bool))

    def _unknown(self, name: str) -> str:
        """What to do about a name that is not known here."""
        if name in self.lists:
            return f"'{name}' is several numbers, and stands alone: `kernel: ${name}`, say"
        if self.in_block and name in (CLASSES, INDEX, BLOCK_INDEX):
            return f"a block does not see ${name}: give it a parameter and pass ${name} in the call"
        if name == CLASSES:
            return "add `classes: 1000`, say, at the top of the spec"
        if name == IN_CHANNELS:
            return "of several inputs each has its own: `$NAME_channels`, after the input's name"
        if name == INDEX:
            return "$index has a meaning only where something is repeated"
        if name == BLOCK_INDEX:
            return "$block_index has a meaning only in a repeated call of the network's own"
        return _meant(name, [*self.names, *self.values])
