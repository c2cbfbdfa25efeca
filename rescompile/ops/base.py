"""What all operations share: attributes that are numbers or expressions, and their checks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from functools import cache
from math import prod
from typing import Any, ClassVar, TypeVar, cast

from ..expr.dims import Dim, Expr, ExprError, Number, evaluate
from ..record import record
from .attribute import Attribute, Kind, attributes
from .axis import Axis
from .resize import KEEPS, Resizes

Shape = tuple[int, ...]
Extents = tuple[Dim, ...]  # a number for each axis of a map
Sides = tuple[Dim, ...]  # two numbers for each axis, before and after: top, bottom, left, right
AXIS_NAMES = {1: ("positions",), 2: ("rows", "columns"), 3: ("frames", "rows", "columns")}
MAX_EXTENT = 1 << 20  # of one attribute or dimension: a spec with more is a mistake or an attack
MAX_ELEMENTS = 1 << 33  # of one map


class ShapeError(ValueError):
    """An operation cannot take this input: `label` is what was found, `help` the way out.

    `key` is the attribute to point at, as the spec calls it.
    """

    def __init__(self, message: str, label: str = "", help: str = "", key: str = "") -> None:
        super().__init__(message)
        self.label = label
        self.help = help
        self.key = key


class Role(Enum):
    """Which of a network's initialisers draws a tensor."""

    CONV = "conv"
    LINEAR = "linear"


@record
class Parameter:
    """A tensor that an operation owns, by its PyTorch name, layout and shape, and how it starts."""

    leaf: str
    shape: Shape
    trainable: bool = True
    start: float | Role = 0.0


class Same(Enum):
    """Padding in TensorFlow's sense: ceil(n / stride) outputs, the odd pixel after."""

    SAME = "same"


OpT = TypeVar("OpT", bound="Op")


@record
class Op:
    """Base of all operations: what holds of one whose class, or family, does not say otherwise."""

    word: ClassVar[str] = ""  # what the spec and the text form call it
    called: ClassVar[str] = ""  # a step of it without a name, where that is not `word`
    nonnegative: ClassVar[bool] = False  # nothing that leaves is negative, whatever enters
    keeps_sign: ClassVar[bool] = False  # nothing that leaves is negative if nothing that enters is
    orderless: ClassVar[bool] = False  # the elements of a vector may come in any order
    positional: ClassVar[bool] = False  # it may stand where the channels are last: `positions`
    stateless: ClassVar[bool] = False  # one object can serve all equal uses
    light: ClassVar[bool] = False  # cheap, and short to write: conv, then norm, then relu
    in_place: ClassVar[bool] = False  # its output may take the place of its input
    # Nobody else holds its output, and its own gradient does not need it: safe to overwrite.
    fresh: ClassVar[bool] = False
    passes: ClassVar[bool] = False  # in evaluation its output is its input itself
    axes: ClassVar[tuple[int, ...]] = (1, 2, 3)  # how many a map may have that it works on

    def output(self, x: Shape) -> Shape:
        """The output shape for input shape `x`; attributes must be bound. Raises `ShapeError`."""
        return x

    def leaving(self, x: Dim) -> Dim:
        """Output channels as an expression of the input's `x`; needs no bound attributes."""
        return x

    def parameters(self, x: Shape) -> tuple[Parameter, ...]:
        """The tensors it owns for input shape `x`."""
        return ()

    def macs(self, x: Shape, y: Shape) -> int:
        """Multiply-adds from input shape `x` to output shape `y`, batch 1, by our convention."""
        return 0

    @property
    def like(self) -> str:
        """The step whose map tells the size of what leaves, if there is one."""
        return ""

    def beside(self, name: str, shape: Shape | None = None) -> Op:
        """The same where that step is called `name`, and a value of `shape` leaves it."""
        return self

    def resizes(self) -> Resizes:
        """What it does to the extents of a map, whatever they are."""
        return (KEEPS,)

    def sees(self, x: Shape) -> tuple[Axis, ...] | None:
        """Which pixels along each axis of input shape `x` one element sees; None if all of them."""
        return (Axis(),) * (len(x) - 1)


