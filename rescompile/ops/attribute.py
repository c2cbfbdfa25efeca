"""Attributes of operations, each declared once: what it may be, what it means, and its default.

The models of the language, the checks of bound values, the lowering and the tables of the manual
follow from these declarations. A field without one is the compiler's own: no spec can say it.
"""

from __future__ import annotations

import dataclasses
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from ..record import record

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda function: function


T = TypeVar("T")
REQUIRED: Any = dataclasses.MISSING


class Kind(Enum):
    """What an attribute may be: of whole numbers, rates, factors and flags, expressions as well."""

    POSITIVE = "a whole number from 1"
    WHOLE = "a whole number from 0"
    EXTENTS = "whole numbers from 1, one for each axis"
    EXTENTS_FROM_ZERO = "whole numbers from 0, one for each axis"
    PADDING = "pixels on all sides, or a word"
    POOL_PADDING = "pixels on all sides, alike on opposite ones, or a word"
    SIDES = "pixels on all sides"
    CUT = "pixels taken off, alike on opposite sides"
    RATE = "from 0, less than 1"
    FLOAT = "any number"
    FACTOR = "a number of any sign"
    EPSILON = "above 0, at most 1"
    MOMENTUM = "the weight of the new, above 0, at most 1"
    SLOPE = "from 0 to 1"
    ALPHA = "from 0.001 to 100"
    BOOL = "true or false"
    FLAG = "true or false, or a condition"
    STEP = "the name of an earlier step"


FROM_ONE = (Kind.POSITIVE, Kind.EXTENTS)
FRACTIONS = (
    *(Kind.RATE, Kind.FACTOR, Kind.FLOAT, Kind.EPSILON, Kind.MOMENTUM, Kind.SLOPE, Kind.ALPHA),
)


@record
class Attribute:
    """What is declared of an attribute.

    `absent` is its value where a spec does not say it: `REQUIRED` where it must, and None where
    the lowering decides by what the rest of the spec says.
    """

    name: str
    kind: Kind | type[Enum]
    doc: str
    absent: Any
    least: int
    fraction: bool


def attribute(
    kind: Kind | type[Enum], doc: str, *, default: Any = REQUIRED, absent: Any = REQUIRED
) -> Any:
    """A field of an operation; `absent` where specs have another default than `default`.

    One of a few words has their enumeration for a kind.
    """
    told = (kind, doc, default if absent is REQUIRED else absent)
    return dataclasses.field(default=default, metadata={"told": told})


@dataclass_transform(frozen_default=True, field_specifiers=(attribute,))
def operation(cls: type[T]) -> type[T]:
    """The class of an operation with attributes of its own."""
    return record(cls)


def attributes(op: type[Any]) -> dict[str, Attribute]:
    """The attributes of an operation that specs may say, by name."""
    given: Any = op  # mypy takes the hash of the instances for that of the class
    return _declared(given)


@cache
def _declared(op: Any) -> dict[str, Attribute]:
    found = {}
    for field in dataclasses.fields(op):
        if "told" in field.metadata:
            kind, doc, absent = field.metadata["told"]
            least, fraction = int(kind in FROM_ONE), kind in FRACTIONS
            found[field.name] = Attribute(field.name, kind, doc, absent, least, fraction)
    return found
