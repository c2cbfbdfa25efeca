"""What a framework calls an operation: a constructor, and which argument says which attribute.

A backend declares this once, and it is read both ways. Emitters write an operation as a call,
without what the framework takes by default; the stand-in that proves an emitted file is given the
arguments of a call and tells the operation. That names, order and defaults are the framework's own
is what the tests of each backend compare with the one that is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from inspect import Parameter, Signature
from typing import Any, TypeVar

from ..expr.dims import Dim
from ..ir.structure import IN_CHANNELS
from ..ops import Extents, Op, is_default
from ..ops.window import ends
from ..record import record
from .layout import Arg, Code, Items, Keyword

Render = Callable[[Dim], str]  # an expression as source
Told = tuple[Op, Any]  # an operation, and how many channels must enter it, or None
REQUIRED = Parameter.empty


def _same(value: Any) -> Any:
    return value


@record
class Form:
    """How an argument says the value of an attribute: as source, and what a call is given means.

    A value that does not fit cannot be said like that. Where the framework's default is None,
    `absent` is what that means.
    """

    write: Callable[[Any, Render], Code]
    read: Callable[[Any], Any] = _same
    fits: Callable[[Any], bool] = lambda value: True
    absent: Any = None


def number(value: float) -> str:
    """A float as it is written by hand: 1e-5, not 1e-05."""
    mantissa, e, exponent = repr(float(value)).partition("e")
    return f"{mantissa}e{int(exponent)}" if e else mantissa


def fraction(value: Fraction) -> str:
    """A rational as it is written where a float is meant: 2.0, and 1 / 3."""
    return f"{value}.0" if value.denominator == 1 else str(value).replace("/", " / ")


def complement(momentum: float) -> float:
    """1 - momentum without rounding dust, for targets whose is the weight of the old statistics."""
    return float(1 - Decimal(repr(momentum)))


def write_extents(dims: Extents, dim: Render) -> Code:
    shown = tuple(map(dim, dims))
    return shown[0] if len({*shown}) == 1 else tupled(*shown)


def _of(axes: int) -> Callable[[Any], bool]:
    return lambda dims: isinstance(dims, tuple) and len(dims) == axes


def extents(axes: int) -> Form:
    """A number for each axis, or one where they are the same."""

    def read(given: Any) -> Any:
        return given if isinstance(given, tuple) else (given,) * axes

    return Form(write_extents, read, _of(axes))


def sides(axes: int) -> Form:
    """Padding, where it is the same on opposite sides: a number for each axis, or one."""
    each = extents(axes)
    return Form(
        lambda given, dim: write_extents(given[::2], dim),
        lambda given: tuple(side for pad in each.read(given) for side in (pad, pad)),
        lambda given: _of(2 * axes)(given) and given[::2] == given[1::2],
    )


def tupled(*items: Code) -> Items:
    """Items in brackets of their own."""
    return Items("(", ")", items)


NUMBER = Form(lambda value, dim: dim(value))
LITERAL = Form(lambda value, dim: dim(value))  # a float or a boolean, or a condition
FLOAT = Form(lambda value, dim: number(value) if isinstance(value, float) else dim(value))
OLD = Form(lambda value, dim: number(complement(value)), complement)  # a momentum, turned around
BOTH = Form(lambda dims, dim: tupled(*map(dim, dims)), tuple)  # a number for each axis, always
AROUND = Form(  # padding: a pair for each axis
    lambda sides, dim: tupled(*(tupled(*map(dim, pair)) for pair in ends(sides))),
    lambda pairs: tuple(side for pair in pairs for side in pair),
)


def choice(kind: type[Enum], **words: str) -> Form:
    """One of some words, for some of which the target has `words` of its own."""
    said = {one: words.get(one.value, one.value) for one in kind}
    meant = {word: one for one, word in said.items()}

    def read(given: Any) -> Enum:
        if given not in meant:
            raise ValueError(f"{given!r} is none of {', '.join(meant)}")
        return meant[given]

    return Form(lambda value, dim: f'"{said[value]}"', read)


def literal(value: object) -> str:
    """A word, a number or a shape as source text."""
    if isinstance(value, float):
        return number(value)
    return f'"{value}"' if isinstance(value, str) else repr(value)


def constant(value: Any) -> Form:
    """What is always the same, and says nothing: of an argument that holds no attribute."""

    def read(given: Any) -> tuple[()]:
        if given != value:
            raise ValueError(f"{given!r} where only {value!r} has a meaning")
        return ()

    return Form(lambda _, dim: literal(value), read)


@record
class Argument:
    """An argument of a constructor: which attribute it says, or which ones, and in which form.

    `IN_CHANNELS` stands for the channels that enter. Those by keyword are left out where they are
    the `default`; a default of None is the value of the argument `like`.
    """

    name: str
    of: str | tuple[str, ...]
    form: Form = NUMBER
    default: Any = REQUIRED
    keyword: bool = False
    like: str = ""

    def value(self, op: Op) -> Any:
        """What it has to say of an operation."""
        if isinstance(self.of, str):
            return getattr(op, self.of)
        return tuple(getattr(op, name) for name in self.of)

    def attributes(self, given: Any) -> dict[str, Any]:
        """What a call says by it."""
        value = self.form.read(given)
        if isinstance(self.of, str):
            return {self.of: value}
        return dict(zip(self.of, value, strict=True))


def entering(name: str) -> Argument:
    """The argument for the channels that enter."""
    return Argument(name, IN_CHANNELS)


def option(
    name: str, of: str | tuple[str, ...], form: Form, default: Any, like: str = ""
) -> Argument:
    """An argument that is written by its name, where it is not the default."""
    return Argument(name, of, form, default, True, like)


def size_of(axes: str, keyword: bool = False) -> Argument:
    """The argument for the size of another value, of whose shape `axes` is a slice."""
    form = Form(lambda value, dim: f"{value[0]}.shape[{axes}]", lambda size: ("", tuple(size)))
    return Argument("size", ("to", "extents"), form, keyword=keyword)


# How weights that are standardised are scaled, for targets that define that themselves.
SCALED = (option("gain", "gain", LITERAL, False), option("gamma", "gamma", FLOAT, 1.0))


@record
class Constructor:
    """A class or function of a framework, and the operation that a call of it means.

    `implied` are attributes that no argument says, since here they have no other value.
    """

    name: str
    kind: type[Op]
    arguments: tuple[Argument, ...] = ()
    implied: tuple[tuple[str, Any], ...] = ()

    def fits(self, op: Op) -> bool:
        """Whether it can say all attributes of an operation."""
        said = (a for a in self.arguments if a.of != IN_CHANNELS)
        return all(argument.form.fits(argument.value(op)) for argument in said)

    def write(self, op: Op, dim: Render, entering: str = "") -> tuple[Arg, ...]:
        """The arguments of the call; `entering` are the channels that enter, as source."""
        made: list[Arg] = []
        for argument in self.arguments:
            if argument.of == IN_CHANNELS:
                made.append(entering)
            elif not argument.keyword:
                made.append(argument.form.write(argument.value(op), dim))
            elif not is_default(argument.value(op), self.default(argument, op)):
                code = argument.form.write(argument.value(op), dim)
                made.append(Keyword(argument.name, code))
        return tuple(made)

    def default(self, argument: Argument, op: Op) -> Any:
        """What an operation has where the argument is left out."""
        if argument.default is None:
            likes = (a.value(op) for a in self.arguments if a.name == argument.like)
            return next(likes, argument.form.absent)
        required = argument.default is REQUIRED
        return REQUIRED if required else argument.form.read(argument.default)

    @property
    def signature(self) -> Signature:
        """What a call of it takes."""
        kinds = {True: Parameter.KEYWORD_ONLY, False: Parameter.POSITIONAL_OR_KEYWORD}
        return Signature(
            [Parameter(a.name, kinds[a.keyword], default=a.default) for a in self.arguments]
        )

    def reader(self) -> Callable[..., Told]:
        """A function that gets the arguments of a call and tells what the call means.

        It raises `TypeError` and `ValueError` for arguments without a meaning.
        """
        kind: Any = self.kind
        signature = self.signature

        def read(*args: Any, **options: Any) -> Told:
            call = signature.bind(*args, **options)
            call.apply_defaults()
            given, found = call.arguments, dict(self.implied)
            for argument in self.arguments:
                value = given[argument.name]
                if value is None and argument.like:
                    value = given[argument.like]
                found |= argument.attributes(value)
            entering = found.pop(IN_CHANNELS, None)
            return kind(**found), entering

        return read


Row = TypeVar("Row", bound=Constructor)


def by_name(rows: Iterable[Row]) -> dict[str, tuple[Row, ...]]:
    """The rows of each name, which is that of several operations or forms of them."""
    found: dict[str, tuple[Row, ...]] = {}
    for row in rows:
        found[row.name] = (*found.get(row.name, ()), row)
    return found


def by_kind(rows: Iterable[Row]) -> dict[type[Op], tuple[Row, ...]]:
    """The rows of each operation."""
    found: dict[type[Op], tuple[Row, ...]] = {}
    for row in rows:
        found[row.kind] = (*found.get(row.kind, ()), row)
    return found


def meanings(
    rows: Iterable[Row], args: Iterable[Any], options: Mapping[str, Any]
) -> list[tuple[Row, Op, Any]]:
    """The rows of a name by which a call means something, each with its operation and what enters.

    Raises `TypeError` or `ValueError` where there is none.
    """
    found: list[tuple[Row, Op, Any]] = []
    problem: Exception = TypeError("there is no such call")
    for row in rows:
        try:
            found.append((row, *row.reader()(*args, **options)))
        except (TypeError, ValueError) as error:
            problem = error
    if not found:
        raise problem
    return found