class Weighted(Op):
    """Base of what multiplies by weights that are drawn, and may add a bias: a layer of papers."""

    __slots__ = ()
    fresh = True
    role: ClassVar[Role]
    bias: Dim

    def weights(self, weight: Shape, out: int) -> tuple[Parameter, ...]:
        """The weight, and a bias for each of the `out` channels if it has one."""
        drawn = Parameter("weight", weight, start=self.role)
        return (drawn, Parameter("bias", (out,))) if self.bias else (drawn,)


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(kind))


def _fields(op: Op) -> tuple[str, ...]:
    kind: Any = type(op)  # mypy takes the instances' __hash__ for that of the class
    return _names(kind)


def said(op: Op) -> dict[str, Any]:
    """The attributes whose values are not the default."""
    values = ((f.name, getattr(op, f.name), f.default) for f in dataclasses.fields(op))
    return {name: value for name, value, default in values if not is_default(value, default)}


def is_default(value: Any, default: Any) -> bool:
    """Whether a value, or each of several, is the default."""
    several = isinstance(value, tuple) and value and all(one == default for one in value)
    return bool(several or value == default)


def map_attributes(op: OpT, change: Any) -> OpT:
    """`op` with `change` applied to every expression in its attributes."""
    changed: dict[str, Any] = {}
    for name in _fields(op):
        value = getattr(op, name)
        if isinstance(value, Expr):
            changed[name] = change(value)
        elif isinstance(value, tuple) and any(isinstance(v, Expr) for v in value):
            changed[name] = tuple(change(v) if isinstance(v, Expr) else v for v in value)
    return dataclasses.replace(op, **changed) if changed else op


def attribute_dims(op: Op) -> list[Dim]:
    """Every numeric attribute, flat."""
    found: list[Dim] = []
    for name in _fields(op):
        value = getattr(op, name)
        found.extend(value if isinstance(value, tuple) else [value])
    return found


def bind(op: OpT, env: Mapping[str, Number]) -> OpT:
    """`op` with numbers for expressions, itself if it has none.

    Raises `ExprError` or `ShapeError`.
    """
    declared_ones = attributes(type(op))
    changed: dict[str, Any] = {}
    for name in _fields(op):
        try:
            value = _bound(getattr(op, name), env, declared_ones.get(name))
        except ExprError as error:
            raise ExprError(f"{op.word}: {name}: {error}", error.help, name) from None
        if value is not None:
            changed[name] = value
    bound = dataclasses.replace(op, **changed) if changed else op
    for name, declared in declared_ones.items():
        value = getattr(bound, name)
        for number in value if isinstance(value, tuple) else (value,):
            _check_number(bound, declared, number)
    return bound


def _bound(value: Any, env: Mapping[str, Number], declared: Attribute | None) -> Any:
    """An attribute with numbers for expressions; None where it has none."""
    flag = declared is not None and declared.kind is Kind.FLAG
    if isinstance(value, Expr):
        return _evaluated(value, env, flag)
    if isinstance(value, tuple) and any(isinstance(dim, Expr) for dim in value):
        return tuple(_evaluated(dim, env, flag) for dim in value)
    return None


def _evaluated(dim: Dim, env: Mapping[str, Number], flag: bool) -> Number:
    value = evaluate(dim, env)
    if isinstance(value, bool) is flag:
        return value
    if flag:
        raise ExprError(f"the value is {value}, not true or false", "compare it: `$n != 1`, say")
    raise ExprError(f"the value is {str(value).lower()}, not a number", "compare nothing here")


def _check_number(op: Op, declared: Attribute, number: object) -> None:
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return
    name, at_hand = declared.name, "check the expression, and the values that it gets here"
    if declared.kind is Kind.RATE and not 0 <= number < 1:
        message = f"{op.word}: {name} is {number}; it must be at least 0 and less than 1"
        raise ShapeError(message, help=at_hand, key=name)
    if isinstance(number, float) and not declared.fraction:
        help = "use // instead of /, or int(...) or round(...)"
        raise ShapeError(f"{op.word}: {name} is {number}, not a whole number", help=help, key=name)
    signed = declared.kind in (Kind.FACTOR, Kind.FLOAT)
    least = -MAX_EXTENT if signed else 0
    if (signed or isinstance(number, int)) and not least <= number <= MAX_EXTENT:
        message = f"{op.word}: {name} is {number}, out of bounds ({least} to {MAX_EXTENT})"
        raise ShapeError(message, help=at_hand, key=name)
    if not signed and number < declared.least:
        help = "check the expression: `max(1, ...)` keeps it above zero"
        raise ShapeError(f"{op.word}: {name} must be at least 1", help=help, key=name)


class Windowed(Op):
    """Base of what slides a window over maps of as many axes as its `kernel` has numbers.

    One number for another of its attributes is that number for each axis, and for each side.
    """

    __slots__ = ()
    kernel: Extents

    def __post_init__(self) -> None:
        for name, declared in attributes(type(self)).items():
            value = getattr(self, name)
            if declared.kind in EACH and isinstance(value, int):
                spread = (value,) * len(self.kernel) * EACH[declared.kind]
                object.__setattr__(self, name, spread)


# How many numbers each axis has in attributes of which it has some.
EACH: dict[Any, int] = {
    Kind.EXTENTS: 1,
    Kind.EXTENTS_FROM_ZERO: 1,
    Kind.CUT: 1,
    Kind.PADDING: 2,
    Kind.POOL_PADDING: 2,
    Kind.SIDES: 2,
}


def as_map(x: Shape, word: str) -> Shape:
    """`x` itself. Raises `ShapeError` for a vector."""
    if len(x) == 1:
        raise ShapeError(
            f"{word} needs a map, but its input is a vector",
            f"the input is a vector of {x[0]}",
            "move it before the flatten or the pooling that makes a vector, or keep the map with "
            "`global_avg_pool: {keepdims: true}`",
        )
    return x


def fitting(op: OpT, axes: int) -> OpT:
    """`op` itself. Raises `ShapeError` where it is not for maps of so many axes."""
    if axes and axes not in op.axes:
        known = " or ".join(map(show_axes, op.axes))
        message = f"{op.word} is for {known}, and here they have {axes}"
        raise ShapeError(message, help="leave it out: frameworks have it for no others")
    return op


def check_groups(groups: Dim, entering: int, leaving: int | None = None) -> None:
    """Raise `ShapeError` where groups do not divide the channels, on both sides if both count."""
    sides = [("", entering)] if leaving is None else [("input ", entering), ("output ", leaving)]
    for side, count in sides:
        if count % cast(int, groups):
            raise ShapeError(
                f"{groups} groups do not divide {count} {side}channels",
                f"groups is {groups}" if side else "",
                f"choose a number of groups that divides {'both' if side else 'the channels'}",
                "groups",
            )


def bounded(x: Shape) -> Shape:
    """`x` itself. Raises `ShapeError` where no machine could hold it."""
    if prod(x) > MAX_ELEMENTS:
        raise ShapeError(
            f"a map of {show_shape(x)} is too large: it has {prod(x):,} values",
            help=f"at most {MAX_ELEMENTS:,} values leave one step",
        )
    return x


def show_shape(x: Shape) -> str:
    return " x ".join(str(n) for n in x)


def show_inputs(shapes: Mapping[str, Shape]) -> str:
    """The shape of an only input, or the shapes of several with their names."""
    if len(shapes) == 1:
        return show_shape(*shapes.values())
    return " and ".join(f"{name} {show_shape(shape)}" for name, shape in shapes.items())


def show_axes(count: int) -> str:
    """Maps of so many axes, in words."""
    return f"maps of {count} ax{'i' if count == 1 else 'e'}s"
